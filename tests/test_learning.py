"""What an agent knows: read from the store at the start and again, and given back."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from shadow_middleware.compare import Comparer
from shadow_middleware.errors import StoreError
from shadow_middleware.evidence import Batch
from shadow_middleware.exchange import Kind, Part
from shadow_middleware.judge import Policy, Profile
from shadow_middleware.knowledge import (
    DAY,
    Group,
    GroupKey,
    GroupState,
    Known,
    SharedRule,
    Sighting,
)
from shadow_middleware.learning import Learning
from shadow_middleware.rule import Rule
from shadow_middleware.settings import load

NOW = 20_000.5 * DAY
KEY = GroupKey("shadow", "GET /", Part.BODY, "/at", Kind.CHANGED, "string", "string")
GROUP = Group(KEY.fingerprint, KEY, 3, NOW, NOW, GroupState.RESOLVED, NOW)


class Shelf:
    """A store as the agent reads it, and how often it was read."""

    def __init__(self) -> None:
        self.rows = Known(groups=[GROUP])
        self.shared: list[SharedRule] = []
        self.since: list[int] = []
        self.failure: Exception | None = None
        self.closed = 0
        self.opened = 0
        self.followed = 0
        self.read = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def open(self) -> Shelf:
        self.opened += 1
        return self

    def known(self, since_day: int) -> Known:
        self.read.set()
        assert self.gate.wait(20)
        if self.failure:
            raise self.failure
        self.since.append(since_day)
        return self.rows

    def rules(self) -> list[SharedRule]:
        self.followed += 1
        if self.failure:
            raise self.failure
        return self.shared

    def close(self) -> None:
        self.closed += 1


class Follower:
    """Holds the rules that it was given last."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def replace_rules(self, rules: Sequence[Rule]) -> None:
        self.rules = list(rules)


def learning(shelf: Shelf | None, **options: Any) -> Learning:
    follower = options.pop("follower", Follower())
    profile = Profile(Policy(half_life=3.0))
    source = None if shelf is None else shelf.open
    given: dict[str, Any] = {
        "clock": lambda: NOW,
        "rules_every": 0.01,
        "noise_every": 0.01,
    }
    return Learning(profile, follower, source, **(given | options))


async def until(condition: Callable[[], Any]) -> None:
    """Let the loop go on until the condition is true."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 -- of a thread, or of the next turn
            await asyncio.sleep(0.005)


def test_what_the_store_knows_is_there_before_the_first_judgement() -> None:
    """As far back as it still counts; whoever judges waits for it."""
    shelf, told = Shelf(), list[Group]()

    async def run() -> None:
        one = learning(shelf, noise_every=1e9)
        one.on_groups = told.extend
        await one.ready()
        assert [GROUP] == told
        assert one.profile._learned.keys == {GROUP.fingerprint: KEY}
        await one.aclose()

    asyncio.run(run())
    assert [20_000 - 30] == shelf.since
    assert (1, 1) == (shelf.opened, shelf.closed)


def test_it_is_read_again_and_again() -> None:
    """Rules more often than noise."""
    shelf, follower = Shelf(), Follower()

    async def run() -> None:
        one = learning(shelf, follower=follower, noise_every=1e9)
        await one.ready()
        assert [] == follower.rules
        shelf.shared = [SharedRule(Rule(name="a", path="/a"), NOW)]
        await until(lambda: follower.rules)
        await one.aclose()
        again = learning(shelf, rules_every=0.01, noise_every=0.01)
        again.start()
        await until(lambda: len(shelf.since) > 4)
        await again.aclose()

    asyncio.run(run())
    assert [Rule(name="a", path="/a")] == follower.rules


def test_a_rule_that_is_wrong_is_named_once_and_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The others hold; a person reads which one does not."""
    shelf = Shelf()
    rules = [
        Rule(name="a", path="/a"),
        Rule(name="odd", path="$.b"),
        Rule(name="c", path="/c"),
    ]
    shelf.shared = [SharedRule(rule, NOW) for rule in rules]
    settings = load({"shadow_url": "http://s.test"}, environ={})

    class Noting(Comparer):
        def replace_rules(self, rules: Sequence[Rule]) -> None:
            super().replace_rules(rules)
            held[:] = [rule.name for rule in rules]

    held: list[str] = []

    async def run() -> None:
        one = learning(shelf, follower=Noting(settings))
        await one.ready()
        assert ["a", "c"] == held
        shelf.shared = [SharedRule(rule, NOW) for rule in reversed(rules)]
        await until(lambda: held == ["c", "a"])
        await one.aclose()

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    lines = [line.getMessage() for line in caplog.records]
    assert 1 == len(lines)
    assert lines[0].startswith("the rule 'odd' of the store is left out: ")


def test_a_store_that_is_away_is_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The agent goes on with what it knows, and reads again when the store is back."""
    shelf, follower = Shelf(), Follower()
    shelf.shared = [SharedRule(Rule(name="a", path="/a"), NOW)]

    async def run() -> None:
        one = learning(shelf, follower=follower)
        await one.ready()
        shelf.failure = StoreError("the database is away")
        shelf.read.clear()
        await until(lambda: one._away and shelf.read.is_set())
        assert {GROUP.fingerprint: KEY} == one.profile._learned.keys
        assert 1 == len(follower.rules)
        shelf.failure = None
        await until(lambda: not one._away)
        await one.aclose()

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert [
        "what was learned cannot be read from the store (StoreError: the database is "
        "away); going on with what is known"
    ] == [line.getMessage() for line in caplog.records]


def test_nobody_waits_for_long_for_a_store_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Judging goes on without; the end of the agent does not wait for it either."""
    monkeypatch.setattr("shadow_middleware.learning._AT_START", 0.05)
    monkeypatch.setattr("shadow_middleware.aside.LET_GO", 0.05)
    shelf = Shelf()
    shelf.gate.clear()

    async def run() -> None:
        one = learning(shelf)
        await one.ready()
        await one.ready()
        assert {} == one.profile._learned.keys
        await one.aclose()

    try:
        asyncio.run(asyncio.wait_for(run(), 90))
    finally:
        shelf.gate.set()
    assert 0 == shelf.closed


def test_at_the_end_nobody_waits_for_what_is_known() -> None:
    """What was answered is judged without it, rather than dropped."""
    shelf = Shelf()
    shelf.gate.clear()

    async def run() -> None:
        one = learning(shelf)
        waiting = asyncio.ensure_future(one.ready())
        await until(shelf.read.is_set)
        await one.hurry(0.01)
        await asyncio.wait_for(waiting, 90)
        shelf.gate.set()
        await one.aclose()

    asyncio.run(run())
    assert 1 == shelf.closed


def test_what_takes_long_to_read_is_read_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A large store may not keep an agent from its work."""
    monkeypatch.setattr("shadow_middleware.learning._SHARE", 1e-6)
    shelf = Shelf()

    async def run() -> None:
        one = learning(shelf, noise_every=0.0, rules_every=0.0)
        await one.ready()
        await until(lambda: shelf.followed > 20)
        await one.aclose()

    asyncio.run(run())
    assert 1 == len(shelf.since)


def test_what_was_learned_goes_into_the_batch_but_not_while_it_is_read() -> None:
    """Or what is on its way to the store would be missing from what is read."""
    shelf = Shelf()
    sighting = Sighting(KEY, 1, NOW, NOW)

    async def run() -> None:
        one = learning(shelf, noise_every=1e9, rules_every=1e9)
        shelf.gate.clear()
        one.start()
        await until(shelf.read.is_set)
        one.profile._sightings[KEY.fingerprint] = KEY, [1.0, NOW, NOW]
        assert () == one.complete(Batch()).sightings
        shelf.gate.set()
        await one.ready()
        assert [sighting] == [*one.complete(Batch()).sightings]
        assert () == one.complete(Batch()).sightings
        await one.aclose()

    asyncio.run(run())


def test_at_the_end_everything_goes_into_the_batch() -> None:
    """A reading that is under way then is of no use any more."""
    one = learning(None)
    one._reading = True
    one.profile._sightings[KEY.fingerprint] = KEY, [1.0, NOW, NOW]

    assert 1 == len(one.complete(Batch(), last=True).sightings)


def test_what_is_on_its_way_is_written_before_the_store_is_read() -> None:
    """So that nothing that this agent has learned is missing."""
    shelf, asked = Shelf(), list[float]()

    def flush(seconds: float) -> bool:
        assert not shelf.read.is_set()
        asked.append(seconds)
        return True

    async def run() -> None:
        one = learning(shelf, flush=flush, noise_every=1e9)
        await one.ready()
        await one.aclose()

    asyncio.run(run())
    assert 1 == len(asked)


def test_without_a_store_nothing_is_waited_for() -> None:
    """What is learned lasts as long as the agent."""

    async def run() -> None:
        one = learning(None)
        await asyncio.wait_for(one.ready(), 90)
        await one.aclose()

    asyncio.run(run())
