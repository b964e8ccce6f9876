"""A store keeps what it may, says what went, and its sums are right at any moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from shadow_middleware.errors import StoreError
from shadow_middleware.evidence import Batch, Count, LatencyCount, Progress, Purged
from shadow_middleware.exchange import Outcome
from shadow_middleware.retention import DAY, Keep, What, Why
from shadow_middleware.settings import load
from shadow_middleware.store import rows
from shadow_middleware.store.housekeeper import Housekeeper
from shadow_middleware.store.pace import Interrupted, Pace
from shadow_middleware.store.schema import counts, divergences
from shadow_middleware.store.sql import SqlStore
from tests.store.evidence import divergence

HOURS = 40 * 24
NOW = time.time()
MINUTE = int(NOW // 60)


def ago(days: float) -> int:
    """Return the minute of so many days ago."""
    return MINUTE - int(days * 24 * 60)


def spread(target: str = "shadow") -> Batch:
    """
    Return evidence of forty days: one match and one divergence each hour.

    It is half an hour from any edge that is told in days, however slow the test is.
    """
    minutes = [MINUTE - 30 - 60 * hour for hour in range(HOURS)]
    return Batch(
        counts=[
            Count(minute, target, f"GET /{minute % 7}", outcome, "", 1, "1")
            for minute in minutes
            for outcome in (Outcome.MATCH, Outcome.DIVERGENCE)
        ],
        latencies=[
            LatencyCount(minute - minute % 10, target, "GET /", "live", 40, 1)
            for minute in minutes
        ],
    )


def stored(number: int, days: float = 0.0, **fields: Any) -> Batch:
    """Return a stored divergence of so many days ago."""
    at = NOW - days * DAY - 60.0
    return Batch(divergences=[divergence(f"a{number:03}-1", at=at, **fields)])


def count_all(store: SqlStore, since: int | None = None) -> int:
    """Return how many outcomes are counted."""
    return sum(one.count for one in store.totals(since))


def removed(store: SqlStore, what: What) -> int:
    """Return how much of it was removed in all."""
    return sum(one.count for one in store.removals() if one.what is what)


def test_hours_outlive_their_minutes(
    url: str, open_sql: Callable[[str], SqlStore]
) -> None:
    """What is asked over days is the same as before; only minutes are not told."""
    store = open_sql(url)
    store.write(spread())
    asks: list[Callable[[], object]] = [
        store.totals,
        store.route_totals,
        store.latencies,
        lambda: store.totals(ago(20) // 60 * 60),
        lambda: store.latencies(ago(20) // 60 * 60),
        lambda: count_all(store, ago(1)),
        lambda: [(one.version, one.count) for one in store.versions()],
    ]
    before = [ask() for ask in asks]

    gone = store.retain(Keep(days=2.0))

    assert before == [ask() for ask in asks]
    assert gone.counts > 2 * 37 * 24
    assert count_all(store, ago(20) // 60 * 60) == count_all(store, ago(20))
    first, last = store.span() or (0, 0)
    assert MINUTE - 30 == last
    assert first in range(ago(40) - 30, ago(40) + 61)
    [version] = store.versions(since=ago(20))
    assert ago(20) // 60 * 60 == version.first_minute
    assert 0 == removed(store, What.OUTCOMES)
    assert Purged() == store.retain(Keep(days=2.0))


@pytest.mark.parametrize("keep", [Keep(sums_days=5.0), Keep(days=1.0, sums_days=5.0)])
def test_what_went_and_what_is_there_is_all_that_was_written(
    url: str, open_sql: Callable[[str], SqlStore], keep: Keep
) -> None:
    """To the last outcome, however often it is done and whatever comes late."""
    store = open_sql(url)
    store.write(spread())
    store.retain(Keep(days=10.0, sums_days=30.0))
    store.write(spread())  # as of a host whose store was away for weeks
    store.retain(keep)

    kept = count_all(store)
    assert 2 * 2 * HOURS == kept + removed(store, What.OUTCOMES)
    assert kept == count_all(store, ago(6))
    assert kept == sum(one.count for one in store.route_totals())
    steps = [range(ago(41) // 60 * 60, (MINUTE // 60 + 1) * 60)]
    assert kept == sum(one.count for one in store.outcomes_by_step([whole(steps[0])]))
    hours = sum(one.count for one in store.latencies())
    assert kept == 2 * hours
    [why] = {one.why for one in store.removals() if one.what is What.OUTCOMES}
    assert Why.AGE is why


def whole(step: range) -> range:
    """Return a step of whole hours whose length divides its start."""
    size = 60 * 24 * 366
    start = step.start - step.start % size
    assert step.stop <= start + size
    return range(start, start + size)


def test_the_oldest_divergences_go_beyond_a_number(
    url: str, open_sql: Callable[[str], SqlStore]
) -> None:
    """And it is said how many, and why; what was counted of them stays."""
    store = open_sql(url)
    for number in range(9):
        store.write(stored(number, days=number))

    assert 3 == store.retain(Keep(rows=6)).divergences
    assert 2 == store.retain(Keep(rows=6, days=3.5)).divergences
    assert 0 == store.retain(Keep(rows=6, days=3.5)).divergences

    left = [one.record.exchange_id for one in store.divergences()]
    assert ["a000-1", "a001-1", "a002-1", "a003-1"] == left
    told = {
        (one.why, one.target): one.count
        for one in store.removals()
        if one.what is What.DIVERGENCES
    }
    assert {(Why.ROWS, "shadow"): 3, (Why.AGE, "shadow"): 2} == told


@pytest.mark.parametrize("says_weight", [True, False])
def test_the_oldest_divergences_go_beyond_a_weight(
    url: str, open_sql: Callable[[str], SqlStore], says_weight: bool
) -> None:
    """Also those of a writer that does not say what they weigh: an older version."""
    store = open_sql(url)
    batches = [stored(n, days=n / 24, live_body="x" * 10_000) for n in range(8)]
    for batch in batches:
        if says_weight:
            store.write(batch)
            continue
        [row] = rows.divergence_rows(batch)
        with store._database.writing() as connection:
            connection.execute(insert(divergences), row | {"weight": None})

    store.retain(Keep(bytes=33_000))

    left = [one.record.exchange_id for one in store.divergences()]
    assert ["a000-1", "a001-1", "a002-1"] == left


def test_a_silent_session_is_forgotten_with_what_it_left_open(
    url: str, open_sql: Callable[[str], SqlStore]
) -> None:
    """What was never accounted for is not lost a second time: the report says it."""
    store = open_sql(url)
    old = Progress("s", "shadow", 9, 7, NOW - 50 * DAY)
    store.write(Batch(progress=[old, Progress("t", "shadow", 5, 5, NOW)]))

    assert 1 == store.retain(Keep(sums_days=40.0)).progress

    assert ["t"] == [one.session for one in store.progress()]
    assert 2 == removed(store, What.UNACCOUNTED)


def test_somebody_interrupts_and_the_next_goes_on(
    url: str, open_sql: Callable[[str], SqlStore]
) -> None:
    """Whenever that is, all that was written is counted or said to have gone."""
    store = open_sql(url)
    store.write(spread())
    left = [True] * 3 + [False]

    with pytest.raises(Interrupted):
        store.retain(Keep(days=1.0, sums_days=5.0), Pace(lambda _: left.pop(0)))
    assert 2 * HOURS == count_all(store) + removed(store, What.OUTCOMES)

    store.retain(Keep(days=1.0, sums_days=5.0))
    assert 2 * HOURS == count_all(store) + removed(store, What.OUTCOMES)
    assert count_all(store) <= 2 * 6 * 24
    with store._database.reading() as connection:
        oldest = connection.execute(select(func.min(counts.c.minute))).scalar_one()
    assert oldest >= ago(1) // 60 * 60


def test_one_host_at_a_time_removes(
    url: str, open_sql: Callable[[str], SqlStore]
) -> None:
    """Until it leaves, or its time is over by the store's own clock."""
    one, other = open_sql(url), open_sql(url)

    assert one.lease_retention("one", 60.0)
    assert one.lease_retention("one", 60.0)
    assert not other.lease_retention("other", 60.0)
    one.leave_retention("one")
    assert other.lease_retention("other", 0.0)
    assert one.lease_retention("one", 60.0)
    other.leave_retention("other")
    assert not other.lease_retention("other", 60.0)


def test_a_housekeeper_does_it_and_lets_others(
    url: str, open_sql: Callable[[str], SqlStore]
) -> None:
    """On its own thread, with the lease given back each time."""
    store = open_sql(url)
    for number in range(9):
        store.write(stored(number))
    keeper = Housekeeper(lambda: SqlStore(url), Keep(rows=4), every=0.01, first=0.0)

    keeper.start()
    until(lambda: keeper.rounds > 1)
    keeper.stop(10.0)

    assert 4 == store.count_divergences()
    assert store.lease_retention("somebody", 60.0)
    assert 0.0 < keeper.longest


def test_while_another_has_the_lease_nothing_is_removed(
    url: str, open_sql: Callable[[str], SqlStore]
) -> None:
    """Two of them would only stand in each other's way."""
    store = open_sql(url)
    store.write(stored(1))
    store.write(stored(2))
    store.lease_retention("another", 60.0)

    assert None is Housekeeper(lambda: SqlStore(url), Keep(rows=1)).round()

    assert 2 == store.count_divergences()


def test_a_store_that_fails_is_said_once(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And tried again."""
    tries = 0
    good = threading.Event()

    def opened() -> SqlStore:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise StoreError("the store is away")
        good.set()
        return SqlStore(sqlite_url)

    keeper = Housekeeper(opened, Keep(rows=1), every=0.001, first=0.0)
    keeper.start()
    assert good.wait(30.0)
    keeper.stop(10.0)

    said = [one.getMessage() for one in caplog.records if "not removed" in one.message]
    assert ["old evidence is not removed: the store is away"] == said


def test_without_bounds_nothing_runs() -> None:
    """No thread is started for a store that may keep everything."""
    keeper = Housekeeper(
        lambda: pytest.fail("opened"), Keep(), first=0.0, name="boundless"
    )
    keeper.start()

    assert keeper._thread is None


def test_transactions_become_shorter_where_they_take_long(
    open_sql: Callable[[str], SqlStore], sqlite_url: str
) -> None:
    """A writer waits for one of them, whatever a row weighs."""
    times = iter(n * 0.1 for n in range(1_000))
    asked: list[int] = []

    def work(_: Connection, most: int) -> int:
        asked.append(most)
        return most if len(asked) < 6 else 0

    pace = Pace(clock=lambda: next(times))
    pace.drain(open_sql(sqlite_url)._database, work)

    assert [100, 25, 10, 10, 10, 10] == asked
    assert 0.1 == pytest.approx(pace.longest)


def test_what_comes_next_begins_with_few_however_cheap_rows_were_before(
    open_sql: Callable[[str], SqlStore], sqlite_url: str
) -> None:
    """Rows of one table are no measure for those of another, with triggers on them."""
    asked: list[int] = []

    def work(_: Connection, most: int) -> int:
        asked.append(most)
        return most if len(asked) < 3 else 0

    pace, database = Pace(clock=lambda: 0.0), open_sql(sqlite_url)._database
    for _ in range(2):
        pace.drain(database, work)

    assert [100, 200, 400, 100] == asked


def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + 60.0
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({"store_keep_days": 3}, {Why.AGE}),
        ({"store_keep_rows": 5}, {Why.ROWS}),
        ({"store_keep_bytes": 5_000}, {Why.BYTES}),
        ({"store_keep_sums_days": 3}, {Why.AGE}),
    ],
)
def test_each_setting_bounds_the_store_by_itself(
    stated: dict[str, Any], why: set[Why], url: str, open_sql: Callable[[str], SqlStore]
) -> None:
    """0 is no bound; what went says which bound it was."""
    bounds = ("days", "rows", "bytes", "sums_days")
    unbounded = dict.fromkeys([f"store_keep_{one}" for one in bounds], 0)
    store = open_sql(url)
    store.write(spread())
    store.write(
        Batch(
            divergences=[
                divergence(f"a1-{day:x}", at=NOW - day * DAY) for day in range(1, 21)
            ]
        )
    )
    settings = {"shadow_url": "http://127.0.0.1:9", **unbounded}

    assert Purged() == store.retain(Keep.of(load(settings)))
    assert store.retain(Keep.of(load({**settings, **stated}))).divergences > 0
    assert why == {one.why for one in store.removals()}
