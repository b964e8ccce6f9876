"""
A control that answers first, where a file holds no answer of live's, or not its body.

Its answer stands in live's place, so two versions are compared with each other. What is
known of live goes before it: where the control answers by another status than live did,
it stands in for nothing. Sessions and steps are those of any target, and the order of a
session holds on the way through here too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from shadow_middleware.errors import ReplayError
from shadow_middleware.exchange import CONTROL, Exchange
from shadow_middleware.offline.making import answered
from shadow_middleware.replay.base import Sender
from shadow_middleware.replay.scheduler import Scheduler
from shadow_middleware.replay.way import Way
from shadow_middleware.settings import Settings, Target

__all__ = ["StandIn"]

_BOUNDLESS: Final = 1 << 60
"""What is taken is bounded by whoever hands it over."""


class _Job(NamedTuple):
    exchange: Exchange
    size: int
    asked: bool


class StandIn:
    """
    Has exchanges answered by the control, and hands them on.

    Args:
        settings: Where the control is, and how many requests may be under way.
        sender: The way there; it is closed at the end.
        accept: Takes each exchange with its answer, or with why there is none.
    """

    def __init__(
        self,
        settings: Settings,
        sender: Sender,
        accept: Callable[[Exchange, int], None],
    ) -> None:
        target = Target(url=settings.control_url, name=CONTROL)
        self._way = Way(target, settings)
        self._sender = sender
        self._accept = accept
        self._scheduler: Scheduler[_Job] = Scheduler(
            self._handle,
            concurrency=settings.concurrency,
            max_count=_BOUNDLESS,
            max_bytes=_BOUNDLESS,
            on_error=self._failed,
        )

    def submit(self, exchange: Exchange, size: int, *, asked: bool) -> None:
        """Take an exchange; `asked` says whether it needs an answer."""
        self._scheduler.submit(_Job(exchange, size, asked), exchange.key, size)

    async def close(self) -> None:
        """Hand on what is left without an answer, and close every connection."""
        for job in await self._scheduler.close():
            self._fail(job, "control_stopped")
        await self._sender.aclose()

    async def _handle(self, job: _Job) -> None:
        exchange = job.exchange
        if not job.asked:
            self._accept(exchange, job.size)
            return
        live = exchange.response
        try:
            twin = await self._way.send(exchange, self._sender)
        except ReplayError as error:
            self._way.missed(exchange)
            if live is None:
                self._fail(job, f"control_{error.reason}")
            else:
                self._accept(exchange, job.size)
            return
        if live is None or live.status == twin.response.status:
            exchange = answered(exchange, twin.response, twin.timing, twin.at)
        self._accept(exchange, job.size)

    def _failed(self, job: _Job, error: BaseException) -> None:
        self._fail(job, "internal_error")

    def _fail(self, job: _Job, reason: str) -> None:
        """Without an answer there is nothing to compare with: no evidence either way."""
        failed = msgspec.structs.replace(job.exchange, live_error=reason)
        self._accept(failed, job.size)
