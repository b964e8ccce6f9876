"""Each stage beyond the wall may fail; the exchange still ends, and live is intact."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from shadow_middleware import signals
from shadow_middleware.compare import Comparer
from shadow_middleware.exchange import Exchange, Outcome, Replay, Request
from shadow_middleware.judge import Judge, Profile
from shadow_middleware.judging import Judging
from shadow_middleware.pipeline import Ends, Lane
from shadow_middleware.replay.base import Answer
from shadow_middleware.replay.control import Control
from shadow_middleware.settings import Settings, Target
from shadow_middleware.testing import FakeSender, Reply, ShadowServer, collect
from tests.promises.staging import serving
from tests.test_pipeline import exchange

TARGET = Target(url="http://shadow.test")


class Mistake(Exception):
    """What no code of ours expects."""


class BrokenSender(FakeSender):
    """Fails in a way that no sender may."""

    async def send(self, request: Request) -> Answer:
        """Fail."""
        raise Mistake


class BrokenComparer(Comparer):
    """Fails while it compares, on the loop or on a thread."""

    def __init__(self, settings: Settings, cheap: bool) -> None:
        super().__init__(settings)
        self._cheap = cheap

    def is_cheap(self, exchange: Any, shadow: Any) -> bool:
        """Choose where to fail."""
        return self._cheap

    def compare(self, *args: Any, **options: Any) -> Any:
        """Fail."""
        raise Mistake


class BrokenJudge(Judge):
    """Fails while it judges."""

    def judge(self, case: Any) -> Any:
        """Fail."""
        raise Mistake


Make = Callable[[Settings, Ends], Lane]


def broken_send(settings: Settings, ends: Ends) -> Lane:
    """Fail where the copy is sent."""
    return Lane(TARGET, settings, BrokenSender(), ends)


def sound(settings: Settings, ends: Ends) -> Lane:
    """Fail nowhere in the lane."""
    return Lane(TARGET, settings, FakeSender(), ends)


def broken_control(settings: Settings, ends: Ends) -> Lane:
    """Fail where the control is asked."""

    class Broken(Control):
        def ask(self, exchange: Exchange) -> Any:
            raise Mistake

    tell: Any = None
    control = Broken(settings, FakeSender(), tell)
    return Lane(TARGET, settings, FakeSender(), ends, control)


async def through(
    make: Make, *exchanges: Exchange, comparer: Any = None, judge: Any = Judge
) -> Counter[tuple[str, str]]:
    """Send the exchanges down a lane; return how each ended."""
    counted: Counter[tuple[str, str]] = Counter()

    def end(replay: Replay) -> None:
        counted[str(replay.outcome), replay.reason] += 1

    settings = Settings()
    comparer = comparer or Comparer(settings)
    judging = Judging(settings, comparer, judge(settings, Profile()), str, str)
    lane = make(settings, Ends(end, judging.weigh))
    for one in exchanges:
        lane.accept(one, 100)
    await lane.drain(5.0)
    return counted


@pytest.mark.parametrize(
    ("make", "broken"),
    [
        (broken_send, {}),
        (broken_control, {}),
        (sound, {"comparer": BrokenComparer(Settings(), True)}),
        (sound, {"comparer": BrokenComparer(Settings(), False)}),
        (sound, {"judge": BrokenJudge}),
    ],
    ids=["send", "control", "compare", "compare on a thread", "judge"],
)
def test_a_stage_that_raises_ends_its_exchange_and_nothing_else(
    make: Make, broken: dict[str, Any]
) -> None:
    """W5, W13: counted as our own mistake, once, also for the next of the same key."""
    exchanges = [exchange(number, key="ann") for number in range(3)]
    found = asyncio.run(through(make, *exchanges, **broken))

    assert {("skipped", "internal_error"): 3} == found


def test_a_copy_that_cannot_be_made_ends_its_exchange() -> None:
    """W5, W13: whatever is wrong with the request that was captured."""
    odd: Any = Request("GET", b"/", headers=[(b"a",)])  # type: ignore[list-item]
    found = asyncio.run(through(sound, exchange(1, request=odd), exchange(2)))

    assert ("skipped", "internal_error") in found
    assert 2 == sum(found.values())


def raises(sender: str, *, event: dict[str, Any]) -> None:
    """Be a receiver that fails."""
    raise Mistake


@pytest.mark.parametrize("event", sorted(signals.ALL))
def test_a_receiver_that_raises_harms_nobody(event: str) -> None:
    """W5: the others still hear of it, and live answers."""
    with (
        ShadowServer(Reply(200, (), b"other")) as shadow,
        signals.ALL[event].connected_to(raises),
        collect() as outcomes,
        serving(shadow_url=shadow.url, engine="thread", store_url="") as live,
    ):
        assert [(200, b"hello")] * 5 == [live.ask() for _ in range(5)]
        assert {Outcome.DIVERGENCE: 5} == outcomes.wait_for(5)
