"""
What of the app was put to the test: routes, statuses, and the share of live traffic.

Three sources meet here: what the app's router lists, what live traffic used, and what
replays came to. A route that was never exercised is not evidence, however well the
others agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from shadow_middleware.evidence import NO_ROUTE, Total
from shadow_middleware.knowledge import ANY_METHOD, CONTROL, KnownRoute, RouteUse
from shadow_middleware.report.judgement import evidence_of

__all__ = [
    "ClassUse",
    "Coverage",
    "Gap",
    "RouteCoverage",
    "TargetCoverage",
    "Why",
    "coverage_of",
]

_LIVE_ERRORS: Final = (0, 5)
"""Status classes that say nothing of a shadow: live's own answer is not a right one."""


class Why(StrEnum):
    """What is missing of a route."""

    UNUSED = "unused"
    """No live traffic used it: nothing could be mirrored."""
    UNMIRRORED = "unmirrored"
    """Live traffic used it, and none of that was mirrored."""
    UNDECIDED = "undecided"
    """It was mirrored, and too few replays were decided."""
    PARTIAL = "partial"
    """Some classes of status were used and never mirrored."""


class ClassUse(msgspec.Struct, frozen=True):
    """How often one route answered with one class of status."""

    status_class: int
    """2 for 200 to 299; 0 where the app raised."""
    seen: int
    mirrored: int


class RouteCoverage(msgspec.Struct, frozen=True):
    """One route, as the app, the traffic and the replays know it."""

    route: str
    """`GET /users/{id}`; the method is `*` where the router takes any."""
    known: bool
    """Whether an app's router lists it."""
    seen: int
    """Live requests."""
    mirrored: int
    classes: tuple[ClassUse, ...]
    """By class."""
    decided: dict[str, int]
    """Replays that say something of the shadow, for each target."""


class Gap(msgspec.Struct, frozen=True):
    """A route that one target was not put to the test with, or not in full."""

    route: str
    why: Why
    seen: int
    """Live requests that this concerns."""
    classes: tuple[int, ...] = ()
    """The classes of status that are missing, where only some are."""


class TargetCoverage(msgspec.Struct, frozen=True):
    """How much of the app one target was put to the test with."""

    target: str
    known: int
    """Routes that the app's router lists."""
    exercised: int
    """How many of those have enough decided replays."""
    seen: int
    """Live requests, but for those that live itself failed to answer."""
    covered: int
    """How many of those are like some that were mirrored and decided."""
    gaps: tuple[Gap, ...]
    """Those that concern most live requests first."""

    @property
    def route_share(self) -> float | None:
        """The share of the listed routes that is exercised; None where none is listed."""
        return self.exercised / self.known if self.known else None

    @property
    def traffic_share(self) -> float | None:
        """The share of live traffic that is covered; None where none was seen."""
        return self.covered / self.seen if self.seen else None


class Coverage(msgspec.Struct, frozen=True):
    """What the app has, what live traffic used, and what was put to the test."""

    routes: tuple[RouteCoverage, ...]
    """Those that live traffic used most first."""
    targets: tuple[TargetCoverage, ...]
    """By name."""
    known: int
    """Routes that routers list; 0 where no app could say, so that it is unknown."""


def coverage_of(
    known: Iterable[KnownRoute],
    uses: Iterable[RouteUse],
    totals: Iterable[Total],
    targets: Iterable[str] = (),
    *,
    enough: int = 1,
) -> Coverage:
    """
    Return what of the app was put to the test.

    Args:
        known: What routers list.
        uses: What live traffic used, on any number of days.
        totals: What replays came to.
        targets: Targets to tell of even where no replay of theirs ended.
        enough: Decided replays from which on a route counts as exercised.
    """
    listed = {route.route for route in known}
    decided = _decided(totals)
    names = sorted({target for target, _ in decided}.union(targets) - {CONTROL})
    routes = _routes(listed, _classes(uses), decided, names)
    return Coverage(
        routes=tuple(routes),
        targets=tuple(_target(name, listed, routes, enough) for name in names),
        known=len(listed),
    )


_Decided = Mapping[tuple[str, str], int]
_Classes = Mapping[str, tuple[ClassUse, ...]]


def _decided(totals: Iterable[Total]) -> _Decided:
    """Return the decided replays by target and route; 0 where there are only others."""
    rows: defaultdict[tuple[str, str], list[Total]] = defaultdict(list)
    for total in totals:
        rows[total.target, total.route].append(total)
    return {key: evidence_of(some).decided for key, some in rows.items()}


def _classes(uses: Iterable[RouteUse]) -> _Classes:
    """Return each route's uses by class of status, all days together."""
    sums: defaultdict[str, dict[int, ClassUse]] = defaultdict(dict)
    for use in uses:
        so_far = sums[use.route].get(use.status_class, ClassUse(use.status_class, 0, 0))
        sums[use.route][use.status_class] = ClassUse(
            use.status_class,
            so_far.seen + use.seen,
            so_far.mirrored + use.mirrored,
        )
    return {
        route: tuple(classes[number] for number in sorted(classes))
        for route, classes in sums.items()
    }


def _routes(
    listed: set[str], classes: _Classes, decided: _Decided, targets: list[str]
) -> list[RouteCoverage]:
    met = {route for _, route in decided if route != NO_ROUTE}.union(classes)
    paths = {_path(route) for route in met}
    # What takes any method stands under the methods that were used, if any was.
    unmet = {
        route for route in listed - met if not (_any(route) and _path(route) in paths)
    }
    known_paths = {_path(route) for route in listed}
    rows = [
        RouteCoverage(
            route=route,
            known=_is_listed(route, listed, known_paths),
            seen=sum(use.seen for use in classes.get(route, ())),
            mirrored=sum(use.mirrored for use in classes.get(route, ())),
            classes=classes.get(route, ()),
            decided={target: decided.get((target, route), 0) for target in targets},
        )
        for route in met | unmet
    ]
    return sorted(rows, key=lambda row: (-row.seen, row.route))


def _path(route: str) -> str:
    return route.partition(" ")[2]


def _any(route: str) -> bool:
    return route.startswith(f"{ANY_METHOD} ")


def _is_listed(route: str, listed: set[str], paths: set[str]) -> bool:
    """Whether a router lists it, HEAD and OPTIONS along with the other methods."""
    method, _, path = route.partition(" ")
    if route in listed or f"{ANY_METHOD} {path}" in listed:
        return True
    if method == "HEAD":
        return f"GET {path}" in listed
    return method == "OPTIONS" and path in paths


def _target(
    target: str, listed: set[str], routes: list[RouteCoverage], enough: int
) -> TargetCoverage:
    exercised = {row.route for row in routes if row.decided[target] >= enough}
    paths = {_path(route) for route in exercised}
    gaps = [gap for row in routes if (gap := _gap(row, target, enough)) is not None]
    return TargetCoverage(
        target=target,
        known=len(listed),
        exercised=sum(
            _path(route) in paths if _any(route) else route in exercised
            for route in listed
        ),
        seen=sum(_answered(row) for row in routes),
        covered=sum(_covered(row, target, enough) for row in routes),
        gaps=tuple(sorted(gaps, key=lambda gap: (-gap.seen, gap.route))),
    )


def _answered(row: RouteCoverage) -> int:
    """Return the requests that live itself did not fail to answer."""
    return sum(use.seen for use in row.classes if use.status_class not in _LIVE_ERRORS)


def _covered(row: RouteCoverage, target: str, enough: int) -> int:
    if row.decided[target] < enough:
        return 0
    return _answered(row) - sum(use.seen for use in _unmirrored(row))


def _unmirrored(row: RouteCoverage) -> list[ClassUse]:
    """Return the classes that could be evidence, and of which nothing was mirrored."""
    return [
        use
        for use in row.classes
        if use.seen and not use.mirrored and use.status_class not in _LIVE_ERRORS
    ]


def _gap(row: RouteCoverage, target: str, enough: int) -> Gap | None:
    """Return what is missing of a route; of one that no router lists, only if used."""
    if not (row.known or row.seen):
        return None
    if row.decided[target] < enough:
        return Gap(row.route, _why(row, target), _answered(row))
    missing = _unmirrored(row)
    if not missing:
        return None
    classes = tuple(use.status_class for use in missing)
    return Gap(row.route, Why.PARTIAL, sum(use.seen for use in missing), classes)


def _why(row: RouteCoverage, target: str) -> Why:
    if row.mirrored or row.decided[target]:
        return Why.UNDECIDED
    return Why.UNMIRRORED if row.seen else Why.UNUSED
