"""
Groups as faces show them: what changed in words, the state, the share of the route.

From the store's groups, its counts and what is known of noise to rows; nothing else
decides what a person reads of a group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import Kind, Part
from shadow_middleware.knowledge import (
    MANY,
    Group,
    GroupKey,
    GroupState,
    NoiseRuling,
)
from shadow_middleware.report.coverings import named_path
from shadow_middleware.report.judgement import COMPARED
from shadow_middleware.report.wording import what_changed
from shadow_middleware.rule import Rule
from shadow_middleware.rule_checks import complaint

__all__ = [
    "COUNTED",
    "NOISE",
    "STATES",
    "GroupNoise",
    "GroupRow",
    "expectation",
    "group_rows",
    "state_of",
]

NOISE = "noise"
STATES = (*(state.value for state in GroupState), NOISE)
"""What a group can be, as it is read."""

COUNTED = (GroupState.OPEN.value, GroupState.REGRESSED.value)
"""Those of groups that count against a shadow."""


class GroupNoise(msgspec.Struct, frozen=True, gc=False):
    """What is known of one group's noise."""

    why: str = ""
    """Why all of it is noise, in a word; '' where some of it is not."""
    sizes: tuple[str, ...] = ()
    """How far its numbers were apart."""


class GroupRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One group, ready to be shown."""

    fingerprint: str
    key: GroupKey
    what: str
    """What changed, in words."""
    state: str
    """One of `STATES`."""
    count: int
    share: float | None
    """Of the compared answers of its route, how many showed it; None if none are known."""
    first_at: float
    last_at: float
    decided_at: float | None
    note: str
    ruling: str
    noise: str
    """Why it is noise: `ruled`, `control`, `self-probe` or what both values are; '' where
    it is none."""


_UNKNOWN = GroupNoise()


def group_rows(
    groups: Iterable[Group],
    totals: Sequence[Total],
    noise: Mapping[str, GroupNoise],
) -> list[GroupRow]:
    """
    Return a row for each group, in the order in which they come.

    Args:
        groups: As the store keeps them.
        totals: Counts of the same time, to take shares of.
        noise: By fingerprint; a group that is not in it has none.
    """
    traffic = _traffic(totals)
    return [
        _row(group, traffic, noise.get(group.fingerprint, _UNKNOWN)) for group in groups
    ]


def state_of(group: Group, why: str) -> str:
    """
    Return what a group is now, with `why` it is noise, if it is.

    A ruling stands above what was learned, and a decision above both: what somebody
    resolved or ignored stays so, and comes back as regressed only where it is no noise.
    What never was a divergence is noise, for each time something explained it.
    """
    state = group.current
    if state in (GroupState.IGNORED, GroupState.RESOLVED):
        return state.value
    if group.ruling is NoiseRuling.NOISE:
        return NOISE
    if group.ruling is NoiseRuling.LEARNED and (why or not group.count):
        return NOISE
    return state.value


def expectation(row: GroupRow) -> Rule | None:
    """
    Return the rule that calls a group an intended change; None where none can.

    None for a line of a text: a rule reaches it among all the lines only by patterns of
    what it says, and without them it would expect every line to change.
    """
    key = row.key
    if key.part is Part.LATENCY or key.kind is Kind.UNCHANGED or key.path == MANY:
        return None
    if key.part is Part.BODY and _is_line(key.path):
        return None
    fields = {
        "name": f"intended: {what_changed(key)}",
        "action": "expect",
        "target": key.target,
        "route": key.route,
        "part": key.part.value,
        "path": "**" if key.part is Part.STATUS else named_path(key),
    }
    if key.part is Part.STATUS:
        fields |= {"live": key.live, "shadow": key.shadow}
    else:
        fields["kind"] = key.kind.value
    rule = msgspec.convert(fields, Rule)
    return None if complaint(rule) else rule


def _is_line(path: str) -> bool:
    """Whether the path is that of a line, or could be: without a label, items look alike."""
    return path == "/*" or path.startswith("/* ")


def _row(
    group: Group, traffic: Mapping[tuple[str, str], int], noise: GroupNoise
) -> GroupRow:
    key = group.key
    state = state_of(group, noise.why)
    why = "ruled" if group.ruling is NoiseRuling.NOISE else noise.why or "control"
    return GroupRow(
        fingerprint=group.fingerprint,
        key=key,
        what=what_changed(key, noise.sizes),
        state=state,
        count=group.count,
        share=_share(group.count, traffic.get((key.target, key.route), 0)),
        first_at=group.first_at,
        last_at=group.last_at,
        decided_at=group.decided_at,
        note=group.note,
        ruling=group.ruling.value,
        noise=why if state == NOISE else "",
    )


def _traffic(totals: Iterable[Total]) -> dict[tuple[str, str], int]:
    """Return how many answers were compared, by target and route."""
    sums: dict[tuple[str, str], int] = {}
    for row in totals:
        if row.outcome in COMPARED:
            place = (row.target, row.route)
            sums[place] = sums.get(place, 0) + row.count
    return sums


def _share(count: int, of: int) -> float | None:
    # Old counts can have been purged while the group's own stays.
    return count / of if of >= count > 0 else (0.0 if of and not count else None)
