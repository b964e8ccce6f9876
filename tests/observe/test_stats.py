"""Counting: everything is counted once, routes are bounded, quantiles are right."""

from __future__ import annotations

import sys
import threading

from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.evidence import OVERFLOW, Count, LatencyCount
from shadow_middleware.exchange import Outcome
from shadow_middleware.observe.stats import Tally
from shadow_middleware.report.sketch import bucket_of, quantile, window_of

MINUTE = 1000


def test_equal_ends_of_one_minute_are_one_count() -> None:
    """Counts add up under minute, target, route, outcome and reason."""
    tally = Tally()

    for second in (0, 30, 59.9):
        tally.add(MINUTE * 60 + second, "shadow", "GET /a", Outcome.TIMEOUT, "read")
    tally.add(MINUTE * 60 + 60, "shadow", "GET /a", Outcome.TIMEOUT, "read")

    assert [
        Count(MINUTE, "shadow", "GET /a", Outcome.TIMEOUT, "read", 3),
        Count(MINUTE + 1, "shadow", "GET /a", Outcome.TIMEOUT, "read", 1),
    ] == tally.take()[0]


def test_what_was_taken_is_not_taken_again() -> None:
    """A second take starts at nothing."""
    tally = Tally()
    tally.add(0, "shadow", "GET /a", Outcome.MATCH)
    tally.time(0, "shadow", "GET /a", 10, 20)
    tally.take()

    assert ([], []) == tally.take()


def test_both_legs_are_filed_in_windows_of_ten_minutes() -> None:
    """One replay leaves one time for each leg (W34)."""
    tally = Tally()

    tally.time(1009 * 60, "shadow", "GET /a", 1_000, 5_000)

    assert [
        LatencyCount(1000, "shadow", "GET /a", "live", bucket_of(1_000), 1),
        LatencyCount(1000, "shadow", "GET /a", "shadow", bucket_of(5_000), 1),
    ] == tally.take()[1]
    assert 1000 == window_of(1009)


def test_too_many_routes_share_one_and_nothing_is_lost() -> None:
    """Beyond the bound every new route is counted as another one."""
    tally = Tally(max_routes=2)

    for number in range(10):
        tally.add(0, "shadow", f"GET /{number}", Outcome.MATCH)

    counts = {count.route: count.count for count in tally.take()[0]}
    assert {"GET /0": 1, "GET /1": 1, OVERFLOW: 8} == counts


def test_a_route_is_named_once() -> None:
    """The name is asked for at a route's first sight only."""
    asked: list[str] = []

    def name(route: str) -> str:
        asked.append(route)
        return route.replace("secret", "***")

    tally = Tally(name_route=name)
    for _ in range(3):
        tally.add(0, "shadow", "GET /secret", Outcome.MATCH)

    assert ["GET /secret"] == asked
    assert ["GET /***"] == [count.route for count in tally.take()[0]]


class Yielding(str):
    """A name whose hash lets another thread in between reading and writing."""

    def __hash__(self) -> int:
        return super().__hash__()


def test_threads_lose_no_count() -> None:
    """Any thread may count."""
    tally = Tally()

    def count() -> None:
        for _ in range(2_000):
            tally.add(0, Yielding("shadow"), "GET /a", Outcome.MATCH)

    threads = [threading.Thread(target=count) for _ in range(4)]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(usual)

    assert 8_000 == tally.take()[0][0].count


@given(st.floats(min_value=1, max_value=1e9))
def test_a_bucket_is_within_two_percent(us: float) -> None:
    """What is read back is at most 2 % from what was filed."""
    read = quantile({bucket_of(us): 1}, 0.5)

    assert read is not None
    assert abs(read - us) <= 0.0201 * us


@given(
    st.lists(st.floats(min_value=1, max_value=1e8), min_size=1, max_size=200),
    st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]),
)
def test_a_quantile_is_that_of_the_sorted_times(times: list[float], q: float) -> None:
    """The sketch gives what sorting all times would give, within 2 %."""
    buckets: dict[int, int] = {}
    for us in times:
        buckets[bucket_of(us)] = buckets.get(bucket_of(us), 0) + 1

    exact = sorted(times)[int(q * (len(times) - 1))]
    read = quantile(buckets, q)

    assert read is not None
    assert abs(read - exact) <= 0.0201 * exact


def test_no_time_at_all_is_defined() -> None:
    """Zero microseconds fall into a bucket, and nothing has no quantile (W34)."""
    assert 0 == bucket_of(0)
    assert None is quantile({}, 0.5)
