"""
The road of one target's exchanges: gate, queue, breaker, sender, weighing.

Every exchange that a lane accepts ends in exactly one outcome, whatever happens on the
way: `_finish` or `_end` is reached once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import msgspec

from shadow_middleware.errors import ReplayError, ReplayRefused, ReplayTimeout
from shadow_middleware.exchange import Exchange, Outcome, Replay, Response
from shadow_middleware.judging import Heard, Weighed
from shadow_middleware.processor import Processor
from shadow_middleware.replay.base import Sender
from shadow_middleware.replay.breaker import Breaker, Care, State
from shadow_middleware.replay.control import Asked, Control, refusal
from shadow_middleware.replay.gate import NEVER_ITS, REMOVED, Gate
from shadow_middleware.replay.given import given_twin
from shadow_middleware.replay.scheduler import Scheduler
from shadow_middleware.replay.twin import Twin
from shadow_middleware.replay.versions import Versions, version_in
from shadow_middleware.replay.way import Way
from shadow_middleware.selection import sticky_share
from shadow_middleware.settings import SAFE_METHODS, Settings, Target
from shadow_middleware.transform.marker import refused_by
from shadow_middleware.whereabouts import fares_at, new_name

__all__ = ["End", "Ends", "Lane", "Weigh"]

logger = logging.getLogger("shadow_middleware")

MAX_DROPPED_KEYS: Final = 10_000
STARVED: Final = "starved"
"""Why there is no room in the queue, where the agent is kept from working."""

End = Callable[[Replay], None]
"""Told of each replay that has ended."""
Weigh = Callable[[Heard], Awaitable[Weighed]]
"""Returns what becomes of everything that was answered to one exchange."""


class Ends(NamedTuple):
    """What a lane calls when there is nothing more to send."""

    end: End
    weigh: Weigh


class Lane:
    """The road to one target: its queue, its breaker, its sender, its self-probe."""

    def __init__(
        self,
        target: Target,
        settings: Settings,
        sender: Sender,
        ends: Ends,
        control: Control | None = None,
        processor: Processor | None = None,
    ) -> None:
        self.name = target.name
        self.url = target.url
        self.gate = Gate(target, settings)
        self.ready: Callable[[], Awaitable[None]] | None = None
        """Waits until it is known what holds of the target; None once it is."""
        self._settings = settings
        self.breaker = Breaker(
            settings.breaker_failures,
            settings.breaker_retry_after,
            care=_care(target, settings),
            of=fares_at(target),
            by=new_name(),
            draw=random.random,
        )
        self.scheduler: Scheduler[Exchange] = Scheduler(
            self._replay,
            concurrency=target.concurrency or settings.concurrency,
            max_count=settings.queue_count,
            max_bytes=settings.queue_bytes,
            on_error=self._failed,
        )
        self.sender = sender
        self._end, self._weigh = ends
        self._control = control
        self._way = Way(target, settings)
        self._dropped_keys: OrderedDict[str, None] = OrderedDict()
        self._total = target.total_timeout or settings.total_timeout
        self._probe_rate = settings.self_probe
        self._versions = Versions(settings.version_header, target.version)
        self._build = settings.version_header.encode("latin-1")
        self._processor = processor or Processor()
        self._is_starved = False
        self.probes: Counter[str] = Counter()
        """What became of second requests: told, unlike or failed."""

    def change(self, target: Target, stop: str = "") -> None:
        """Go by another state of the same target at the same address; see `Gate`."""
        self.gate.change(target, stop)
        self.breaker.care = _care(target, self._settings)
        self.scheduler.resize(target.concurrency or self._settings.concurrency)

    def accept(self, exchange: Exchange, size: int) -> None:
        """Take the exchange on its way, or end it here, and say why."""
        if reason := exchange.skip or self._refused(exchange):
            self._finish(exchange, Outcome.SKIPPED, reason)
        elif exchange.given and exchange.given.outcome:
            self._finish(exchange, exchange.given.outcome, exchange.given.reason)
        elif reason := _live_error(exchange):
            self._finish(exchange, Outcome.LIVE_ERROR, reason)
        else:
            exchange = self._marked_after_drop(exchange)
            if not self.scheduler.submit(exchange, exchange.key, size):
                self._remember_drop(exchange.key)
                self._missed(exchange)
                self._finish(exchange, Outcome.DROPPED, self._why_full())

    def _why_full(self) -> str:
        """Return why there is no room; log it where the reason is new."""
        if not self._processor.is_short():
            self._is_starved = False
            return "queue_full"
        if not self._is_starved:
            self._is_starved = True
            logger.warning(
                "the shadow agent gets %.0f%% of the processor time that it wants, and "
                "drops what its queue cannot hold: see agent_nice, or give it a core",
                self._processor.share * 100,
            )
        return STARVED

    def _refused(self, exchange: Exchange) -> str:
        ramp = self.breaker.share(time.monotonic())
        reason = self.gate.refuses(exchange, ramp)
        if reason not in ("", *NEVER_ITS):
            self._missed(exchange)
        return reason

    def _held_back(self, now: float) -> str:
        """Return why what has waited is not sent after all; '' where it is."""
        if self.gate.stop:
            return self.gate.stop
        if not self.breaker.allow(now):
            return "target_gone" if self.breaker.state is State.GONE else "breaker_open"
        return "rate_limit" if self.gate.is_over_limit(now) else ""

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

    def _missed(self, exchange: Exchange) -> None:
        """Take note that what this session has with the target may be out of date."""
        self._way.missed(exchange)

    async def _replay(self, exchange: Exchange) -> None:
        if self.ready is not None:
            await self.ready()
        now = time.monotonic()
        if self._way.is_stale(exchange.key):
            exchange = msgspec.structs.replace(exchange, after_drop=True)
        if reason := self._held_back(now):
            self._missed(exchange)
            self._finish(exchange, Outcome.SKIPPED, reason)
            return
        asked = self._control.ask(exchange) if self._control else None
        try:
            shadow = await self._send(exchange)
        except ReplayRefused as error:
            self._missed(exchange)
            self._finish(exchange, Outcome.SKIPPED, error.reason)
        except ReplayError as error:
            self.breaker.failed(time.monotonic(), error.reason)
            self._missed(exchange)
            await self._keep_order(exchange, asked, now + self._total)
            timeout = isinstance(error, ReplayTimeout)
            outcome = Outcome.TIMEOUT if timeout else Outcome.SHADOW_ERROR
            self._finish(exchange, outcome, error.reason)
        else:
            await self._answered(exchange, shadow, asked, now + self._total)

    async def _send(self, exchange: Exchange) -> Twin:
        if exchange.given is not None:
            return given_twin(exchange)
        return await self._way.send(exchange, self.sender)

    async def _answered(
        self, exchange: Exchange, shadow: Twin, asked: Asked | None, deadline: float
    ) -> None:
        """Gather what else is to be known of the exchange, and have it weighed."""
        if reason := refused_by(shadow.response.headers):
            self._missed(exchange)
            await self._keep_order(exchange, asked, deadline)
            self._finish(exchange, Outcome.SKIPPED, reason)
            return
        self._heard(exchange, shadow)
        version = self._versions.of(shadow.response.headers)
        probe = await self._probed(exchange, shadow, deadline)
        control = await self._controlled(asked, deadline)
        weighed = await self._weigh(
            Heard(exchange, self.name, shadow, version, control, probe)
        )
        if self._control and weighed.control:
            self._control.compared(asked, weighed.control)
        self._end(weighed.replay)

    def _heard(self, exchange: Exchange, shadow: Twin) -> None:
        live = exchange.response
        if shadow.response.status >= 500 and (live is None or live.status < 500):
            self.breaker.failed(time.monotonic(), str(shadow.response.status))
        else:
            self.breaker.succeeded(time.monotonic())

    async def _controlled(self, asked: Asked | None, deadline: float) -> Twin | None:
        """Return the control's answer, if there is one in time."""
        if self._control is None or asked is None:
            return None
        return await self._control.answer(asked, deadline - time.monotonic())

    async def _keep_order(
        self, exchange: Exchange, asked: Asked | None, deadline: float
    ) -> None:
        """Let the control finish before the next exchange of this key goes there."""
        if exchange.key is not None:
            await self._controlled(asked, deadline)

    async def _probed(
        self, exchange: Exchange, shadow: Twin, deadline: float
    ) -> Twin | None:
        """Return what the shadow says when it is asked again, if it is to be asked."""
        if not self._is_probed(exchange) or shadow.response.status >= 500:
            return None
        try:
            async with asyncio.timeout(max(deadline - time.monotonic(), 0.0)):
                again = await self._send(exchange)
        except TimeoutError:
            self.probes["failed"] += 1  # the first answer had taken most of the time
            return None
        except ReplayError as error:
            self.probes["failed"] += 1
            self.breaker.failed(time.monotonic(), error.reason)
            return None
        twin = self._is_twin(exchange, shadow.response, again.response)
        self.probes["told" if twin else "unlike"] += 1
        return again if twin else None

    def _is_twin(self, exchange: Exchange, first: Response, again: Response) -> bool:
        """Whether two answers of the shadow can say what is noise: of one build, sound."""
        if again.status >= 500 or refusal(exchange, first, again):
            return False
        here, there = (version_in(x.headers, self._build) for x in (first, again))
        return here == there

    def _is_probed(self, exchange: Exchange) -> bool:
        # A share of its own, or probes would go where the control's answers do.
        if not self._probe_rate or exchange.request.method not in SAFE_METHODS:
            return False
        return sticky_share(b"self-probe:" + exchange.id.encode()) < self._probe_rate

    def _finish(self, exchange: Exchange, outcome: Outcome, reason: str) -> None:
        version = self._versions.latest
        self._end(Replay(exchange, self.name, outcome, reason, version=version))

    def _failed(self, exchange: Exchange, error: BaseException) -> None:
        """Count an exchange that a mistake of our own ended."""
        logger.error("a replay failed by our own mistake", exc_info=error)
        self._finish(exchange, Outcome.SKIPPED, "internal_error")

    async def drain(self, seconds: float) -> None:
        """Let what is under way end for up to `seconds`; the rest is dropped."""
        for exchange in await self.scheduler.drain(seconds):
            reason = REMOVED if self.gate.stop == REMOVED else "shutdown"
            self._finish(exchange, Outcome.DROPPED, reason)
        await self.sender.aclose()


def _care(target: Target, settings: Settings) -> Care:
    return Care(
        settings.breaker_fail_after, settings.breaker_ramp_up, target.persistent
    )


def _live_error(exchange: Exchange) -> str:
    """Return why live's own answer is no evidence, if so."""
    if exchange.live_error:
        return exchange.live_error
    if exchange.response is None:
        return "no_response"
    return str(exchange.response.status) if exchange.response.status >= 500 else ""
