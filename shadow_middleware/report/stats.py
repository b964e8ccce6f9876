"""The few figures that a script or a status page asks for, in one flat value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from shadow_middleware.evidence import LatencyTotal, StoredDivergence, Total
from shadow_middleware.exchange import Outcome, Part
from shadow_middleware.report.effective import groups_of
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.report.judgement import COMPARED
from shadow_middleware.report.sketch import middle, upper_edge

__all__ = ["DivergenceLine", "LatencyBucket", "Stats", "line_of", "stats_of"]

_EDGES: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000)
"""Milliseconds."""


class LatencyBucket(msgspec.Struct, frozen=True):
    """How many answers took up to so long, and longer than the bucket before."""

    le_ms: int | None
    """None is everything beyond the last edge."""
    live: int
    shadow: int


class DivergenceLine(msgspec.Struct, frozen=True, kw_only=True):
    """A divergence in short: what differs is told by the groups that it belongs to."""

    id: int
    exchange_id: str
    target: str
    at: float
    route: str
    method: str
    path: str
    version: str
    live_status: int | None
    shadow_status: int | None
    live_ms: float
    shadow_ms: float | None
    differences: int
    """How many places differ."""
    groups: tuple[str, ...]
    """Fingerprints."""
    hint: str


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all replays; with several targets each replay counts."""

    started_at: float | None
    """Begin of the first minute with a count, in Unix seconds."""
    last_event_at: float | None
    """When an agent last said how far it was, in Unix seconds."""
    total_requests: int
    """Replays that ended, whatever became of them."""
    matches: int
    divergences: int
    """As they count today: without noise, and without what was decided not to count."""
    status_mismatches: int
    """Divergences in which the status differs."""
    body_mismatches: int
    """Divergences in which the body differs; one can be among both."""
    divergence_rate: float | None
    """Divergences among what was compared: match, noise and divergence."""
    outcomes: Mapping[str, int]
    latency_buckets: list[LatencyBucket]
    avg_latency_delta_ms: float | None
    """Shadow minus live, on average, within 2 % of each; above 0 it is slower."""
    recent_divergences: list[DivergenceLine]


def stats_of(
    held: Holdings, recent: Sequence[StoredDivergence], first_minute: int | None
) -> Stats:
    """Return the figures of what is held, with the newest divergences."""
    outcomes: dict[str, int] = {}
    for row in held.totals:
        outcomes[row.outcome.value] = outcomes.get(row.outcome.value, 0) + row.count
    compared = sum(outcomes.get(one.value, 0) for one in COMPARED)
    divergences = outcomes.get(Outcome.DIVERGENCE.value, 0)
    return Stats(
        started_at=None if first_minute is None else first_minute * 60.0,
        last_event_at=max((one.at for one in held.progress), default=None),
        total_requests=sum(outcomes.values()),
        matches=outcomes.get(Outcome.MATCH.value, 0),
        divergences=divergences,
        status_mismatches=_with_part(held, Part.STATUS),
        body_mismatches=_with_part(held, Part.BODY),
        divergence_rate=divergences / compared if compared else None,
        outcomes=outcomes,
        latency_buckets=_buckets(held.latencies),
        avg_latency_delta_ms=_delta(held.latencies),
        recent_divergences=[line_of(one) for one in recent],
    )


def line_of(stored: StoredDivergence) -> DivergenceLine:
    """Return a stored divergence in short."""
    record = stored.record
    return DivergenceLine(
        id=stored.id,
        exchange_id=record.exchange_id,
        target=record.target,
        at=record.at,
        route=record.route,
        method=record.method,
        path=record.path,
        version=record.version,
        live_status=record.live_status,
        shadow_status=record.shadow_status,
        live_ms=record.live_ms,
        shadow_ms=record.shadow_ms,
        differences=len(record.differences),
        groups=record.groups,
        hint=record.hint,
    )


def _with_part(held: Holdings, part: Part) -> int:
    """Return how many divergences differ in the part, as their groups say."""
    known = {one.signature: one.groups for one in held.insight.signatures}
    of_part = {one.fingerprint for one in held.insight.groups if one.key.part is part}

    def shows(row: Total) -> bool:
        return not of_part.isdisjoint(groups_of(row.reason, known))

    rows = (row for row in held.totals if row.outcome is Outcome.DIVERGENCE)
    return sum(row.count for row in rows if shows(row))


def _buckets(rows: Iterable[LatencyTotal]) -> list[LatencyBucket]:
    counts = {"live": [0] * (len(_EDGES) + 1), "shadow": [0] * (len(_EDGES) + 1)}
    for row in rows:
        ms = upper_edge(row.bucket) / 1e3
        place = next((n for n, edge in enumerate(_EDGES) if ms <= edge), len(_EDGES))
        if row.leg in counts:
            counts[row.leg][place] += row.count
    legs = zip(counts["live"], counts["shadow"], strict=True)
    return [
        LatencyBucket(edge, live, shadow)
        for edge, (live, shadow) in zip((*_EDGES, None), legs, strict=True)
    ]


def _delta(rows: Iterable[LatencyTotal]) -> float | None:
    sums = {"live": [0.0, 0], "shadow": [0.0, 0]}
    for row in rows:
        if row.leg in sums:
            sums[row.leg][0] += middle(row.bucket) / 1e3 * row.count
            sums[row.leg][1] += row.count
    (live, lives), (shadow, shadows) = sums["live"], sums["shadow"]
    return shadow / shadows - live / lives if lives and shadows else None
