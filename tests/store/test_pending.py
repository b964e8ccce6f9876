"""What waits is bounded by distinct keys, and its counts are exact."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.evidence import OVERFLOW, Batch, Count, LatencyCount, Settlement
from shadow_middleware.exchange import Outcome
from shadow_middleware.store.pending import Pending, outcomes_in
from tests.store.evidence import MINUTE, count, divergence

counts = st.builds(
    Count,
    minute=st.integers(MINUTE, MINUTE + 200),
    target=st.sampled_from(["shadow", "canary"]),
    route=st.sampled_from([f"GET /{n}" for n in range(40)]),
    outcome=st.sampled_from(Outcome),
    reason=st.sampled_from(["", "connect", "queue_full"]),
    count=st.integers(1, 1_000),
)


def pending(most: int = 100, most_keys: int = 100) -> Pending:
    """Return one that is empty."""
    return Pending(most, 10_000_000, most_keys)


@given(st.lists(counts, max_size=200), st.integers(1, 50))
def test_no_count_is_lost_however_few_keys_there_may_be(
    given_counts: list[Count], most_keys: int
) -> None:
    """W13: merging changes where things are counted, never how many or how they ended."""
    waiting = pending(most_keys=most_keys)
    for one in given_counts:
        waiting.add(Batch(counts=[one]))

    merged = waiting.take(0)

    assert by_outcome(given_counts) == by_outcome(merged.counts)
    assert not waiting


def by_outcome(some: object) -> dict[tuple[str, Outcome], int]:
    """Sum counts by target and outcome."""
    sums: dict[tuple[str, Outcome], int] = {}
    for one in some:  # type: ignore[attr-defined]
        key = (one.target, one.outcome)
        sums[key] = sums.get(key, 0) + one.count
    return sums


def test_routes_merge_beyond_the_bound() -> None:
    """A flood of routes goes on under one name; known ones keep theirs."""
    waiting = pending(most_keys=3)
    for number in range(10):
        waiting.add(Batch(counts=[count(1, route=f"GET /{number}")]))
    waiting.add(Batch(counts=[count(5, route="GET /0")]))

    found = {one.route: one.count for one in waiting.take(0).counts}
    assert {"GET /0": 6, "GET /1": 1, "GET /2": 1, OVERFLOW: 7} == found


def test_a_month_away_costs_hours_not_minutes() -> None:
    """Minutes merge into hours once even the merged routes are too many."""
    waiting = pending(most_keys=10)
    month = 30 * 24 * 60
    start = MINUTE - MINUTE % 60
    for minute in range(start, start + month):
        waiting.add(Batch(counts=[count(1, minute=minute)]))

    merged = waiting.take(0)
    assert len(merged.counts) <= 20 + month // 60
    assert month == outcomes_in(merged)


def test_latency_buckets_are_bounded_too() -> None:
    """Routes merge, buckets do not: the sketch stays as exact as it was."""
    waiting = pending(most_keys=3)
    for number in range(10):
        one = LatencyCount(MINUTE, "shadow", f"GET /{number}", "live", 40, 1)
        waiting.add(Batch(latencies=[one]))

    found = {one.route: one.count for one in waiting.take(0).latencies}
    assert {"GET /0": 1, "GET /1": 1, "GET /2": 1, OVERFLOW: 7} == found


def test_divergences_leave_in_order_and_in_parts() -> None:
    """Counts go with the first part; the rest follows."""
    waiting = pending()
    records = [divergence(f"a-{number}") for number in range(5)]
    waiting.add(Batch(counts=[count()], divergences=records))

    first, second = waiting.take(3), waiting.take(3)

    assert (records[:3], 1) == (first.divergences, len(first.counts))
    assert (records[3:], 0) == (second.divergences, len(second.counts))


def test_what_is_handed_out_still_counts_as_held() -> None:
    """Room is free when the batch is written, not when it is tried."""
    waiting = pending(most=2)
    waiting.add(Batch(divergences=[divergence("a-1"), divergence("a-2")]))
    batch = waiting.take(2)
    waiting.add(Batch(divergences=[divergence("a-3")]))
    waiting.release(batch)
    waiting.add(Batch(divergences=[divergence("a-4")]))

    assert 1 == waiting.lost_samples
    assert ["a-4"] == [one.exchange_id for one in waiting.take(9).divergences]


def test_a_month_of_latencies_costs_hours_too() -> None:
    """Windows merge into hours once even the merged routes are too many."""
    waiting = pending(most_keys=10)
    month = 30 * 24 * 60
    start = MINUTE - MINUTE % 60
    for window in range(start, start + month, 10):
        one = LatencyCount(window, "shadow", "GET /", "live", 40, 1)
        waiting.add(Batch(latencies=[one]))

    merged = waiting.take(0).latencies
    assert len(merged) <= 20 + month // 60
    assert month // 10 == sum(one.count for one in merged)


def test_the_largest_of_two_settlements_stands() -> None:
    """Both tell what was handed over in all; one is older."""
    waiting = pending()
    for handed in (5, 9, 7):
        waiting.add(Batch(settlements=[Settlement("s", "shadow", handed, MINUTE)]))

    assert [9] == [one.handed for one in waiting.take(0).settlements]
