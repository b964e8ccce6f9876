"""Rules as people state them: a table, or a TOML text, checked as the settings are."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from shadow_middleware.coherence import check_rule
from shadow_middleware.configuration import Checks, Place, build_one
from shadow_middleware.report.rule_list import name_of
from shadow_middleware.rule import Rule
from shadow_middleware.settings import Settings
from shadow_middleware.validation import RULE_CHECKS

__all__ = ["rule_of", "rules_in"]

_CHECKS: Checks = {Rule: RULE_CHECKS}


def rule_of(table: Mapping[str, Any], place: Place, settings: Settings) -> Rule:
    """
    Return the rule that a table states, checked as those of the settings are.

    Raises:
        ConfigurationError: naming what is wrong, where, and what would be right.
    """
    rule = build_one(Rule, table, place, _CHECKS)
    check_rule(settings, rule, place)
    name_of(rule)  # compiles its patterns
    return rule


def rules_in(text: str, source: str, settings: Settings) -> list[Rule]:
    """
    Return the rules of a TOML text: `[[rules]]` tables, or the fields of one rule.

    Raises:
        ConfigurationError: naming what is wrong, where, and what would be right.
    """
    tables = _tables(_parsed(text, source), source)
    return [
        rule_of(table, Place(f"rules[{index}]", source), settings)
        for index, table in enumerate(tables)
    ]


def _parsed(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Place("rules", source).error(f"is not TOML: {error}") from None


def _tables(document: dict[str, Any], source: str) -> list[Any]:
    if document and document.keys() <= set(Rule.__struct_fields__):
        return [document]
    for key in document:
        if key != "rules":
            raise Place(key, source).unknown(
                "is neither [[rules]] nor a field of a rule",
                key,
                ["rules", *Rule.__struct_fields__],
            )
    tables = document.get("rules", [])
    if not isinstance(tables, list):
        raise Place("rules", source).error("is not a list", "write [[rules]]")
    return tables
