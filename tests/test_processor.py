"""Whether a thread gets the processor that it asks for, and what is said if not."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator

import pytest

from shadow_middleware.judging import Heard, Weighed
from shadow_middleware.lane import Ends, Lane
from shadow_middleware.processor import Processor, Times, of_this_thread
from shadow_middleware.settings import Settings, Target
from shadow_middleware.testing import FakeSender
from tests.test_pipeline import exchange


async def weighed_by_nobody(heard: Heard) -> Weighed:
    """Be reached by no exchange that was dropped."""
    raise AssertionError(heard)


def looks(*seen: tuple[float, Times | None]) -> list[bool]:
    """Return what is said at each look, of a clock and what the system tells then."""
    clock: Iterator[float] = iter([at for at, _ in seen])
    told = iter([times for _, times in seen])
    processor = Processor(lambda: next(told), lambda: next(clock))
    return [processor.is_short() for _ in seen]


def test_one_that_waits_more_than_it_runs_is_short() -> None:
    """All the time it wanted a processor, and had it for a tenth of that."""
    assert [False, True] == looks((0, Times(5, 5)), (1, Times(5.1, 5.9)))


def test_one_that_runs_more_than_it_waits_is_not() -> None:
    """It is busy, which is another matter."""
    assert [False, False] == looks((0, Times(5, 5)), (1, Times(5.6, 5.4)))


def test_one_that_sleeps_is_not_short_however_long_it_waited_then() -> None:
    """It wants a processor for a fifth of the time: others keep it from nothing."""
    assert [False, False] == looks((0, Times(5, 5)), (1, Times(5.02, 5.18)))


def test_a_first_look_knows_nothing_and_an_old_one_no_more() -> None:
    """What was long ago says nothing of now."""
    long_ago = looks((0, Times(0, 50)), (60, Times(1, 110)), (61, Times(1.1, 110.9)))

    assert [False, False, True] == long_ago


def test_what_was_found_holds_until_the_next_look() -> None:
    """And so does what was not."""
    processor_sees = looks(
        (0, Times(5, 5)), (1, Times(5, 6)), (3, Times(7, 6)), (4, Times(7, 7))
    )

    assert [False, True, False, True] == processor_sees


def test_where_the_system_does_not_tell_nothing_is_short() -> None:
    """As on macOS."""
    assert [False, False] == looks((0, None), (1, None))


def test_the_system_tells_of_this_thread() -> None:
    """Where it does, a thread that runs has run."""
    times = of_this_thread()

    assert times is None or times.ran > 0


@pytest.mark.parametrize(("runs", "reason"), [(0.1, "starved"), (0.9, "queue_full")])
def test_what_a_starved_agent_drops_is_told_apart(
    runs: float, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A full queue counts as `starved` where the processor was missing, and is logged."""
    told = iter([Times(0, 0), Times(runs, 1 - runs)])
    clock = iter([0.0, *[1.0 + n / 100 for n in range(9)]])
    processor = Processor(lambda: next(told), lambda: next(clock))
    assert not processor.is_short()
    ends: Counter[str] = Counter()

    async def overload() -> None:
        lane = Lane(
            Target(url="http://s.test"),
            Settings(queue_count=1, concurrency=1),
            FakeSender(),
            Ends(lambda replay: ends.update([replay.reason]), weighed_by_nobody),
            processor=processor,
        )
        for number in range(8):
            lane.accept(exchange(number), 100)
        await lane.drain(0.0)

    with caplog.at_level(logging.WARNING):
        asyncio.run(overload())

    assert ends[reason] >= 6
    assert (reason == "starved") == ("agent_nice" in caplog.text)
