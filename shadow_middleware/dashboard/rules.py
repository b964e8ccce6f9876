"""The page of rules: those that hold, what each really hides, and those worth adding."""

from __future__ import annotations

from typing import Final

import msgspec

from shadow_middleware.dashboard.filters import NUMBER
from shadow_middleware.dashboard.said import said
from shadow_middleware.dashboard.screen import Screen, Shown, Visit
from shadow_middleware.report.rule_list import Hidden, RuleRow
from shadow_middleware.report.rule_text import added_to, difference_of, rule_toml
from shadow_middleware.report.suggest import Left, Proposal
from shadow_middleware.report.wording import what_changed

__all__ = ["SCREENS"]

_FILE: Final = "shadow-rules.toml"
_PAGE: Final = 10
"""Proposals at once, each with its text."""


class _Row(msgspec.Struct, frozen=True):
    """One rule, ready to be shown."""

    name: str
    source: str
    toml: str
    note: str
    at: float | None
    hits: int
    last_at: float | None
    hidden: tuple[Hidden, ...]
    flags: tuple[str, ...]


class _Suggested(msgspec.Struct, frozen=True):
    """One rule that is worth adding, ready to be shown."""

    name: str
    toml: str
    count: int
    places: list[str]


class _Kept(msgspec.Struct, frozen=True):
    """Noise that no rule explains."""

    fingerprint: str
    route: str
    what: str
    reason: str


def _rules(visit: Visit) -> Shown:
    found = visit.reading.suggestions()
    proposals = [_suggested(one) for one in found.proposals]
    offset = visit.number("offset", 0)
    values = {
        "rows": [_row(row) for row in visit.reading.rules()],
        "proposals": proposals[offset : offset + _PAGE],
        "offered": len(proposals),
        "offset": offset,
        "limit": _PAGE,
        "left": [_kept(one) for one in found.left],
        "already": found.already,
        "file": _FILE,
        "diff": _diff(proposals),
        **said(visit),
    }
    return Shown(template="rules.html", values=values)


def _row(row: RuleRow) -> _Row:
    return _Row(
        row.name,
        row.source,
        rule_toml(row.rule) if row.rule else "",
        row.note,
        row.at,
        row.hits,
        row.last_at,
        row.hidden,
        row.flags,
    )


def _suggested(one: Proposal) -> _Suggested:
    places = {
        f"{cell.cell.key.route}, {what_changed(cell.cell.key)}" for cell in one.cells
    }
    return _Suggested(
        one.rule.name, rule_toml(one.rule), round(one.count), sorted(places)
    )


def _kept(one: Left) -> _Kept:
    key = one.noisy.cell.key
    return _Kept(key.fingerprint, key.route, what_changed(key), one.reason)


def _diff(proposals: list[_Suggested]) -> str:
    """Return the suggested rules as a new file, for `patch` and `git apply`."""
    text = added_to("", (one.toml for one in proposals))
    return difference_of("", text, _FILE, is_new=True)


SCREENS = (
    Screen(
        name="rules",
        path="/rules",
        show=_rules,
        label="Rules",
        key="u",
        choices={"offset": NUMBER},
        every=15,
    ),
)
