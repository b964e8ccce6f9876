"""Changes of targets as people state them, checked as the settings are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from shadow_middleware.configuration import Checks, Place, build_one
from shadow_middleware.settings import Settings, Target
from shadow_middleware.targets.allowed import refusal_of
from shadow_middleware.targets.words import FOLLOWED, TargetChange
from shadow_middleware.transformation import Transform
from shadow_middleware.validation import TARGET_CHECKS, TRANSFORM_CHECKS

__all__ = ["change_of"]

_CHECKS: Checks = {Target: TARGET_CHECKS, Transform: TRANSFORM_CHECKS}
_WORDS = ("name", *FOLLOWED, "note")


def change_of(
    table: Mapping[str, Any],
    place: Place,
    settings: Settings,
    *,
    by: str = "",
    at: float = 0.0,
) -> TargetChange:
    """
    Return the change that a table states: `name`, and what is to be different.

    None has the settings followed again.

    Raises:
        ConfigurationError: naming what is wrong, where, and what would be right.
    """
    for word in table:
        if word not in _WORDS:
            raise place.unknown("no such field of a target", word, _WORDS)
    said = {word: table[word] for word in FOLLOWED if table.get(word) is not None}
    stated = {"url": "http://localhost"} | said | {"name": table.get("name")}
    target = build_one(Target, stated, place, _CHECKS)
    if "url" in said and (problem := refusal_of(settings, target.url)):
        raise place.within(".url").error(
            problem, "allow it in the settings of the app and its agents"
        )
    values: dict[str, Any] = {word: getattr(target, word) for word in said}
    values |= {word: None for word in FOLLOWED if table.get(word, UNSET) is None}
    note = str(table["note"]) if table.get("note") is not None else UNSET
    return TargetChange(name=target.name, by=by, at=at, note=note, **values)
