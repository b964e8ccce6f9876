"""
One offline replay at work: reads, keeps time, waits where the lanes are full.

Everything happens on one loop. An exchange that was begun ends once, whatever happens:
the pipeline sees to that, and tells here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from shadow_middleware.evidence import Mark
from shadow_middleware.exchange import Exchange, Replay
from shadow_middleware.offline.claiming import Claims
from shadow_middleware.offline.ledger import Ledger
from shadow_middleware.offline.making import (
    FATE_UNKNOWN,
    NO_ANSWER,
    exchange_of,
    lacks_body,
    needs_answer,
)
from shadow_middleware.offline.pace import Pace
from shadow_middleware.offline.picking import Picked, Picks
from shadow_middleware.offline.reading import weight_of
from shadow_middleware.offline.stand_in import StandIn
from shadow_middleware.service import FLUSH_INTERVAL, Bench
from shadow_middleware.settings import SAFE_METHODS
from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = ["Offline", "Plan", "Progress"]

_MOST_SESSIONS: Final = 1_000
"""Writers of captures that are told apart in the account."""
_WITHOUT_REST: Final = 128
"""Records that are read before others get their turn on the loop."""

Records = Iterator[Recorded | BadRecord]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is to go."""

    picks: Picks = Picks()
    speed: float = 1.0
    """Times as fast as it was recorded; 0 is as fast as it goes."""
    rate: float = 0.0
    """Exchanges a second; 0 keeps the recorded spacing."""
    rounds: int = 1
    """How often the files are replayed."""


class Progress(msgspec.Struct, frozen=True):
    """How far a run has come in this process."""

    read: int
    passed: int
    """Exchanges that an earlier process had settled."""
    begun: int
    ended: int
    outcomes: dict[str, int]
    seconds: float
    late: dict[str, float]
    """Seconds that exchanges were late by, by quantile; empty where no time is kept."""


class Offline:
    """
    Replays records through a bench.

    Args:
        bench: Made for this run alone.
        plan: How it is to go.
        records: Opens the files; called once for each round.
        stand_in: Answers first where no answer was recorded, or none of its body; None
            has the former skipped.
        claim: Notes that no write is sent from a place on; called on a thread.
        before: How far an earlier process has come with this run.
        told: Told of each replay that has ended.
    """

    def __init__(
        self,
        bench: Bench,
        plan: Plan,
        records: Callable[[], Records],
        *,
        stand_in: StandIn | None = None,
        claim: Callable[[int], None] | None = None,
        before: Mark | None = None,
        told: Callable[[Replay], None] | None = None,
    ) -> None:
        self._bench = bench
        self._plan = plan
        self._records = records
        self._stand_in = stand_in
        self._told = told
        self._ledger = Ledger(before)
        self._claims = Claims(self._ledger, claim)
        self._pace = Pace(plan.speed, plan.rate)
        settings = bench.settings
        self._methods = frozenset(settings.methods)
        self._window = min(max(64, 8 * settings.concurrency), settings.queue_count)
        self._most_bytes = settings.queue_bytes
        self._under_way: dict[str, tuple[int, int]] = {}
        self._bytes = 0
        self._read = self._passed = self._begun = 0
        self._outcomes: Counter[str] = Counter()
        self._sessions: Counter[str] = Counter()
        self._freed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._given_up = False
        self._started = time.monotonic()

    @property
    def is_stopped(self) -> bool:
        """Whether it was asked to end before its end."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """End soon: read no more, finish what is under way. A second time: at once."""
        self._given_up = self._stopping.is_set()
        self._stopping.set()
        self._freed.set()

    def progress(self) -> Progress:
        """Return how far it has come."""
        late = {f"p{q * 100:g}": self._pace.late(q) for q in (0.5, 0.99)}
        kept = {name: value for name, value in late.items() if value is not None}
        if kept:
            kept["max"] = self._pace.latest
        return Progress(
            self._read,
            self._passed,
            self._begun,
            self._outcomes.total(),
            dict(self._outcomes),
            time.monotonic() - self._started,
            kept,
        )

    async def run(self) -> Progress:
        """Replay everything, write what came of it, and say how that went."""
        bench = self._bench
        bench.mark, bench.pipeline.on_end = self._ledger.mark, self._ended
        bench.learning.start()
        flushing = asyncio.get_running_loop().create_task(self._flush())
        try:
            await self._rounds()
            await self._until(lambda: not self._under_way)
        finally:
            flushing.cancel()
            if self._stand_in is not None:
                await self._stand_in.close()
            patience = 0.0 if self._given_up else bench.settings.drain_timeout
            await bench.close(patience)
            await self._claims.finish()
        return self.progress()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_INTERVAL)
            self._bench.flush()

    async def _rounds(self) -> None:
        place = 0
        for number in range(self._plan.rounds):
            self._pace.again()
            picked = Picked(self._plan.picks)
            before = self._read
            for recorded in picked.among(self._records()):
                if (
                    picked.read // _WITHOUT_REST
                    != (self._read - before) // _WITHOUT_REST
                ):
                    await asyncio.sleep(0)
                self._read = before + picked.read
                await self._take(recorded, number, place)
                if self.is_stopped:
                    return
                place += 1
            self._read = before + picked.read

    async def _take(self, recorded: Recorded, number: int, place: int) -> None:
        if self._ledger.is_settled(place):
            self._select(recorded.exchange)
            self._ledger.passed(place)
            self._passed += 1
            return
        due = self._pace.due(recorded.exchange.at, time.monotonic())
        await self._wait_for(due)
        weight = weight_of(recorded)
        await self._until(lambda: self._has_room(weight), full=True)
        writes = recorded.exchange.request.method not in SAFE_METHODS
        if writes:
            await self._claims.cover(place)
        if self.is_stopped:
            return
        exchange = exchange_of(recorded, number, time.time())
        if writes and self._ledger.is_uncertain(place):
            exchange = msgspec.structs.replace(exchange, skip=FATE_UNKNOWN)
        self._begin(exchange, place, weight, recorded)
        self._pace.sent(due, time.monotonic())

    def _begin(
        self, exchange: Exchange, place: int, weight: int, recorded: Recorded
    ) -> None:
        if exchange.id in self._under_way:
            # Two files, or one that was given twice, may hold the same exchange.
            exchange = msgspec.structs.replace(exchange, id=f"{exchange.id}.at{place}")
        exchange = self._select(exchange)
        self._under_way[exchange.id] = (place, weight)
        self._bytes += weight
        self._begun += 1
        self._ledger.begin(place)
        wanted = exchange.skip is None and exchange.request.method in self._methods
        unanswered = needs_answer(recorded)
        if self._stand_in is not None:
            asked = wanted and (unanswered or lacks_body(recorded))
            self._stand_in.submit(exchange, weight, asked=asked)
            return
        if unanswered and wanted:
            exchange = msgspec.structs.replace(exchange, skip=NO_ANSWER)
        self._bench.accept(exchange, weight)

    def _select(self, exchange: Exchange) -> Exchange:
        """Take it into the account of whoever captured it."""
        session = exchange.session
        if session not in self._sessions and len(self._sessions) >= _MOST_SESSIONS:
            exchange = msgspec.structs.replace(
                exchange, id=exchange.id.replace("-", ".")
            )
            session = ""
        self._sessions[session] += 1
        self._bench.sessions.selected(session, self._sessions[session])
        return exchange

    def _ended(self, replay: Replay) -> None:
        place, weight = self._under_way.pop(replay.exchange.id)
        self._bytes -= weight
        self._ledger.settle(place)
        self._outcomes[replay.outcome.value] += 1
        if self._told is not None:
            self._told(replay)
        self._freed.set()

    def _has_room(self, weight: int) -> bool:
        if not self._under_way:
            return True
        fits = self._bytes + weight <= self._most_bytes
        return fits and len(self._under_way) < self._window

    async def _until(self, holds: Callable[[], bool], *, full: bool = False) -> None:
        """Wait until something holds that can only begin with the end of a replay."""
        while not (holds() or self._given_up or (full and self.is_stopped)):
            self._freed.clear()
            await self._freed.wait()

    async def _wait_for(self, due: float) -> None:
        seconds = due - time.monotonic()
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopping.wait()
