"""
One exchange through transform, replay, compare and record. Read this first.

A `Lane` is the road to one target; a `Pipeline` is all lanes of one configuration.
Every exchange that is accepted ends in exactly one outcome for each target: whatever
happens on the way, `_end` is reached once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from shadow_middleware.compare import Comparer, Comparison
from shadow_middleware.errors import ReplayError, ReplayRefused, ReplayTimeout
from shadow_middleware.exchange import Exchange, Outcome, Replay
from shadow_middleware.observe.recorder import Recorder
from shadow_middleware.replay.base import Answer, Sender
from shadow_middleware.replay.breaker import Breaker
from shadow_middleware.replay.scheduler import Scheduler
from shadow_middleware.selection import Globs
from shadow_middleware.settings import Settings, Target
from shadow_middleware.transform.marker import make as make_marker
from shadow_middleware.transform.outgoing import Outgoing

__all__ = ["Lane", "Pipeline"]

logger = logging.getLogger("shadow_middleware")

MAX_DROPPED_KEYS: Final = 10_000

_OUTCOMES: Final = {
    "equal": Outcome.MATCH,
    "explained": Outcome.MATCH,
    "different": Outcome.DIVERGENCE,
    "incomparable": Outcome.INCOMPARABLE,
}


class Lane:
    """The road to one target: its queue, its breaker, its sender, its comparison."""

    def __init__(
        self,
        target: Target,
        settings: Settings,
        sender: Sender,
        comparer: Comparer,
        end: Callable[[Replay], None],
    ) -> None:
        self.name = target.name
        self.breaker = Breaker(settings.breaker_failures, settings.breaker_retry_after)
        self.scheduler: Scheduler[Exchange] = Scheduler(
            self._replay,
            concurrency=target.concurrency or settings.concurrency,
            max_count=settings.queue_count,
            max_bytes=settings.queue_bytes,
            on_error=self._failed,
        )
        self.sender = sender
        self._comparer = comparer
        self._end = end
        self._outgoing = Outgoing(target, settings)
        self._secret = settings.secret
        self._methods = frozenset(target.methods or settings.methods)
        self._include = Globs(target.include)
        self._exclude = Globs(target.exclude)
        self._dropped_keys: OrderedDict[str, None] = OrderedDict()

    def accept(self, exchange: Exchange, size: int) -> None:
        """Take the exchange on its way, or end it here, and say why."""
        if reason := self._excluded(exchange):
            self._finish(exchange, Outcome.SKIPPED, reason)
        elif reason := _live_error(exchange):
            self._finish(exchange, Outcome.LIVE_ERROR, reason)
        else:
            exchange = self._marked_after_drop(exchange)
            if not self.scheduler.submit(exchange, exchange.key, size):
                self._remember_drop(exchange.key)
                self._finish(exchange, Outcome.DROPPED, "queue_full")

    def _excluded(self, exchange: Exchange) -> str:
        if exchange.skip:
            return exchange.skip
        if exchange.request.method not in self._methods:
            return "method"
        if self._include or self._exclude:
            path = exchange.request.path.decode("latin-1")
            if self._exclude.match(path):
                return "path"
            if self._include and not self._include.match(path):
                return "path"
        return ""

    def _remember_drop(self, key: str | None) -> None:
        if key is not None:
            self._dropped_keys[key] = None
            if len(self._dropped_keys) > MAX_DROPPED_KEYS:
                self._dropped_keys.popitem(last=False)

    def _marked_after_drop(self, exchange: Exchange) -> Exchange:
        if exchange.key is None or exchange.key not in self._dropped_keys:
            return exchange
        del self._dropped_keys[exchange.key]
        return msgspec.structs.replace(exchange, after_drop=True)

    async def _replay(self, exchange: Exchange) -> None:
        if not self.breaker.allow(time.monotonic()):
            self._finish(exchange, Outcome.SKIPPED, "breaker_open")
            return
        try:
            marker = make_marker(exchange.id, secret=self._secret, at=time.time())
            answer = await self.sender.send(self._outgoing(exchange, marker))
        except ReplayRefused as error:
            self._finish(exchange, Outcome.SKIPPED, error.reason)
        except ReplayError as error:
            self.breaker.failed(time.monotonic(), error.reason)
            timeout = isinstance(error, ReplayTimeout)
            outcome = Outcome.TIMEOUT if timeout else Outcome.SHADOW_ERROR
            self._finish(exchange, outcome, error.reason)
        else:
            self._heard(exchange, answer)
            self._judge(exchange, answer, await self._compare(exchange, answer))

    def _heard(self, exchange: Exchange, answer: Answer) -> None:
        live = exchange.response
        if answer.response.status >= 500 and (live is None or live.status < 500):
            self.breaker.failed(time.monotonic(), str(answer.response.status))
        else:
            self.breaker.succeeded(time.monotonic())

    async def _compare(self, exchange: Exchange, answer: Answer) -> Comparison:
        compare = self._comparer.compare
        if self._comparer.is_cheap(exchange, answer.response):
            return compare(exchange, self.name, answer.response)
        return await asyncio.to_thread(compare, exchange, self.name, answer.response)

    def _judge(self, exchange: Exchange, answer: Answer, found: Comparison) -> None:
        self._end(
            Replay(
                exchange=exchange,
                target=self.name,
                outcome=_OUTCOMES[found.result],
                differences=found.differences,
                explained=found.explained,
                response=answer.response,
                timing=answer.timing,
                cut=found.cut,
                hint=found.hint,
            )
        )

    def _finish(self, exchange: Exchange, outcome: Outcome, reason: str) -> None:
        self._end(Replay(exchange, self.name, outcome, reason))

    def _failed(self, exchange: Exchange, error: BaseException) -> None:
        """Count an exchange that a mistake of our own ended."""
        logger.error("a replay failed by our own mistake", exc_info=error)
        self._finish(exchange, Outcome.SKIPPED, "internal_error")

    async def drain(self, seconds: float) -> None:
        """Let what is under way end for up to `seconds`; the rest is dropped."""
        for exchange in await self.scheduler.drain(seconds):
            self._finish(exchange, Outcome.DROPPED, "shutdown")
        await self.sender.aclose()


class Pipeline:
    """All lanes of one configuration, and the account of what went through them."""

    def __init__(
        self,
        lanes: Callable[[Callable[[Replay], None]], Sequence[Lane]],
        recorder: Recorder,
        ended: Callable[[str, str, int], None],
    ) -> None:
        """
        Build the lanes.

        Args:
            lanes: Makes them, given what each calls at the end of a replay.
            recorder: Takes in every end.
            ended: Told of session, target and number before the recorder is.
        """
        self._recorder = recorder
        self._ended = ended
        self.lanes = lanes(self._end)

    def accept(self, exchange: Exchange, size: int) -> None:
        """Send the exchange down every lane."""
        for lane in self.lanes:
            lane.accept(exchange, size)

    def dropped(self, session: str, drops: dict[str, int]) -> None:
        """Count what the live side of a session dropped before the wall."""
        for reason, number in drops.items():
            for lane in self.lanes:
                self._ended(session, lane.name, number)
                self._recorder.count(lane.name, "-", Outcome.DROPPED, reason, number)

    def _end(self, replay: Replay) -> None:
        self._ended(replay.exchange.session, replay.target, 1)
        self._recorder.record(replay)

    def announce_changes(self) -> None:
        """Announce what breakers have done since the last time."""
        for lane in self.lanes:
            for change in lane.breaker.changes():
                self._recorder.breaker_changed(
                    lane.name, change.state, change.previous, change.reason
                )

    async def drain(self, seconds: float) -> None:
        """Let what is under way end for up to `seconds`; the rest is dropped."""
        await asyncio.gather(*(lane.drain(seconds) for lane in self.lanes))


def _live_error(exchange: Exchange) -> str:
    """Return why live's own answer is no evidence, if so."""
    if exchange.live_error:
        return exchange.live_error
    if exchange.response is None:
        return "no_response"
    return str(exchange.response.status) if exchange.response.status >= 500 else ""
