"""
Recheck: the stored samples of groups sent to the shadow again, after a mend.

    stored request ─▶ shadow ─▶ the same redaction ─▶ beside live's stored answer

Live is never asked. The way out is that of every replay: credentials, marker,
timeouts, no redirects, a breaker for each target.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from shadow_middleware.errors import ReplayError, ReplayRefused
from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.knowledge import Group
from shadow_middleware.recheck.again import Again, Rejudge, exchange_of
from shadow_middleware.recheck.result import GroupResult, result_of
from shadow_middleware.replay.base import Answer, Sender
from shadow_middleware.replay.breaker import Breaker
from shadow_middleware.replay.way import Way
from shadow_middleware.settings import SAFE_METHODS, Settings, Target
from shadow_middleware.transform.planted import without

__all__ = ["MOST_AT_ONCE", "Recheck"]

MOST_AT_ONCE = 8
"""Requests under way for one target: a shadow that was just mended is not stormed."""


def _nobody() -> None:
    """Tell nobody."""


class Recheck:
    """
    Sends samples again and says what became of their groups.

    Args:
        settings: Targets and credentials, as the middleware has them.
        rejudge: Compares and judges each answer.
        sender: Makes what sends to a target; it is closed at the end.
        methods: Which may be sent; writes only where they are named.
        told: Called for each sample that is done with, sent or not.
    """

    def __init__(
        self,
        settings: Settings,
        rejudge: Rejudge,
        sender: Callable[[Target], Sender],
        *,
        methods: Collection[str] = SAFE_METHODS,
        told: Callable[[], None] = _nobody,
    ) -> None:
        self._settings = settings
        self._rejudge = rejudge
        self._sender = sender
        self._methods = frozenset(methods)
        self._told = told

    async def run(
        self, groups: Sequence[tuple[Group, Sequence[StoredDivergence]]]
    ) -> list[GroupResult]:
        """Return what became of each group. A sample of several is sent once."""
        stored = {one.id: one for _, samples in groups for one in samples}
        again = await self._ask(stored.values())
        return [
            GroupResult(
                group, tuple(result_of(group, one.id, again[one.id]) for one in samples)
            )
            for group, samples in groups
        ]

    async def _ask(self, stored: Iterable[StoredDivergence]) -> Mapping[int, Again]:
        by_target: dict[str, list[StoredDivergence]] = {}
        for one in stored:
            by_target.setdefault(one.record.target, []).append(one)
        targets = {target.name: target for target in self._settings.all_targets}
        asked = await asyncio.gather(
            *(
                self._ask_one(targets.get(name), some)
                for name, some in by_target.items()
            )
        )
        return {number: again for answers in asked for number, again in answers.items()}

    async def _ask_one(
        self, target: Target | None, stored: Sequence[StoredDivergence]
    ) -> dict[int, Again]:
        if target is None:
            name = stored[0].record.target
            away = Again(reason=f"the settings name no target {name!r}")
            return {one.id: away for one in stored}
        sender = self._sender(target)
        lane = _Lane(target, self._settings, sender, self._rejudge)
        try:
            answers = await asyncio.gather(*(self._done(lane, one) for one in stored))
        finally:
            await sender.aclose()
        return {one.id: again for one, again in zip(stored, answers, strict=True)}

    async def _done(self, lane: _Lane, stored: StoredDivergence) -> Again:
        again = await self._sent(lane, stored)
        self._told()
        return again

    async def _sent(self, lane: _Lane, stored: StoredDivergence) -> Again:
        record = stored.record
        if record.method not in self._methods:
            return Again(reason=f"{record.method} is not among the methods to send")
        if not record.replayable:
            return Again(reason="the stored request is not complete")
        if not record.comparable:
            return Again(reason="live's stored answer is not complete")
        return await lane.send(stored)


class _Lane:
    """The way to one target."""

    def __init__(
        self, target: Target, settings: Settings, sender: Sender, rejudge: Rejudge
    ) -> None:
        self._target = target
        self._sender = sender
        self._rejudge = rejudge
        # A sample stands alone: what its session had said before is not known.
        alone = msgspec.structs.replace(settings, sessions="off")
        self._way = Way(target, alone)
        self._breaker = Breaker(settings.breaker_failures, settings.breaker_retry_after)
        most = target.concurrency or settings.concurrency
        self._free = asyncio.Semaphore(min(most, MOST_AT_ONCE))

    async def send(self, stored: StoredDivergence) -> Again:
        """Return what the target answers now, judged."""
        async with self._free:
            if not self._breaker.allow(time.monotonic()):
                return Again(reason="the shadow is away", passing=True)
            try:
                twin = await self._way.send(exchange_of(stored.record), self._sender)
            except ReplayRefused as error:
                return Again(reason=f"not sent: {error}")
            except ReplayError as error:
                self._breaker.failed(time.monotonic(), error.reason)
                return Again(reason=f"the shadow is away: {error.reason}", passing=True)
            self._breaker.succeeded(time.monotonic())
            response = twin.response
            if twin.planted:
                # A secret that a step has put in may come back; live's answer had none.
                response = without(response, twin.planted)
            answer = Answer(response, twin.timing)
            return await asyncio.to_thread(
                self._rejudge, stored.record, self._target, answer, twin.at
            )
