"""
One exchange through transform, replay, judging and record. Read this first.

A `Lane` is the road to one target; a `Pipeline` is all lanes of one configuration.
Every exchange that is accepted ends in exactly one outcome for each target: whatever
happens on the way, `_end` is reached once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final, NamedTuple

import msgspec

from shadow_middleware.errors import ReplayError, ReplayRefused, ReplayTimeout
from shadow_middleware.exchange import CONTROL, Exchange, Outcome, Replay, Response
from shadow_middleware.judging import Heard, Weighed
from shadow_middleware.observe.recorder import Recorder
from shadow_middleware.replay.base import Sender
from shadow_middleware.replay.breaker import Breaker
from shadow_middleware.replay.control import Asked, Control, Tell, refusal
from shadow_middleware.replay.given import given_twin
from shadow_middleware.replay.scheduler import Scheduler
from shadow_middleware.replay.twin import Twin
from shadow_middleware.replay.versions import Versions, version_in
from shadow_middleware.replay.way import way_to
from shadow_middleware.selection import Globs, sticky_share
from shadow_middleware.settings import SAFE_METHODS, Settings, Target
from shadow_middleware.transform.marker import make as make_marker
from shadow_middleware.transform.marker import refused_by
from shadow_middleware.transform.outgoing import Outgoing

__all__ = ["Ends", "Lane", "Lanes", "Pipeline", "Roads"]

logger = logging.getLogger("shadow_middleware")

MAX_DROPPED_KEYS: Final = 10_000

End = Callable[[Replay], None]
"""Told of each replay that has ended."""
Weigh = Callable[[Heard], Awaitable[Weighed]]
"""Returns what becomes of everything that was answered to one exchange."""


class Ends(NamedTuple):
    """What a lane calls when there is nothing more to send."""

    end: End
    weigh: Weigh


class Roads(NamedTuple):
    """Where the exchanges of one configuration go."""

    lanes: Sequence[Lane]
    control: Control | None = None


Lanes = Callable[[Ends, Tell], Roads]
"""Makes the roads, given what lanes call at an end, and what the control calls."""


class Lane:
    """The road to one target: its queue, its breaker, its sender, its self-probe."""

    def __init__(
        self,
        target: Target,
        settings: Settings,
        sender: Sender,
        ends: Ends,
        control: Control | None = None,
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
        self._end, self._weigh = ends
        self._control = control
        self._outgoing = Outgoing(target, settings)
        self._way = way_to(target, settings)
        self._secret = settings.secret
        self._methods = frozenset(target.methods or settings.methods)
        self._include = Globs(target.include)
        self._exclude = Globs(target.exclude)
        self._dropped_keys: OrderedDict[str, None] = OrderedDict()
        self._total = target.total_timeout or settings.total_timeout
        self._probe_rate = settings.self_probe
        self._versions = Versions(settings.version_header, target.version)
        self._build = settings.version_header.encode("latin-1")
        self.probes: Counter[str] = Counter()
        """What became of second requests: told, unlike or failed."""

    def accept(self, exchange: Exchange, size: int) -> None:
        """Take the exchange on its way, or end it here, and say why."""
        if reason := self._excluded(exchange):
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

    def _missed(self, exchange: Exchange) -> None:
        """Take note that what this session has with the target may be out of date."""
        if self._way is not None:
            self._way.missed(exchange)

    async def _replay(self, exchange: Exchange) -> None:
        now = time.monotonic()
        if self._way is not None and self._way.is_stale(exchange.key):
            exchange = msgspec.structs.replace(exchange, after_drop=True)
        if not self.breaker.allow(now):
            self._missed(exchange)
            self._finish(exchange, Outcome.SKIPPED, "breaker_open")
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
        at = time.time()
        marker = make_marker(exchange.id, secret=self._secret, at=at)
        request = self._outgoing(exchange, marker)
        host = self._outgoing.host_for(exchange.request)
        if self._way is not None:
            return await self._way.send(exchange, request, self.sender, at, host)
        answer = await self.sender.send(request)
        return Twin(answer.response, answer.timing, at, host)

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
            self._finish(exchange, Outcome.DROPPED, "shutdown")
        await self.sender.aclose()


class Pipeline:
    """All lanes of one configuration, and the account of what went through them."""

    def __init__(
        self,
        lanes: Lanes,
        recorder: Recorder,
        weigh: Weigh,
        ended: Callable[[str, str, int], None],
    ) -> None:
        """
        Build the lanes.

        Args:
            lanes: Makes them, and the control.
            recorder: Takes in every end.
            weigh: Compares and judges what was answered.
            ended: Told of session, target and number before the recorder is.
        """
        self._recorder = recorder
        self._ended = ended
        self.on_end: End = _nobody
        """Told of each replay that has ended, right before it is counted."""
        self.lanes, self.control = lanes(Ends(self._end, weigh), self._tell)

    def accept(
        self, exchange: Exchange, size: int, only: Collection[str] | None = None
    ) -> int:
        """
        Send the exchange down every lane; return in how many it ends.

        Args:
            exchange: It ends once in each, sooner or later.
            size: Bytes that it holds.
            only: Names of the lanes that are meant; None is all of them.
        """
        lanes = [one for one in self.lanes if only is None or one.name in only]
        if self.control is not None and lanes:
            self.control.expect(exchange, len(lanes))
        for lane in lanes:
            lane.accept(exchange, size)
        return len(lanes)

    def dropped(self, session: str, drops: dict[str, int]) -> None:
        """Count what the live side of a session dropped before the wall."""
        for reason, number in drops.items():
            for lane in self.lanes:
                self._ended(session, lane.name, number)
                self._recorder.count(lane.name, "-", Outcome.DROPPED, reason, number)

    def _end(self, replay: Replay) -> None:
        self._ended(replay.exchange.session, replay.target, 1)
        self.on_end(replay)
        self._recorder.record(replay)
        if self.control is not None:
            self.control.release(replay.exchange)

    def _tell(self, exchange: Exchange, outcome: Outcome, reason: str = "") -> None:
        """Count what became of an exchange at the control, which has no account."""
        self._recorder.count(
            CONTROL, exchange.endpoint, outcome, reason, at=exchange.at
        )

    def announce_changes(self) -> None:
        """Announce what breakers have done since the last time."""
        roads: list[Lane | Control] = [*self.lanes]
        if self.control is not None:
            roads.append(self.control)
        for road in roads:
            for change in road.breaker.changes():
                self._recorder.breaker_changed(
                    road.name, change.state, change.previous, change.reason
                )

    async def drain(self, seconds: float) -> None:
        """Let what is under way end for up to `seconds`; the rest is dropped."""
        await asyncio.gather(*(lane.drain(seconds) for lane in self.lanes))
        if self.control is not None:
            await self.control.aclose()


def _nobody(replay: Replay) -> None:
    """Tell nobody."""


def _live_error(exchange: Exchange) -> str:
    """Return why live's own answer is no evidence, if so."""
    if exchange.live_error:
        return exchange.live_error
    if exchange.response is None:
        return "no_response"
    return str(exchange.response.status) if exchange.response.status >= 500 else ""
