"""
The summary: what the store holds about each target, as data.

Screens render it, `--json` prints it; neither adds a number of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import msgspec

from shadow_middleware.evidence import LatencyTotal, Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import VersionSeen
from shadow_middleware.report.control import Control, control_of
from shadow_middleware.report.differences import DifferenceGroup, top_differences
from shadow_middleware.report.findings import Finding, first_findings
from shadow_middleware.report.hints import Hint, hints
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.report.judgement import Evidence, evidence_of, told_apart
from shadow_middleware.report.latency import Latency, latency_of
from shadow_middleware.report.noise_hints import noise_hints
from shadow_middleware.report.shift import Shift, shifts_of

__all__ = [
    "ReasonCount",
    "RouteSummary",
    "Summary",
    "TargetSummary",
    "summarise",
]


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
    shifts: dict[str, Shift]
    """By quantile, with bounds; empty without times of both legs."""


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
    groups: list[Finding]
    """The groups that count, those with the most divergences first."""
    more_groups: int
    """Groups beyond those in `groups`, all of them rarer or as rare."""
    noise_share: float | None
    """The share of noise among what was decided; its reasons are among `reasons`."""
    turned: int
    """Divergences that count as noise since they were counted."""
    versions: list[VersionSeen]
    """Every version of it, the latest seen first."""
    shifts: dict[str, Shift]
    """How far each quantile of the shadow's times lies from live's, with bounds."""
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
    control: Control | None = None
    """How often the control agreed with live: the A/A row. None without a control."""


def summarise(held: Holdings, top: int = 10, *, routes: bool = True) -> Summary:
    """
    Return the summary of what is held, with `top` groups of differences each.

    Unless `routes` are wanted, they are left out: that is most of the work.
    """
    names = sorted(
        {row.target for row in held.totals} | {row.target for row in held.progress}
    )
    targets = [_target(name, held, top, routes=routes) for name in names]
    stored = max(held.stored, len(held.divergences))
    return Summary(targets, stored, control_of(held.control))


def _target(name: str, held: Holdings, top: int, *, routes: bool) -> TargetSummary:
    totals = [row for row in held.totals if row.target == name]
    times = [row for row in held.latencies if row.target == name]
    records = [row for row in held.divergences if row.target == name]
    lost = sum(loss.count for loss in held.losses if loss.target == name)
    counted = told_apart(totals)
    ended = sum(row.count for row in counted)
    outcomes = _outcomes(counted)
    evidence = evidence_of(counted)
    in_flight, unaccounted = held.open_accounts(name)
    differences = top_differences(records)
    hinted = [one for one in held.hinted if one.target == name]
    insight = held.insight
    groups, every = first_findings(
        totals,
        insight.signatures,
        insight.groups,
        insight.explained,
        held.divergences,
        top,
    )
    return TargetSummary(
        target=name,
        selected=ended + in_flight + unaccounted,
        ended=ended,
        in_flight=in_flight,
        unaccounted=unaccounted,
        outcomes=outcomes,
        shares=_shares(outcomes),
        match_rate=evidence.rate,
        reasons=_reasons(counted),
        latency=latency_of(times),
        routes=_routes(totals, times) if routes else [],
        groups=groups,
        more_groups=every - len(groups),
        noise_share=_noise_share(outcomes, evidence),
        turned=held.turned.get(name, 0),
        versions=[one for one in held.versions if one.target == name],
        shifts=shifts_of(times),
        differences=differences[:top],
        more_differences=len(differences[top:]),
        looked_at=len(records),
        without_record=lost,
        hints=[
            *noise_hints(name, held, counted, every),
            *hints(totals, records, lost, hinted),
        ],
    )


def _noise_share(outcomes: Mapping[str, int], evidence: Evidence) -> float | None:
    noise = outcomes.get(Outcome.NOISE.value, 0)
    return noise / evidence.decided if evidence.decided else None


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
    counted = told_apart(totals)
    outcomes = _outcomes(counted)
    return RouteSummary(
        route=name,
        count=sum(outcomes.values()),
        outcomes=outcomes,
        shares=_shares(outcomes),
        match_rate=evidence_of(counted).rate,
        latency=latency_of(latencies),
        shifts=shifts_of(latencies),
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
        # A divergence is counted under its groups: names for machines.
        if row.reason and row.outcome is not Outcome.DIVERGENCE:
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
