"""Sums over longer times are what their minutes add up to, whatever happened before."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.evidence import Batch, Count, LatencyCount, Settlement, Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import Decision, GroupState
from shadow_middleware.store.memory import MemoryStore
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.store.sums import EVER, SUMS, Part, parts_of
from tests.store.conftest import WholeStore

FIRST = 28_000_000 - 28_000_000 % 1_440
"""A minute that a day begins with."""
ENDS = (0, 1, 59, 60, 61, 119, 1_439, 1_440, 1_500, 2_880, 2_999)


def traffic() -> list[Batch]:
    """Return three days of a few minutes, around where hours and days begin."""
    return [
        Batch(
            counts=[
                Count(
                    FIRST + at, "shadow", f"GET /{at % 2}", outcome, reason, 1 + at % 3
                )
                for outcome, reason in (
                    (Outcome.MATCH, ""),
                    (Outcome.DIVERGENCE, f"{at % 2:016x}"),
                )
            ],
            latencies=[
                LatencyCount(FIRST + at - at % 10, "shadow", "GET /0", leg, at % 7, 1)
                for leg in ("live", "shadow")
            ],
        )
        for at in (*ENDS, *(end + 2 for end in ENDS))
    ]


def twin(store: WholeStore) -> MemoryStore:
    """Fill a store, and one in memory, with the same traffic."""
    memory = MemoryStore()
    for batch in traffic():
        store.write(batch)
        memory.write(batch)
    return memory


def test_any_time_is_put_together_right(store: WholeStore) -> None:
    """By minutes, hours, days and ever: the answer is that of the minutes alone."""
    memory = twin(store)
    times = [None, *(FIRST + end for end in (1, 60, 119, 1_440, 2_999))]

    for since in times:
        for until in times:
            assert memory.totals(since, until) == store.totals(since, until)
            assert memory.latencies(since, until) == store.latencies(since, until)
            ours, theirs = (
                one.latencies(since, until, together=True) for one in (memory, store)
            )
            assert ours == theirs
            assert {""} >= {one.route for one in theirs}
    assert memory.totals(route="GET /1") == store.totals(route="GET /1")
    assert memory.versions() == store.versions()
    assert memory.versions(since=FIRST + 61) == store.versions(since=FIRST + 61)


def test_routes_are_summed_in_few_rows(store: WholeStore) -> None:
    """Versions and what divergences are counted under are not told apart, the rest is."""
    memory = twin(store)
    more = [
        Count(FIRST, "other", "GET /0", outcome, reason, 5, version)
        for outcome, reason in (
            (Outcome.DIVERGENCE, f"{1:016x}"),
            (Outcome.DIVERGENCE, f"{2:016x}"),
            (Outcome.TIMEOUT, "read"),
            (Outcome.TIMEOUT, "connect"),
        )
        for version in ("1", "2")
    ]
    for one in (store, memory):
        one.write(Batch(counts=more))

    assert [
        Total("other", "GET /0", Outcome.DIVERGENCE, "", 20),
        Total("other", "GET /0", Outcome.TIMEOUT, "connect", 10),
        Total("other", "GET /0", Outcome.TIMEOUT, "read", 10),
    ] == store.route_totals(target="other")
    for since in (None, FIRST, FIRST + 61, FIRST + 1_440):
        assert memory.route_totals(since) == store.route_totals(since)
        whole = sum(one.count for one in store.totals(since))
        assert whole == sum(one.count for one in store.route_totals(since))


@pytest.mark.parametrize("size", [10, 120, 1_440])
@pytest.mark.parametrize("route", [None, "GET /1"])
def test_steps_of_any_length_agree(
    store: WholeStore, size: int, route: str | None
) -> None:
    """What divergences are counted under is not told."""
    memory = twin(store)
    steps = [range(at, at + size) for at in range(FIRST, FIRST + 1_440, size)]

    asks: list[Callable[[WholeStore], object]] = [
        lambda one: one.outcomes_by_step(steps, "shadow", route),
        lambda one: one.outcomes_by_step(steps, None, route),
        lambda one: one.divergences_by_step(steps, [f"{1:016x}", "gone"], None, route),
        lambda one: one.latencies_by_step(steps, "shadow", route),
    ]
    for ask in asks:
        assert ask(memory) == ask(store)
    divergences = store.divergences_by_step(steps, [f"{1:016x}"])
    assert {""} >= {one.reason for one in divergences}


@pytest.mark.parametrize("minute", [1, 60, 65, 1_440, 1_501, 9_000])
def test_what_is_purged_is_in_no_sum(store: WholeStore, minute: int) -> None:
    """Whole hours and days go, and of the others just what was in them."""
    memory = twin(store)
    before = (FIRST + minute) * 60.0

    purged, expected = store.purge(before), memory.purge(before)

    assert (expected.counts, expected.latencies) == (purged.counts, purged.latencies)
    for since in (None, FIRST, FIRST + 60, FIRST + 1_440):
        assert memory.totals(since) == store.totals(since)
        assert memory.latencies(since) == store.latencies(since)
    assert memory.versions() == store.versions()


def test_nothing_is_left_of_sums_where_all_was_purged(
    url: str, open_sql: object
) -> None:
    """Not even rows that count nothing."""
    store = SqlStore(url)
    twin(store)
    store.purge((FIRST + 9_000) * 60.0)

    with store._database.reading() as connection:
        left = [
            connection.exec_driver_sql(f"SELECT count(*) FROM {one.table}").scalar()
            for one in SUMS
        ]
    store.close()

    assert [0] * len(SUMS) == left


def test_what_a_dead_agent_took_is_in_every_sum(store: WholeStore) -> None:
    """It is counted by another way than what ended."""
    store.write(Batch(settlements=[Settlement("s", "shadow", 5, FIRST + 61)]))

    hour = [range(FIRST + 60, FIRST + 120)]

    assert [5] == [one.count for one in store.totals()]
    assert [5] == [one.count for one in store.totals(FIRST)]
    assert [5] == [one.count for one in store.outcomes_by_step(hour)]


def test_a_revision_moves_with_whatever_is_written(store: WholeStore) -> None:
    """What was worked out before holds as long as it stays."""
    seen = [store.revision()]
    assert seen[0] == store.revision()

    store.write(Batch(writer="one", number=1))
    seen.append(store.revision())
    store.write(Batch(writer="one", number=2))
    seen.append(store.revision())
    store.write(Batch())
    seen.append(store.revision())
    store.decide(Decision(group="none", at=1.0, state=GroupState.IGNORED))
    seen.append(store.revision())
    store.remove_rule("none")
    seen.append(store.revision())
    store.purge(keep=10)
    seen.append(store.revision())

    assert len(seen) == len(set(map(msgspec.json.encode, seen)))


@given(since=st.none() | st.integers(0, 9_000), until=st.none() | st.integers(0, 9_000))
def test_parts_hold_each_minute_once(since: int | None, until: int | None) -> None:
    """However short or long a time is, nothing of it is read twice or left out."""
    parts = parts_of(since, until, (EVER, 60, 1_440))
    if parts == [Part(EVER, 0, 1)]:
        assert (None, None) == (since, until)
        return

    minutes = [
        minute
        for part in parts
        for minute in range(
            part.since or 0, 10_080 if part.until is None else part.until
        )
    ]

    whole = range(since or 0, 10_080 if until is None else until)
    assert sorted(minutes) == [*whole]
    for part in parts:
        assert not (part.since or 0) % part.span
        assert not (part.until or 0) % part.span
