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
from shadow_middleware.pipeline import Lane
from shadow_middleware.replay.base import Answer
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

    def compare(self, exchange: Any, target: str, shadow: Any) -> Any:
        """Fail."""
        raise Mistake


def broken_send(settings: Settings, end: Callable[[Replay], None]) -> Lane:
    """Fail where the copy is sent."""
    return Lane(TARGET, settings, BrokenSender(), Comparer(settings), end)


def broken_compare(settings: Settings, end: Callable[[Replay], None]) -> Lane:
    """Fail where answers are compared."""
    return Lane(TARGET, settings, FakeSender(), BrokenComparer(settings, True), end)


def broken_compare_on_a_thread(
    settings: Settings, end: Callable[[Replay], None]
) -> Lane:
    """Fail where large answers are compared."""
    return Lane(TARGET, settings, FakeSender(), BrokenComparer(settings, False), end)


def broken_request(settings: Settings, end: Callable[[Replay], None]) -> Lane:
    """Fail where the copy is made: nothing of this exchange is as it should be."""
    return Lane(TARGET, settings, FakeSender(), Comparer(settings), end)


async def through(
    make: Callable[[Settings, Callable[[Replay], None]], Lane], *exchanges: Exchange
) -> Counter[tuple[str, str]]:
    """Send the exchanges down a lane; return how each ended."""
    ends: Counter[tuple[str, str]] = Counter()
    lane = make(
        Settings(), lambda replay: ends.update([(str(replay.outcome), replay.reason)])
    )
    for one in exchanges:
        lane.accept(one, 100)
    await lane.drain(5.0)
    return ends


@pytest.mark.parametrize(
    "make", [broken_send, broken_compare, broken_compare_on_a_thread]
)
def test_a_stage_that_raises_ends_its_exchange_and_nothing_else(
    make: Callable[[Settings, Callable[[Replay], None]], Lane],
) -> None:
    """W5, W13: counted as our own mistake, once, also for the next of the same key."""
    exchanges = [exchange(number, key="ann") for number in range(3)]
    found = asyncio.run(through(make, *exchanges))

    assert {("skipped", "internal_error"): 3} == found


def test_a_copy_that_cannot_be_made_ends_its_exchange() -> None:
    """W5, W13: whatever is wrong with the request that was captured."""
    odd: Any = Request("GET", b"/", headers=[(b"a",)])  # type: ignore[list-item]
    found = asyncio.run(through(broken_request, exchange(1, request=odd), exchange(2)))

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
