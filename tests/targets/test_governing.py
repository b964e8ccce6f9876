"""Lanes come, change and go while exchanges are on their way; every one of them ends."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shadow_middleware.accounting import Account
from shadow_middleware.compare import Comparer
from shadow_middleware.evidence import Batch
from shadow_middleware.exchange import Response
from shadow_middleware.following import Following
from shadow_middleware.governing import Governor
from shadow_middleware.judge import Judge, Policy, Profile
from shadow_middleware.judging import Judging
from shadow_middleware.observe.recorder import Recorder
from shadow_middleware.pipeline import Ends, Lane, Pipeline, Roads
from shadow_middleware.replay.base import Answer
from shadow_middleware.replay.control import Tell
from shadow_middleware.settings import Target, load
from shadow_middleware.store.memory import MemoryStore
from shadow_middleware.targets import Switch, TargetChange
from shadow_middleware.testing import FakeSender
from shadow_middleware.transform.redact import Redactor
from tests.test_pipeline import JSON, body, exchange

GOOD = Response(200, JSON, body(b'{"id":7}'))


class Gated(FakeSender):
    """A sender whose shadow answers when it is let."""

    def __init__(self) -> None:
        super().__init__(GOOD)
        self.let = asyncio.Event()
        self.let.set()

    async def send(self, request: Any) -> Answer:
        """Record the request, wait, and answer."""
        answer = await super().send(request)
        await self.let.wait()
        return answer


class Bed:
    """A governor over a pipeline to fake senders, by address."""

    def __init__(self, **settings: Any) -> None:
        self.settings = load(
            {
                "shadow_url": "http://shadow.test",
                "target_allow": ["*.test"],
                "drain_timeout": 5.0,
                **settings,
            },
            environ={},
        )
        self.store = MemoryStore()
        self.senders: dict[str, Gated] = {}
        self.turns: list[bool] = []
        self.account = Account(("shadow",), lambda: 60.0)
        self.account.begin("live", 0, 0)
        self.counts: Counter[tuple[str, str, str]] = Counter()
        recorder = Recorder(
            self.settings, Redactor(self.settings), self.store.write, lambda *_: None
        )
        judging = Judging(
            self.settings,
            Comparer(self.settings),
            Judge(self.settings, Profile(Policy.of(self.settings))),
            recorder.route,
            str,
        )
        self.pipeline = Pipeline(
            self._roads, recorder, judging.weigh, self.account.ended
        )
        self.pipeline.on_end = lambda one: self.counts.update(
            [(one.target, str(one.outcome), one.reason)]
        )
        self.governor = Governor(
            self.settings,
            self.pipeline,
            self.account,
            lambda: self.turns.append(self.governor.resting),
        )
        self.sent = 0

    def _roads(self, ends: Ends, tell: Tell) -> Roads:
        def open_lane(target: Target) -> Lane:
            sender = self.senders.setdefault(target.url, Gated())
            return Lane(target, self.settings, sender, ends)

        own = [open_lane(target) for target in self.settings.all_targets]
        return Roads(own, None, open_lane)

    def follow(self) -> None:
        """Adopt what the store says now."""
        self.governor.adopt(self.store.targets_state(), [])

    def change(self, name: str = "canary", **said: Any) -> None:
        """Have a person change a target, and follow."""
        self.store.change_target(TargetChange(name=name, **said))
        self.follow()

    def take(self, number: int = 1, **fields: Any) -> None:
        """Accept so many exchanges."""
        for _ in range(number):
            self.sent += 1
            self.pipeline.accept(exchange(self.sent, **fields), 10)
        self.account.selected("live", self.sent)

    async def quiet(self) -> None:
        """Wait until nothing is under way."""
        await until(
            lambda: (
                not any(
                    lane.scheduler.depth or lane.scheduler.in_flight
                    for lane in self.pipeline.all_lanes
                )
            )
        )

    def of(self, target: str) -> dict[tuple[str, str], int]:
        """Return outcomes and reasons of a target with their counts."""
        return {key[1:]: n for key, n in self.counts.items() if key[0] == target}

    async def end(self) -> None:
        """Drain, and check that the account is whole."""
        await self.pipeline.drain(5.0)
        self.store.write(self.account.complete(Batch()))
        assert all(x.selected == x.ended for x in self.store.progress())


async def until(condition: Callable[[], bool]) -> None:
    """Let others on the loop go on until something is true."""
    for _ in itertools.count():
        if condition():
            return
        await asyncio.sleep(0)


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run the test on a loop."""

    async def whole() -> None:
        async with asyncio.timeout(30):
            await work()

    asyncio.run(whole())


def test_a_target_comes_changes_and_goes() -> None:
    """Its copies begin with it, follow its filters, and end with it."""

    async def work() -> None:
        bed = Bed()
        bed.take(2)
        bed.change(url="http://canary.test")
        bed.take(3)
        bed.change(exclude=("/items/*",))
        bed.take(4)
        await bed.quiet()
        bed.store.remove_target("canary")
        bed.follow()
        bed.take(5)
        await bed.end()

        assert 14 == len(bed.senders["http://shadow.test"].requests)
        assert 3 == len(bed.senders["http://canary.test"].requests)
        assert 4 == bed.of("canary")["skipped", "path"]
        assert 7 == sum(bed.of("canary").values())

    run(work)


def test_what_waits_for_a_target_that_goes_is_counted_and_not_sent() -> None:
    """What is in flight ends; a target of the same name may come meanwhile."""

    async def work() -> None:
        bed = Bed()
        bed.change(url="http://canary.test", concurrency=1)
        sender = bed.senders["http://canary.test"]
        sender.let.clear()
        bed.take(3)
        await until(lambda: bool(sender.requests))
        bed.store.remove_target("canary")
        bed.follow()
        bed.change(url="http://other.test")
        bed.take(2)
        sender.let.set()
        await bed.end()

        assert 1 == len(sender.requests)
        assert 2 == bed.of("canary")["skipped", "target_removed"]
        assert 2 == len(bed.senders["http://other.test"].requests)
        assert 5 == sum(bed.of("canary").values())
        assert sender.closed

    run(work)


def test_a_target_that_moves_keeps_its_account() -> None:
    """What waits for the old address is counted there, and nothing is lost."""

    async def work() -> None:
        bed = Bed()
        bed.take(2)
        await bed.quiet()
        bed.change("shadow", url="http://moved.test")
        bed.take(3)
        await bed.end()

        assert [2, 3] == [
            len(bed.senders[f"http://{host}.test"].requests)
            for host in ("shadow", "moved")
        ]
        assert 5 == sum(bed.of("shadow").values())

    run(work)


def test_a_target_that_is_disabled_gets_nothing_that_waits_either() -> None:
    """From the moment that it is known; enabled, it goes on."""

    async def work() -> None:
        bed = Bed(concurrency=1)
        sender = bed.senders["http://shadow.test"]
        sender.let.clear()
        bed.take(3)
        await until(lambda: bool(sender.requests))
        bed.change("shadow", enabled=False)
        sender.let.set()
        bed.take(4)
        await bed.quiet()
        bed.change("shadow", enabled=True)
        bed.take(1)
        await bed.end()

        assert 2 == len(sender.requests)
        assert 6 == bed.of("shadow")["skipped", "target_disabled"]
        assert [True, False] == bed.turns

    run(work)


def test_the_switch_stops_all_and_says_so() -> None:
    """Also what has left live before live could hear of it."""

    async def work() -> None:
        bed = Bed()
        bed.store.turn_switch(Switch(on=False))
        bed.follow()
        bed.take(2)
        bed.store.turn_switch(Switch())
        bed.follow()
        bed.take(1)
        await bed.end()

        assert {("skipped", "switched_off"): 2} == {
            key: n for key, n in bed.of("shadow").items() if key[0] == "skipped"
        }
        assert [True, False] == bed.turns

    run(work)


def test_concurrency_and_limit_hold_from_their_change_on() -> None:
    """Fewer at a time, then more; and no more a second than allowed."""

    async def work() -> None:
        bed = Bed(concurrency=8)
        sender = bed.senders["http://shadow.test"]
        lane = bed.pipeline.lanes[0]
        sender.let.clear()
        bed.take(8)
        await until(lambda: lane.scheduler.in_flight == 8)
        bed.change("shadow", concurrency=2)
        bed.take(8)
        sender.let.set()
        await until(lambda: len(sender.requests) >= 9)
        assert lane.scheduler.in_flight <= 2
        await bed.quiet()
        sender.let.clear()
        bed.take(8)
        bed.change("shadow", concurrency=5)
        await until(lambda: lane.scheduler.in_flight == 5)
        sender.let.set()
        await bed.quiet()
        bed.change("shadow", rate_limit=3.0, persistent=True)
        bed.take(50)
        await bed.end()

        assert 45 <= bed.of("shadow")["skipped", "rate_limit"] <= 47
        assert lane.breaker.care.persistent

    run(work)


def test_an_address_that_is_not_allowed_is_refused_by_the_agent_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever wrote it into the store; it is said once."""

    async def work() -> None:
        bed = Bed()
        for _ in range(2):
            bed.change("evil", url="http://evil.example")
            bed.change("shadow", url="http://evil.example")
        bed.take(2)
        await bed.end()

        assert ["http://shadow.test"] == [*bed.senders]
        assert 2 == len(bed.senders["http://shadow.test"].requests)

    with caplog.at_level(logging.WARNING, "shadow_middleware"):
        run(work)
    said = [
        one.getMessage() for one in caplog.records if "left out" in one.getMessage()
    ]
    assert 2 == len(said)
    assert all("is not allowed" in one for one in said)


def test_nothing_is_sent_before_it_is_known_what_is_switched_off() -> None:
    """An agent that has just started waits for the store."""

    async def work() -> None:
        bed = Bed()
        bed.store.turn_switch(Switch(on=False))
        following = Following(bed.governor, lambda: bed.store)
        for lane in bed.pipeline.lanes:
            lane.ready = following.ready
        bed.take(3)
        await bed.quiet()
        await bed.end()
        await following.aclose()

        assert [] == bed.senders["http://shadow.test"].requests
        assert {("skipped", "switched_off"): 3} == bed.of("shadow")

    run(work)


def test_a_store_that_is_away_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The settings hold, and each agent sees for itself; it is said once."""

    tried: list[int] = []

    def away() -> MemoryStore:
        tried.append(1)
        raise OSError("no such host")

    async def work() -> None:
        bed = Bed()
        following = Following(bed.governor, away, every=0.001)
        for lane in bed.pipeline.lanes:
            lane.ready = following.ready
        following.start()
        bed.take(3)
        await bed.quiet()
        await until(lambda: len(tried) >= 3)
        await following.aclose()
        await bed.end()

        assert 3 == len(bed.senders["http://shadow.test"].requests)
        assert not bed.pipeline.lanes[0].breaker.shared

    with caplog.at_level(logging.WARNING, "shadow_middleware"):
        run(work)
    said = [x for x in caplog.records if "cannot be read" in x.getMessage()]
    assert 1 == len(said)
