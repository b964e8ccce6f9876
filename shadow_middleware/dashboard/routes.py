"""The list of routes in any order, and one route with its groups and its latency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from shadow_middleware.dashboard.filters import NUMBER
from shadow_middleware.dashboard.overview import cards_of
from shadow_middleware.dashboard.screen import Screen, Shown, Visit
from shadow_middleware.exchange import Outcome
from shadow_middleware.report.latency import Latency
from shadow_middleware.report.summary import RouteSummary, Summary

__all__ = ["SCREENS"]

_PAGE: Final = 100


class _Row(msgspec.Struct, frozen=True):
    """One route of one target."""

    target: str
    route: RouteSummary


class _Sort(msgspec.Struct, frozen=True):
    """Which column a list is in the order of."""

    by: str
    down: bool


def _p95(pick: Callable[[Latency], float]) -> Callable[[_Row], float | None]:
    return lambda row: None if row.route.latency is None else pick(row.route.latency)


_ORDERS: Final[dict[str, Callable[[_Row], float | str | None]]] = {
    "route": lambda row: row.route.route.partition(" ")[2],
    "count": lambda row: row.route.count,
    "rate": lambda row: row.route.match_rate,
    "divergences": lambda row: row.route.outcomes.get(Outcome.DIVERGENCE.value, 0),
    "live": _p95(lambda one: one.live_ms.p95),
    "shadow": _p95(lambda one: one.shadow_ms.p95),
    "shift": _p95(lambda one: one.delta_ms.p95),
}


def _sort_of(text: str) -> _Sort:
    """Return the order that `-count` or `route` means; the busiest first for others."""
    by = text.removeprefix("-")
    return _Sort(by, text[:1] == "-") if by in _ORDERS else _Sort("count", True)


def _sorted(rows: Sequence[_Row], sort: _Sort) -> list[_Row]:
    """Return the rows in their order; those without a value are last both ways."""
    value = _ORDERS[sort.by]
    with_value = [(found, row) for row in rows if (found := value(row)) is not None]
    without = [row for row in rows if value(row) is None]
    with_value.sort(key=lambda one: one[1].route.route)
    with_value.sort(key=lambda one: one[0], reverse=sort.down)
    return [row for _, row in with_value] + without


def _routes(visit: Visit) -> Shown:
    filters = visit.filters
    summary = visit.reading.summary(filters.start, target=filters.target)
    find = visit.query.get("find", "").strip()
    sort = _sort_of(visit.query.get("sort", ""))
    rows = _sorted(_rows(summary, find), sort)
    offset = visit.number("offset", 0)
    values = {
        "rows": rows[offset : offset + _PAGE],
        "total": len(rows),
        "offset": offset,
        "limit": _PAGE,
        "sort": sort,
        "find": find,
        "several": len(summary.targets) > 1,
        "targets": visit.reading.names(),
    }
    return Shown(template="routes.html", values=values)


def _rows(summary: Summary, find: str) -> list[_Row]:
    wanted = find.casefold()
    return [
        _Row(target.target, route)
        for target in summary.targets
        for route in target.routes
        if wanted in route.route.casefold()
    ]


def _route(visit: Visit) -> Shown:
    filters = visit.filters
    route = filters.route or ""
    found = visit.reading.overview(filters.start, target=filters.target, route=route)
    coverage = visit.reading.coverage(filters.start, target=filters.target)
    use = next((row for row in coverage.routes if row.route == route), None)
    cards = cards_of(visit, found)
    values = {
        "route": route,
        "cards": cards,
        "use": use,
        "targets": visit.reading.names(),
    }
    status = 200 if cards or use else 404
    return Shown(template="route.html", values=values, title=route, status=status)


SCREENS = (
    Screen(
        name="routes",
        path="/routes",
        show=_routes,
        label="Routes",
        key="r",
        choices={
            "sort": [f"{sign}{by}" for by in _ORDERS for sign in ("", "-")],
            "offset": NUMBER,
        },
        every=5,
    ),
    Screen(name="route", path="/route", show=_route, part_of="routes", every=5),
)
