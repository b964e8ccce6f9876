"""The writer: whole, once, never waiting, and every loss a number."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shadow_middleware.errors import MissingExtraError
from shadow_middleware.evidence import (
    SETTLED,
    Batch,
    Loss,
    Progress,
    Settlement,
)
from shadow_middleware.exchange import Outcome
from shadow_middleware.store.writer import Lost, Writer, pause_after
from tests.store.evidence import MINUTE, count, divergence, matches
from tests.store.fakes import MoodyStore

SOON = 60.0
"""Seconds within which everything here happens, even on a busy machine."""

MakeWriter = Callable[..., Writer]


@pytest.fixture
def make_writer() -> Iterator[MakeWriter]:
    """Give what makes impatient writers, all of which are closed at the end."""
    made: list[Writer] = []

    def make(store: MoodyStore, **options: Any) -> Writer:
        quick = {"interval": 0.005, "retry_after": 0.005, **options}
        made.append(Writer(store.open, **quick))
        return made[-1]

    yield make
    for writer in made:
        writer.close(0.2)


def counted(store: MoodyStore) -> int:
    """Return how many outcomes the store counts."""
    return sum(total.count for total in store.memory.totals())


def add_many(writer: Writer, number: int) -> None:
    """Add so many matches, one by one."""
    for _ in range(number):
        writer.add(matches())


def test_what_is_added_is_written(make_writer: MakeWriter) -> None:
    """Without being asked, soon after."""
    store = MoodyStore()
    writer = make_writer(store)
    writer.add(Batch(counts=[count(3)], divergences=[divergence()]))

    wait_until(lambda: counted(store) == 3)

    assert 1 == store.memory.count_divergences()
    assert Lost() == writer.lost


def test_making_a_writer_opens_nothing(make_writer: MakeWriter) -> None:
    """Nor does it start a thread: that comes with the first batch."""
    store = MoodyStore()
    before = threading.active_count()
    writer = make_writer(store)

    assert (0, before) == (store.opened, threading.active_count())
    assert writer.flush(0.0)
    assert writer.close(0.0)


def test_batches_gather_into_one_transaction(make_writer: MakeWriter) -> None:
    """Ten thousand counts of one key are one write and one row."""
    store = MoodyStore()
    writer = make_writer(store, interval=60.0)
    for _ in range(10_000):
        writer.add(matches())

    assert writer.flush(SOON)
    assert 10_000 == counted(store)
    assert store.written <= 2


def test_adding_never_waits_for_the_store(make_writer: MakeWriter) -> None:
    """W46: a store that hangs inside a write holds nobody up."""
    store = MoodyStore()
    store.free.clear()
    writer = make_writer(store)
    writer.add(matches())
    assert store.tried.wait(SOON)

    adding = threading.Thread(target=add_many, args=(writer, 99))
    adding.start()
    adding.join(SOON)

    assert not adding.is_alive()
    assert not writer.flush(0.01)
    store.free.set()
    assert writer.flush(SOON)
    assert 100 == counted(store)


def test_a_store_that_is_away_gets_everything_when_it_is_back(
    make_writer: MakeWriter, caplog: pytest.LogCaptureFixture
) -> None:
    """W46: counts merge, divergences wait, and it is said once, not at every try."""
    store = MoodyStore()
    store.away = True
    writer = make_writer(store)
    with caplog.at_level(logging.WARNING):
        for number in range(200):
            writer.add(Batch([count()], divergences=[divergence(f"a-{number}")]))
        wait_until(lambda: writer.failure == "the store is away")
        store.away = False

        assert writer.flush(SOON)

    assert (200, 200) == (counted(store), store.memory.count_divergences())
    assert (Lost(), "") == (writer.lost, writer.failure)
    assert [
        "the store is away; evidence waits in memory",
        "the store is back; what waited is being written",
    ] == caplog.messages


def test_a_store_is_opened_anew_after_a_failure(make_writer: MakeWriter) -> None:
    """A dead connection is not used again."""
    store = MoodyStore()
    writer = make_writer(store)
    writer.add(matches())
    assert writer.flush(SOON)
    store.away = True
    writer.add(matches())
    wait_until(lambda: store.closed == 1)
    store.away = False

    assert writer.flush(SOON)
    assert (2, 2) == (store.opened, counted(store))


def test_a_batch_whose_answer_got_lost_counts_once(make_writer: MakeWriter) -> None:
    """It is written again, and the store knows its number."""
    store = MoodyStore()
    store.forgets_to_answer = True
    writer = make_writer(store)
    writer.add(Batch([count(7)], divergences=[divergence()]))

    assert writer.flush(SOON)
    assert 2 == store.opened
    assert (7, 1) == (counted(store), store.memory.count_divergences())


def test_what_exceeds_the_buffer_is_lost_as_a_number(make_writer: MakeWriter) -> None:
    """W46: the record goes, the count stays, and the store hears of the loss."""
    store = MoodyStore()
    store.away = True
    writer = make_writer(store, buffer=10)
    for number in range(25):
        writer.add(Batch([count()], divergences=[divergence(f"a-{number}")]))
    assert Lost(samples=15) == writer.lost
    store.away = False

    assert writer.flush(SOON)
    assert (25, 10) == (counted(store), store.memory.count_divergences())
    assert [Loss(MINUTE, "shadow", "buffer_full", 15)] == store.memory.losses()


def test_the_buffer_is_bounded_in_bytes_too(make_writer: MakeWriter) -> None:
    """W9: few large divergences are as heavy as many small ones."""
    store = MoodyStore()
    store.away = True
    writer = make_writer(store, buffer_bytes=100_000)
    for number in range(10):
        record = divergence(f"a-{number}", live_body="x" * 30_000)
        writer.add(Batch(divergences=[record]))

    assert Lost(samples=7) == writer.lost


def test_room_is_free_again_after_a_write(make_writer: MakeWriter) -> None:
    """The bound is on what waits, not on what ever passed."""
    store = MoodyStore()
    writer = make_writer(store, buffer=2, buffer_bytes=10_000)
    for number in range(20):
        writer.add(Batch(divergences=[divergence(f"a-{number}")]))
        assert writer.flush(SOON)

    assert (20, Lost()) == (store.memory.count_divergences(), writer.lost)


def test_only_the_refused_divergence_is_lost(make_writer: MakeWriter) -> None:
    """One row that the database refuses does not hold up the others for ever."""
    store = MoodyStore()
    store.hates = "/odd"
    writer = make_writer(store, interval=60.0)
    for number in range(20):
        path = "/odd" if number == 7 else "/"
        record = divergence(f"a-{number}", path=path)
        writer.add(Batch([count()], divergences=[record]))

    assert writer.flush(SOON)
    assert (20, 19) == (counted(store), store.memory.count_divergences())
    assert Lost(samples=1) == writer.lost
    assert [Loss(MINUTE, "shadow", "refused", 1)] == store.memory.losses()


@pytest.mark.parametrize(
    "crash", [RuntimeError("odd"), MemoryError(), MissingExtraError("postgres", "It")]
)
def test_no_failure_ends_the_thread(
    make_writer: MakeWriter, crash: BaseException
) -> None:
    """W5: whatever a store raises, counting goes on."""
    store = MoodyStore()
    store.crash = crash
    writer = make_writer(store)
    writer.add(matches(2))
    wait_until(lambda: bool(writer.failure))
    store.crash = None

    assert writer.flush(SOON)
    assert 2 == counted(store)


def test_closing_writes_what_is_left(make_writer: MakeWriter) -> None:
    """W40: more than fits one transaction, and without waiting for the interval."""
    store = MoodyStore()
    writer = make_writer(store, interval=60.0)
    for number in range(1_200):
        writer.add(Batch([count()], divergences=[divergence(f"a-{number}")]))

    assert writer.close(SOON)
    assert (1_200, 1_200) == (counted(store), store.memory.count_divergences())
    assert store.closed == store.opened


def test_closing_while_the_store_is_away_counts_what_is_lost(
    make_writer: MakeWriter, caplog: pytest.LogCaptureFixture
) -> None:
    """W40: it takes no longer than it may, and says what is gone."""
    store = MoodyStore()
    store.away = True
    writer = make_writer(store)
    writer.add(Batch([count(5)], divergences=[divergence()]))
    assert store.tried.wait(SOON)
    started = time.monotonic()

    assert not writer.close(0.05)

    assert time.monotonic() - started < SOON
    assert Lost(samples=1, outcomes=5) == writer.lost
    assert "5 outcomes and 1 divergences are lost" in caplog.text


def test_closing_while_a_write_hangs_gives_up_in_time(make_writer: MakeWriter) -> None:
    """W40: a hung database does not hold up the end of the process."""
    store = MoodyStore()
    store.free.clear()
    writer = make_writer(store)
    writer.add(matches(5))
    assert store.tried.wait(SOON)

    assert not writer.close(0.05)
    assert Lost(outcomes=5) == writer.lost
    store.free.set()


def test_what_comes_after_the_end_is_counted_as_lost(make_writer: MakeWriter) -> None:
    """Adding never raises, not even then."""
    store = MoodyStore()
    writer = make_writer(store)
    assert writer.close(SOON)
    writer.add(Batch([count(3)], divergences=[divergence()]))

    assert Lost(samples=1, outcomes=3) == writer.lost
    assert writer.flush(0.0)


def test_closing_twice_is_harmless(make_writer: MakeWriter) -> None:
    """The second time there is nothing to do."""
    writer = make_writer(MoodyStore())
    writer.add(matches())

    assert writer.close(SOON)
    assert writer.close(SOON)


def test_many_threads_add_at_once(make_writer: MakeWriter) -> None:
    """Nothing is lost between them."""
    store = MoodyStore()
    writer = make_writer(store)
    threads = [threading.Thread(target=add_many, args=(writer, 500)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert writer.flush(SOON)
    assert 4_000 == counted(store)


def test_a_settlement_comes_after_what_was_added_before_it(
    make_writer: MakeWriter,
) -> None:
    """Progress that waits is not mistaken for loss, and later progress is no cover."""
    store = MoodyStore()
    writer = make_writer(store, interval=60.0)
    writer.add(Batch(progress=[Progress("s", "shadow", 10, 6, 1.0)]))
    writer.add(Batch(settlements=[Settlement("s", "shadow", 10, MINUTE)]))
    writer.add(Batch(progress=[Progress("s", "shadow", 14, 4, 2.0)]))

    assert writer.flush(SOON)
    [dropped] = store.memory.totals()
    assert (Outcome.DROPPED, SETTLED, 4) == (
        dropped.outcome,
        dropped.reason,
        dropped.count,
    )
    assert [14] == [one.ended for one in store.memory.progress()]


def wait_until(happened: Callable[[], bool]) -> None:
    """Return as soon as it happened; fail where it does not."""
    deadline = time.monotonic() + SOON
    pause = threading.Event()
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        pause.wait(0.002)


@pytest.mark.parametrize(
    ("took", "pause"), [(0.0, 0.5), (0.1, 0.5), (1.0, 4.0), (30.0, 15.0)]
)
def test_who_waits_long_for_the_store_comes_less_often(
    took: float, pause: float
) -> None:
    """So that a thousand agents leave each other room; never is evidence minutes old."""
    assert pause == pytest.approx(pause_after(took, 0.5))
