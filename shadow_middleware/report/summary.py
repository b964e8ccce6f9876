"""
The summary: what the store holds about each target, as data.

Screens render it, `--json` prints it; neither adds a number of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import msgspec

from shadow_middleware.evidence import (
    DivergenceRecord,
    LatencyTotal,
    Progress,
    Total,
)
from shadow_middleware.report.differences import DifferenceGroup, top_differences
from shadow_middleware.report.hints import Hint, hints
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.report.judgement import evidence_of
from shadow_middleware.report.latency import Latency, latency_of

__all__ = [
    "Holdings",
    "ReasonCount",
    "RouteSummary",
    "Summary",
    "TargetSummary",
    "summarise",
]


_SILENT_AFTER = 120.0
"""Seconds without a word after which a session is taken for dead."""


class ReasonCount(msgspec.Struct, frozen=True):
    """How many replays ended one way for one reason."""

    outcome: str
    reason: str
    count: int


class RouteSummary(msgspec.Struct, frozen=True):
    """One route of one target."""

    route: str
    count: int
    outcomes: dict[str, int]
    shares: dict[str, float]
    """Each outcome's share of `count`."""
    match_rate: float | None
    """The share that agrees among what was decided; None where nothing was."""
    latency: Latency | None


class TargetSummary(msgspec.Struct, frozen=True):
    """
    One target. `selected` = the sum of `outcomes` + `in_flight` + `unaccounted`.

    With `unaccounted` above 0 the law of conservation is broken: a host died with
    what it had selected, and nobody has settled its account yet.
    """

    target: str
    selected: int
    ended: int
    in_flight: int
    unaccounted: int
    """Selected by sessions that have been silent for minutes, and not ended."""
    outcomes: dict[str, int]
    shares: dict[str, float]
    match_rate: float | None
    reasons: list[ReasonCount]
    latency: Latency | None
    routes: list[RouteSummary]
    """The busiest first."""
    differences: list[DifferenceGroup]
    """The most frequent first, among the divergences looked at."""
    more_differences: int
    """Groups beyond those in `differences`, all of them rarer or as rare."""
    looked_at: int
    """How many stored divergences `differences` is about, the newest."""
    without_record: int
    """Divergences that are counted but could not be stored."""
    hints: list[Hint]


class Summary(msgspec.Struct, frozen=True):
    """Every target for the time that was asked for."""

    targets: list[TargetSummary]
    stored: int
    """Divergences in the store for that time."""


def summarise(held: Holdings, top: int = 10) -> Summary:
    """Return the summary of what is held, with `top` groups of differences each."""
    totals = _by(held.totals, lambda row: row.target)
    latencies = _by(held.latencies, lambda row: row.target)
    records = _by(held.divergences, lambda row: row.target)
    progress = _by(held.progress, lambda row: row.target)
    names = sorted({*totals, *progress})
    targets = [
        _target(
            name,
            totals.get(name, []),
            latencies.get(name, []),
            records.get(name, []),
            sum(loss.count for loss in held.losses if loss.target == name),
            _open_accounts(progress.get(name, []), held.now),
            top,
        )
        for name in names
    ]
    return Summary(targets, max(held.stored, len(held.divergences)))


def _target(
    name: str,
    totals: list[Total],
    latencies: list[LatencyTotal],
    records: list[DivergenceRecord],
    lost: int,
    open_accounts: tuple[int, int],
    top: int,
) -> TargetSummary:
    ended = sum(row.count for row in totals)
    outcomes = _outcomes(totals)
    in_flight, unaccounted = open_accounts
    groups = top_differences(records)
    return TargetSummary(
        target=name,
        selected=ended + in_flight + unaccounted,
        ended=ended,
        in_flight=in_flight,
        unaccounted=unaccounted,
        outcomes=outcomes,
        shares=_shares(outcomes),
        match_rate=evidence_of(totals).rate,
        reasons=_reasons(totals),
        latency=latency_of(latencies),
        routes=_routes(totals, latencies),
        differences=groups[:top],
        more_differences=len(groups[top:]),
        looked_at=len(records),
        without_record=lost,
        hints=hints(totals, records, lost),
    )


def _open_accounts(sessions: Iterable[Progress], now: float) -> tuple[int, int]:
    """Return what is in flight, and what silent sessions leave unaccounted for."""
    in_flight = unaccounted = 0
    for session in sessions:
        still_open = max(0, session.selected - session.ended)
        if now - session.at > _SILENT_AFTER:
            unaccounted += still_open
        else:
            in_flight += still_open
    return in_flight, unaccounted


def _routes(
    totals: Iterable[Total], latencies: Iterable[LatencyTotal]
) -> list[RouteSummary]:
    counts = _by(totals, lambda row: row.route)
    times = _by(latencies, lambda row: row.route)
    routes = [_route(name, rows, times.get(name, [])) for name, rows in counts.items()]
    return sorted(routes, key=lambda one: (-one.count, one.route))


def _route(
    name: str, totals: list[Total], latencies: list[LatencyTotal]
) -> RouteSummary:
    outcomes = _outcomes(totals)
    return RouteSummary(
        route=name,
        count=sum(outcomes.values()),
        outcomes=outcomes,
        shares=_shares(outcomes),
        match_rate=evidence_of(totals).rate,
        latency=latency_of(latencies),
    )


def _outcomes(totals: Iterable[Total]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in totals:
        sums[row.outcome.value] = sums.get(row.outcome.value, 0) + row.count
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def _shares(outcomes: Mapping[str, int]) -> dict[str, float]:
    total = sum(outcomes.values())
    return {name: n / total for name, n in outcomes.items()} if total else {}


def _reasons(totals: Iterable[Total]) -> list[ReasonCount]:
    sums: dict[tuple[str, str], int] = {}
    for row in totals:
        if row.reason:
            key = (row.outcome.value, row.reason)
            sums[key] = sums.get(key, 0) + row.count
    ranked = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    return [ReasonCount(outcome, reason, n) for (outcome, reason), n in ranked]


_Row = TypeVar("_Row")


def _by(rows: Iterable[_Row], key: Callable[[_Row], str]) -> dict[str, list[_Row]]:
    groups: dict[str, list[_Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
