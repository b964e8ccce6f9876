"""A target over time: steps that hold every minute once, and what each comes to."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.evidence import StepLatency, Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.report.series import point, seen_in, steps_of, time_point
from shadow_middleware.report.sketch import bucket_of


def total(outcome: Outcome, count: int, reason: str = "") -> Total:
    """Return a count of one route."""
    return Total("shadow", "GET /", outcome, reason, count)


@given(
    st.integers(0, 40_000_000),
    st.integers(0, 4_000_000),
    st.integers(2, 300),
    st.sampled_from([1, 10]),
)
def test_steps_hold_every_minute_once(
    first: int, length: int, most: int, least: int
) -> None:
    """However long the time is, there are no more steps than asked for, without gaps."""
    last = first + length
    steps = steps_of(first, last, most, least)

    assert len(steps) <= most
    assert steps[0].start <= first
    assert last in steps[-1]
    assert all(one.stop == other.start for one, other in pairwise(steps))
    assert {0} == {one.start % least for one in steps}


def test_steps_begin_at_round_times() -> None:
    """An hour in twelve steps is cut at full five minutes."""
    steps = steps_of(603, 658, 12)

    assert [600, 605] == [one.start for one in steps[:2]]
    assert {5} == {len(one) for one in steps}


def test_a_step_tells_outcomes_rate_and_bound() -> None:
    """What agrees among what was decided; a drop decides nothing."""
    made = point(
        60.0,
        [
            total(Outcome.MATCH, 70),
            total(Outcome.NOISE, 20),
            total(Outcome.DIVERGENCE, 10),
            total(Outcome.DROPPED, 5),
        ],
    )

    assert (60.0, 100, 0.9) == (made.at, made.decided, made.rate)
    assert {"match": 70, "noise": 20, "divergence": 10, "dropped": 5} == made.outcomes
    assert made.interval is not None
    assert made.interval.low < 0.9 < made.interval.high


def test_an_empty_step_has_no_rate() -> None:
    """Nothing decided is no rate of nought."""
    made = point(0.0, [])

    assert (0, None, None) == (made.decided, made.rate, made.interval)


def test_a_step_without_both_legs_has_no_latency() -> None:
    """A shadow that never answered leaves a gap, not a zero."""
    live = StepLatency(1, "shadow", "live", bucket_of(2_000.0), 5)
    shadow = StepLatency(1, "shadow", "shadow", bucket_of(4_000.0), 5)
    made = time_point(60.0, [live, shadow])

    assert time_point(60.0, [live]) is None
    assert made is not None
    assert 4.0 == pytest.approx(made.latency.shadow_ms.p50, rel=0.02)


def test_a_history_is_measured_by_its_largest_step() -> None:
    """Bars stand beside each other; long steps are named by their day."""
    made = seen_in([(range(0, 60), 2), (range(60, 120), 8)])
    days = seen_in([(range(1_440, 2_880), 0)])

    assert [0.25, 1.0] == [one.part for one in made]
    assert ["01-01 00:00", "01-01 01:00"] == [one.label for one in made]
    assert [("1970-01-02", 0.0)] == [(one.label, one.part) for one in days]
