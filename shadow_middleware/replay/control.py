"""
The control: a second copy of the live version, asked the same as the shadows are.

What live and control differ in is noise. Each exchange goes there at most once, when
the first lane replays it, and every lane is judged by that one answer. Nothing ends
here: an exchange whose control fails, is slow or is not asked is judged without it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final, Protocol

from shadow_middleware.compare.hints import hint_for
from shadow_middleware.errors import ReplayError, ReplayRefused, ReplayTimeout
from shadow_middleware.exchange import CONTROL, Exchange, Outcome, Response
from shadow_middleware.replay.base import Sender
from shadow_middleware.replay.breaker import Breaker
from shadow_middleware.replay.twin import Twin
from shadow_middleware.replay.versions import version_in
from shadow_middleware.replay.way import Way
from shadow_middleware.selection import sticky_share
from shadow_middleware.settings import Settings, Target
from shadow_middleware.transform.marker import refused_by

__all__ = ["Asked", "Control", "Tell", "refusal"]

logger = logging.getLogger("shadow_middleware")

_TURNED_AWAY: Final = frozenset({401, 403, 407, 429})


class Tell(Protocol):
    """Told how each exchange that went to the control ended there."""

    def __call__(self, exchange: Exchange, outcome: Outcome, reason: str = "") -> None:
        """Count it."""
        ...


class Asked:
    """One exchange at the control, for as long as some lane may want its answer."""

    __slots__ = ("exchange", "lanes", "task", "told")

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        """How many have not ended it yet."""
        self.exchange: Exchange | None = None
        self.task: asyncio.Task[Twin | None] | None = None
        self.told = False
        """Whether it is counted already, or was never sent."""


class Control:
    """
    Sends a share of the exchanges to the second copy of live, each of them once.

    Bounded as a target is: in what is in flight, and in the bytes of the answers that
    wait for the slowest lane. What finds no room is judged without a control.
    """

    def __init__(self, settings: Settings, sender: Sender, tell: Tell) -> None:
        """
        Send nothing yet.

        Args:
            settings: Where the control is, its share, the bounds.
            sender: The way there.
            tell: Called once for each exchange that was sent.
        """
        target = Target(url=settings.control_url, name=CONTROL)
        self.name = CONTROL
        self.breaker = Breaker(settings.breaker_failures, settings.breaker_retry_after)
        self._way = Way(target, settings)
        self._sender = sender
        self._tell = tell
        self._rate = settings.control_rate
        self._methods = frozenset(settings.control_methods)
        self._version_header = settings.version_header.encode("latin-1")
        self._most = settings.concurrency
        self._most_bytes = settings.queue_bytes
        self._held = 0
        self._expected: dict[str, Asked] = {}
        self._tasks: set[asyncio.Task[Twin | None]] = set()
        self._leaving: set[asyncio.Task[Twin | None]] = set()

    def expect(self, exchange: Exchange, lanes: int) -> None:
        """Take note that so many lanes will each end the exchange once."""
        if exchange.request.method not in self._methods:
            return
        # A session goes there whole or not at all, or the control would not know it.
        session = exchange.key if self._way.keeps_sessions else None
        whose = session or exchange.id
        if sticky_share(b"control:" + whose.encode()) < self._rate:
            self._expected[exchange.id] = Asked(lanes)

    def ask(self, exchange: Exchange) -> Asked | None:
        """Send the exchange, if it is to go there and no lane has sent it before."""
        asked = self._expected.get(exchange.id)
        if asked is None or asked.exchange is not None:
            return asked
        asked.exchange = exchange
        asked.told = True
        if len(self._tasks) >= self._most or self._held > self._most_bytes:
            self._tell(exchange, Outcome.SKIPPED, "busy")
        elif not self.breaker.allow(time.monotonic()):
            self._tell(exchange, Outcome.SKIPPED, "breaker_open")
        else:
            asked.told = False
            asked.task = asyncio.get_running_loop().create_task(self._send(asked))
            self._tasks.add(asked.task)
            asked.task.add_done_callback(self._tasks.discard)
        return asked

    async def answer(self, asked: Asked | None, seconds: float) -> Twin | None:
        """Return what the control said, or None after so many seconds, or for good."""
        if asked is None or asked.task is None:
            return None
        done, _ = await asyncio.wait({asked.task}, timeout=max(seconds, 0.0))
        if done:
            return asked.task.result() if not asked.task.cancelled() else None
        self._failed(asked, Outcome.TIMEOUT, "total")
        return None

    def compared(self, asked: Asked | None, outcome: Outcome) -> None:
        """Take note of how the control's answer compares to live's; the first counts."""
        if asked is not None:
            self._ended(asked, outcome)

    def release(self, exchange: Exchange) -> None:
        """Take note that a lane has ended the exchange; after the last it is forgotten."""
        asked = self._expected.get(exchange.id)
        if asked is None:
            return
        asked.lanes -= 1
        if asked.lanes > 0:
            return
        del self._expected[exchange.id]
        if asked.task is None:
            return
        if not asked.task.done():
            self._let_go(asked.task)
        elif not asked.task.cancelled() and (twin := asked.task.result()) is not None:
            self._held -= len(twin.response.body.data)
        self._ended(asked, Outcome.SKIPPED, "not_compared")

    async def aclose(self) -> None:
        """Let go of what is under way, and close every connection."""
        for asked in self._expected.values():
            if asked.task is not None:
                self._ended(asked, Outcome.DROPPED, "shutdown")
                self._let_go(asked.task)
        self._expected.clear()
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=1.0)
        await self._sender.aclose()

    def _let_go(self, task: asyncio.Task[Twin | None]) -> None:
        """End a request that nobody waits for; it is no longer one of those under way."""
        self._tasks.discard(task)
        if task.cancel():
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    def _ended(self, asked: Asked, outcome: Outcome, reason: str = "") -> None:
        if not asked.told and asked.exchange is not None:
            asked.told = True
            self._tell(asked.exchange, outcome, reason)

    def _failed(self, asked: Asked, outcome: Outcome, reason: str) -> None:
        """Count a failure, once: a lane may have stopped waiting before it was one."""
        if not asked.told:
            self.breaker.failed(time.monotonic(), reason)
        self._ended(asked, outcome, reason)

    async def _send(self, asked: Asked) -> Twin | None:
        try:
            return await self._answer(asked)
        except ReplayRefused as error:
            self._ended(asked, Outcome.SKIPPED, error.reason)
        except ReplayError as error:
            timeout = isinstance(error, ReplayTimeout)
            outcome = Outcome.TIMEOUT if timeout else Outcome.SHADOW_ERROR
            self._failed(asked, outcome, error.reason)
        except Exception as error:  # the fence: nobody is to fail with the control
            logger.error("the control failed by our own mistake", exc_info=error)
            self._ended(asked, Outcome.SKIPPED, "internal_error")
        return None

    async def _answer(self, asked: Asked) -> Twin | None:
        exchange = asked.exchange
        assert exchange is not None
        twin = await self._way.send(exchange, self._sender)
        live, response = exchange.response, twin.response
        if reason := refused_by(response.headers):
            raise ReplayRefused("the control has refused to write", reason=reason)
        if response.status >= 500:
            # No evidence, as a 5xx of live is none: what a control that is broken
            # differs in would excuse a shadow that is broken as well.
            self._failed(asked, Outcome.SHADOW_ERROR, str(response.status))
            return None
        self.breaker.succeeded(time.monotonic())
        if live is None or (why := self._unlike(exchange, live, response)):
            self._ended(asked, Outcome.INCOMPARABLE, why)
            return None
        self._held += len(response.body.data)
        return twin

    def _unlike(self, exchange: Exchange, live: Response, response: Response) -> str:
        """Return why the control is no copy of live for this exchange, if so."""
        here = version_in(live.headers, self._version_header)
        there = version_in(response.headers, self._version_header)
        if here and there and here != there:
            return "version"
        return refusal(exchange, live, response)


def refusal(exchange: Exchange, live: Response, twin: Response) -> str:
    """
    Return `refused` where a second answer says only that it was not let in.

    It would make noise of what a shadow says that does not let us in either.
    """
    turned_away = twin.status in _TURNED_AWAY and live.status != twin.status
    return "refused" if turned_away or hint_for(exchange, live, twin) else ""
