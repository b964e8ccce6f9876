"""Latency as evidence: quantiles of both legs, and bounds for how far they are apart."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.evidence import LatencyTotal
from shadow_middleware.report.shift import (
    Bounds,
    Shift,
    quantile_bounds,
    shifts_of,
)
from shadow_middleware.report.sketch import bucket_of, lower_edge, upper_edge

TIMES = st.lists(st.floats(1.5, 1e7), min_size=1, max_size=300)


def times(leg: str, ms: float, count: int) -> LatencyTotal:
    """Return so many equal times of one leg."""
    return LatencyTotal("shadow", "GET /a", leg, bucket_of(ms * 1e3), count)


@given(st.floats(0.0, 1e9))
def test_a_time_lies_within_the_edges_of_its_bucket(us: float) -> None:
    """So outer edges are bounds of what the sketch has forgotten."""
    bucket = bucket_of(us)

    assert lower_edge(bucket) * (1 - 1e-9) <= us <= upper_edge(bucket) * (1 + 1e-9)


@given(TIMES, st.sampled_from([0.5, 0.95, 0.99]), st.floats(0.5, 0.999))
def test_the_bounds_hold_the_quantile_that_was_seen(
    seen: list[float], q: float, confidence: float
) -> None:
    """In order, and around the order statistic itself."""
    buckets = Counter(map(bucket_of, seen))
    middle = sorted(seen)[min(len(seen) - 1, math.floor(len(seen) * q))] / 1e3

    found = quantile_bounds(buckets, q, confidence)

    assert found.low is None or found.low <= middle * (1 + 1e-9)
    assert found.high is None or middle <= found.high * (1 + 1e-9)


def test_the_true_quantile_is_missed_seldom_however_often_one_looks() -> None:
    """At 90 %, looked at after every 20 times: in at most a tenth of the runs."""
    chance = random.Random(7)
    missed = 0
    for _ in range(200):
        buckets: Counter[int] = Counter()
        outside = False
        for _ in range(30):
            buckets.update(
                bucket_of(1e3 * chance.lognormvariate(2, 1)) for _ in range(20)
            )
            found = quantile_bounds(buckets, 0.5, 0.9)
            true = math.exp(2)
            outside |= found.low is not None and found.low > true
            outside |= found.high is not None and found.high < true
        missed += outside

    assert missed <= 20


def test_few_times_bound_no_tail() -> None:
    """Nothing is claimed of the slowest percent of 100 times."""
    buckets = Counter({bucket_of(1e3 * ms): 1 for ms in range(1, 100)})

    assert None is quantile_bounds(buckets, 0.99).high
    assert Bounds(None, None) == quantile_bounds({1: 1}, 0.5)
    assert Bounds(None, None) == quantile_bounds({}, 0.5)


def test_the_shift_is_of_both_legs_with_bounds() -> None:
    """Shadow minus live and shadow over live, as wide as both legs leave it."""
    found = shifts_of([times("live", 10, 2_000), times("shadow", 18, 2_000)])

    assert ["p50", "p95", "p99"] == list(found)
    p95 = found["p95"]
    assert (10, 18, 8, 1.8) == pytest.approx(
        (p95.live_ms, p95.shadow_ms, p95.delta_ms, p95.ratio), rel=0.06
    )
    low, high = p95.delta_bounds.low, p95.delta_bounds.high
    assert low is not None
    assert high is not None
    assert 6.5 < low <= p95.delta_ms <= high < 9
    low, high = p95.ratio_bounds.low, p95.ratio_bounds.high
    assert low is not None
    assert high is not None
    assert 1.65 < low <= p95.ratio <= high < 1.95


def test_one_leg_alone_has_no_shift() -> None:
    """There is nothing to compare."""
    assert {} == shifts_of([times("live", 1, 9)])


def shift(ratio: Bounds, delta: Bounds) -> Shift:
    """Return a shift with these bounds."""
    nothing = Bounds(None, None)
    return Shift(
        live_ms=1,
        shadow_ms=1,
        live_bounds=nothing,
        shadow_bounds=nothing,
        delta_ms=0,
        delta_bounds=delta,
        ratio=1,
        ratio_bounds=ratio,
    )


@pytest.mark.parametrize(
    ("ratio", "delta", "expected"),
    [
        (Bounds(2.1, 3), Bounds(60, 70), True),
        (Bounds(2.1, None), Bounds(60, None), True),
        (Bounds(1, 2), Bounds(60, 70), False),
        (Bounds(2.1, 3), Bounds(40, 50), False),
        (Bounds(None, None), Bounds(None, 50), False),
        (Bounds(1.9, 2.1), Bounds(60, 70), None),
        (Bounds(2.1, 3), Bounds(49, 51), None),
        (Bounds(None, None), Bounds(None, None), None),
    ],
)
def test_slower_is_by_ratio_and_by_floor_and_beyond_doubt(
    ratio: Bounds, delta: Bounds, expected: bool | None
) -> None:
    """More than twice and more than 50 ms; open where the bounds do not say."""
    assert expected is shift(ratio, delta).is_slower(2.0, 50.0)
