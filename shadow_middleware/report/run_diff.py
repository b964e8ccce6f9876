"""
What a new build fixed and broke: two runs side by side, by groups and by routes. Pure.

A group is told by what it is, not by the name of the target, so two runs against
targets of other names compare as well. What only one of them has seen says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from shadow_middleware.evidence import Total
from shadow_middleware.report.groups import COUNTED, GroupRow
from shadow_middleware.report.judgement import COMPARED, FAILED

__all__ = ["GroupChange", "RouteChange", "RunDiff", "Side", "run_diff"]


class Side(msgspec.Struct, frozen=True):
    """What is held of one run."""

    totals: Sequence[Total]
    """As they count today."""
    groups: Sequence[GroupRow]


class GroupChange(msgspec.Struct, frozen=True, kw_only=True):
    """One group in both runs."""

    fingerprint: str
    """In the run that shows it; in the second where both do."""
    route: str
    what: str
    part: str
    path: str
    before: int
    after: int


class RouteChange(msgspec.Struct, frozen=True, kw_only=True):
    """How one route fared in both runs."""

    route: str
    compared_before: int
    compared_after: int
    failed_before: int
    failed_after: int

    @property
    def seen_before(self) -> bool:
        """Whether the first run can say anything of it."""
        return self.compared_before + self.failed_before > 0

    @property
    def seen_after(self) -> bool:
        """Whether the second run can say anything of it."""
        return self.compared_after + self.failed_after > 0


class RunDiff(msgspec.Struct, frozen=True, kw_only=True):
    """What changed from the first run to the second."""

    fixed: list[GroupChange]
    broke: list[GroupChange]
    still: list[GroupChange]
    unknown: list[GroupChange]
    """Of routes that the other run did not compare."""
    failing: list[RouteChange]
    """Routes that answer no more, or fail more often in the second."""
    recovered: list[RouteChange]
    only_before: list[str]
    """Routes of which the second run says nothing."""
    only_after: list[str]
    common: int
    """Routes that both have compared."""

    @property
    def exit_code(self) -> int:
        """0 nothing broke, 1 something did, 3 nothing can be told."""
        if self.broke or self.failing:
            return 1
        return 0 if self.common else 3


def run_diff(before: Side, after: Side) -> RunDiff:
    """Return what changed from the run `before` to the run `after`."""
    routes = _routes(before.totals, after.totals)
    compared = {
        one.route: (one.compared_before > 0, one.compared_after > 0) for one in routes
    }
    first, second = _counting(before.groups), _counting(after.groups)
    sorts: dict[str, list[GroupChange]] = {
        name: [] for name in ("fixed", "broke", "still", "unknown")
    }
    for key in sorted({*first, *second}):
        change = _change(first.get(key), second.get(key))
        seen = compared.get(change.route, (False, False))
        sorts[_sort(change, *seen)].append(change)
    for changes in sorts.values():
        changes.sort(key=lambda one: (-max(one.before, one.after), one.route, one.path))
    return RunDiff(
        **sorts,
        failing=[one for one in routes if _is_worse(one)],
        recovered=[one for one in routes if _is_worse(_turned(one))],
        only_before=[one.route for one in routes if not one.seen_after],
        only_after=[one.route for one in routes if not one.seen_before],
        common=sum(one.compared_before > 0 < one.compared_after for one in routes),
    )


_Key = tuple[str, str, str, str, str, str]


def _counting(groups: Iterable[GroupRow]) -> dict[_Key, GroupRow]:
    return {
        (k.route, str(k.part), k.path, str(k.kind), k.live, k.shadow): row
        for row in groups
        if row.state in COUNTED and row.count
        for k in (row.key,)
    }


def _change(before: GroupRow | None, after: GroupRow | None) -> GroupChange:
    shown = after or before
    assert shown is not None
    return GroupChange(
        fingerprint=shown.fingerprint,
        route=shown.key.route,
        what=shown.what,
        part=str(shown.key.part),
        path=shown.key.path,
        before=before.count if before else 0,
        after=after.count if after else 0,
    )


def _sort(change: GroupChange, seen_before: bool, seen_after: bool) -> str:
    if change.before and change.after:
        return "still"
    if change.before:
        return "fixed" if seen_after else "unknown"
    return "broke" if seen_before else "unknown"


def _routes(before: Iterable[Total], after: Iterable[Total]) -> list[RouteChange]:
    sums: dict[str, list[int]] = {}
    for offset, totals in enumerate((before, after)):
        for row in totals:
            counts = sums.setdefault(row.route, [0, 0, 0, 0])
            if row.outcome in COMPARED:
                counts[offset] += row.count
            elif row.outcome in FAILED:
                counts[2 + offset] += row.count
    return [
        RouteChange(
            route=route,
            compared_before=counts[0],
            compared_after=counts[1],
            failed_before=counts[2],
            failed_after=counts[3],
        )
        for route, counts in sorted(sums.items())
        if any(counts)
    ]


def _is_worse(one: RouteChange) -> bool:
    """Whether it fails in the second run, and did not, or less often, in the first."""
    if not (one.seen_before and one.seen_after and one.failed_after):
        return False
    before = one.failed_before / (one.compared_before + one.failed_before)
    after = one.failed_after / (one.compared_after + one.failed_after)
    return after > before


def _turned(one: RouteChange) -> RouteChange:
    return RouteChange(
        route=one.route,
        compared_before=one.compared_after,
        compared_after=one.compared_before,
        failed_before=one.failed_after,
        failed_after=one.failed_before,
    )
