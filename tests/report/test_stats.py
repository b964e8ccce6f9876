"""The figures of scripts and status pages."""

from __future__ import annotations

import pytest

from shadow_middleware.evidence import LatencyTotal, Progress, Total
from shadow_middleware.exchange import Kind, Outcome, Part
from shadow_middleware.knowledge import Group, GroupKey, Signature
from shadow_middleware.report.holdings import Holdings, Insight
from shadow_middleware.report.sketch import bucket_of
from shadow_middleware.report.stats import stats_of


def _group(part: Part, path: str) -> Group:
    key = GroupKey("shadow", "GET /a", part, path, Kind.CHANGED, "", "")
    return Group(key.fingerprint, key, 1, 0.0, 0.0)


STATUS, BODY = _group(Part.STATUS, ""), _group(Part.BODY, "/id")
BOTH = Signature("+both", (BODY.fingerprint, STATUS.fingerprint))


def _total(outcome: Outcome, count: int, reason: str = "") -> Total:
    return Total("shadow", "GET /a", outcome, reason, count)


def test_divergences_are_told_apart_by_what_differs() -> None:
    """One that shows both is among both, and the rate is of what was decided."""
    held = Holdings(
        totals=[
            _total(Outcome.MATCH, 80),
            _total(Outcome.NOISE, 10),
            _total(Outcome.DIVERGENCE, 4, BODY.fingerprint),
            _total(Outcome.DIVERGENCE, 1, STATUS.fingerprint),
            _total(Outcome.DIVERGENCE, 5, "+both"),
            _total(Outcome.TIMEOUT, 7, "read"),
        ],
        insight=Insight(signatures=[BOTH], groups=[STATUS, BODY]),
        progress=[Progress("s", "shadow", 107, 107, 99.5)],
    )

    stats = stats_of(held, [], 1)

    assert (107, 80, 10) == (stats.total_requests, stats.matches, stats.divergences)
    assert (6, 9) == (stats.status_mismatches, stats.body_mismatches)
    assert 0.1 == stats.divergence_rate
    assert (60.0, 99.5) == (stats.started_at, stats.last_event_at)


def test_times_fall_into_buckets_and_have_an_average() -> None:
    """Of each leg apart; what is beyond the last edge is counted as well."""

    def times(leg: str, ms: float, count: int) -> LatencyTotal:
        return LatencyTotal("shadow", "GET /a", leg, bucket_of(ms * 1e3), count)

    held = Holdings(
        totals=[],
        latencies=[
            times("live", 3, 2),
            times("shadow", 30, 1),
            times("shadow", 2e4, 1),
        ],
    )

    stats = stats_of(held, [], None)

    seen = [one for one in stats.latency_buckets if one.live or one.shadow]
    assert [(5, 2, 0), (50, 0, 1), (None, 0, 1)] == [
        (one.le_ms, one.live, one.shadow) for one in seen
    ]
    assert pytest.approx(10_012, rel=0.02) == stats.avg_latency_delta_ms


def test_nothing_yet_is_nothing_and_no_error() -> None:
    """An empty store has no rate and no times."""
    stats = stats_of(Holdings(totals=[]), [], None)

    assert (None, None, None, None, 0) == (
        stats.started_at,
        stats.last_event_at,
        stats.divergence_rate,
        stats.avg_latency_delta_ms,
        stats.total_requests,
    )
