"""
Two bodies that can be read as values: read, pruned, compared, walked.

Ends in one of three ways: differences, the names of what explains the bytes, or, where
only the writing differs, the name of the reader's own normaliser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from shadow_middleware.compare.compiled_rule import CompiledRule
from shadow_middleware.compare.expect import note_unchanged_body
from shadow_middleware.compare.findings import Findings
from shadow_middleware.compare.globs import PathMatcher
from shadow_middleware.compare.hidden import note_hidden
from shadow_middleware.compare.parse import (
    NotJson,
    Unknowable,
    has_repeats,
    parse,
    parse_exactly,
    parse_lines,
)
from shadow_middleware.compare.prune import prune
from shadow_middleware.compare.rules import RuleSet
from shadow_middleware.compare.sameness import same
from shadow_middleware.compare.walk import walk

__all__ = ["JSON", "NDJSON", "Reader", "compare_values"]

Read = Callable[[bytes, Callable[[], None]], Any]


class Reader(NamedTuple):
    """How bytes become values, and what to call it when only the writing differs."""

    read: Read
    read_exactly: Read | None
    """Reads what `read` may lose; None where it loses nothing."""
    reason: str
    lines: bool = False
    """Whether the values are lists of the lines of a text."""

    def accepts(self, raw: bytes, findings: Findings) -> bool:
        """Whether the bytes can be read."""
        try:
            self.read(raw, findings.tick)
        except NotJson:
            return False
        except Unknowable:
            return True
        return True

    @classmethod
    def of_texts(
        cls,
        texts: Mapping[bytes, str],
        split: Callable[[str], Any],
        reason: str,
        lines: bool,
    ) -> Reader:
        """Return a reader of bytes whose text is known already."""
        return cls(lambda raw, _: split(texts[raw]), None, reason, lines)


JSON = Reader(parse, parse_exactly, "json-formatting")
NDJSON = Reader(parse_lines, partial(parse_lines, exactly=True), "json-formatting")


def compare_values(
    live: bytes, shadow: bytes, reader: Reader, rules: RuleSet, findings: Findings
) -> None:
    """
    Write what differs between two readable bodies into `findings`.

    Raises:
        NotJson: one of them cannot be read.
        Unknowable: one of them is nested too deeply.
        BudgetSpent: time or entries ran out.
    """
    before = findings.noted
    suspect = _compare_read(live, shadow, reader.read, reader, rules, findings)
    if suspect and reader.read_exactly is not None:
        _compare_read(live, shadow, reader.read_exactly, reader, rules, findings)
    if before == findings.noted and live != shadow:
        findings.explain(reader.reason)


def _compare_read(
    live_raw: bytes,
    shadow_raw: bytes,
    read: Read,
    reader: Reader,
    rules: RuleSet,
    findings: Findings,
) -> bool:
    """Return whether nothing differed, though `read` may have lost something."""
    live = read(live_raw, findings.tick)
    findings.tick()
    shadow = read(shadow_raw, findings.tick)
    findings.tick()
    before = findings.found
    careful = reader.read_exactly is not None and read is not reader.read_exactly
    suspect = (
        careful
        and rules.body_ignores is not None
        and (has_repeats(live_raw, live) or has_repeats(shadow_raw, shadow))
    )
    if rules.body_expects is not None:
        note_unchanged_body(live, shadow, rules.body_expects, findings)
    if rules.body_ignores is not None:
        live, shadow = _pruned(live, shadow, rules.body_ignores, findings)
    alike = same(live, shadow)
    if not alike:
        walk(live, shadow, rules.body_tolerances, findings, lines=reader.lines)
    if findings.found > before or not careful:
        return False
    if rules.body_ignores is not None:
        return suspect
    return has_repeats(live_raw, live) or has_repeats(shadow_raw, shadow)


def _pruned(
    live: Any, shadow: Any, ignores: PathMatcher[CompiledRule], findings: Findings
) -> tuple[Any, Any]:
    live, ours = prune(live, ignores, findings)
    shadow, theirs = prune(shadow, ignores, findings)
    note_hidden(live, shadow, (ours, theirs), findings)
    return live, shadow
