"""
What an agent knows of noise, groups and rules: read from the store, given back to it.

Everything is learned from what all agents have written, so it survives restarts and
adds up over hosts. Reading is done on threads of its own and never holds a replay up,
but for a moment at the start. While the store is away, the agent goes on with what it
knows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol, runtime_checkable

import msgspec

from shadow_middleware.aside import Opened
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.evidence import Batch
from shadow_middleware.judge import Profile, days_back
from shadow_middleware.judge.learned import Learned
from shadow_middleware.knowledge import DAY, Group, Known, SharedRule
from shadow_middleware.rule import Rule

__all__ = ["Follows", "Learning", "Source"]

logger = logging.getLogger("shadow_middleware")

RULES_EVERY: Final = 5.0
NOISE_EVERY: Final = 30.0
_AT_START: Final = 5.0
"""Seconds that the first judgement waits for what is known."""
_SHARE: Final = 0.05
"""Of the time, how much reading may take: what a large store knows is read less often."""
_FLUSH: Final = 5.0
"""Seconds that a reading waits for what is on its way to the store."""


@runtime_checkable
class Source(Protocol):
    """What is read of a store. Safe on any thread."""

    def known(self, since_day: int) -> Known:
        """Return all that an agent judges by."""
        ...

    def rules(self) -> list[SharedRule]:
        """Return the rules that were added at run time."""
        ...

    def close(self) -> None:
        """Release every connection."""
        ...


class Follows(Protocol):
    """Compares by the rules that hold now."""

    def replace_rules(self, rules: Sequence[Rule]) -> None:
        """
        Let these hold besides those of the settings.

        Raises:
            ConfigurationError: one of them is wrong; nothing has changed.
        """
        ...


class Learning:
    """
    Keeps a profile and the rules up to date. For one loop, on which it is run.

    Without a source nothing is read, and what is learned lasts as long as the process.
    """

    def __init__(
        self,
        profile: Profile,
        follower: Follows,
        source: Callable[[], Source] | None = None,
        flush: Callable[[float], bool] | None = None,
        *,
        clock: Callable[[], float] = time.time,
        rules_every: float = RULES_EVERY,
        noise_every: float = NOISE_EVERY,
    ) -> None:
        """
        Read nothing yet.

        Args:
            profile: Where counts of noise are kept.
            follower: Gets the rules that were added at run time.
            source: Opens what is read; called on a thread, and again after a failure.
            flush: Has what was added written, within so many seconds.
            clock: Unix seconds.
            rules_every: Seconds between two readings of the rules.
            noise_every: Seconds between two readings of everything else.
        """
        self.profile = profile
        self._follower = follower
        self._source = Opened(source, "shadow-middleware-learning") if source else None
        self._flush = flush
        self._clock = clock
        self._every = rules_every
        self._noise_every = noise_every
        self._rules: list[SharedRule] = []
        self._broken: set[tuple[Rule, str]] = set()
        self._away = False
        self._reading = False
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.on_groups: Callable[[Iterable[Group]], None] = _no_groups
        """Told of the groups that the store knows."""

    def start(self) -> None:
        """Begin to read, on the running loop."""
        if self._source is None:
            self._ready.set()
        elif self._task is None:
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._run(self._source))

    async def ready(self) -> None:
        """Wait until the store was read once, or for as long as one may wait for that."""
        if self._ready.is_set():
            return
        self.start()
        await self.hurry(_AT_START)

    async def hurry(self, seconds: float) -> None:
        """Let nobody wait longer than so many seconds for what is known."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        self._ready.set()

    def complete(self, batch: Batch, *, last: bool = False) -> Batch:
        """Return the batch with what was learned since the last one."""
        if self._reading and not last:
            return batch  # or what is on its way to the store would be forgotten
        taken = self.profile.take()
        return msgspec.structs.replace(
            batch,
            noise=taken.noise,
            noise_bases=taken.noise_bases,
            sightings=taken.sightings,
            signatures=taken.signatures,
        )

    async def aclose(self) -> None:
        """Read no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        if self._source is not None:
            await self._source.aclose()

    async def _run(self, source: Opened[Source]) -> None:
        noise_at = float("-inf")
        while True:
            now = time.monotonic()
            if now >= noise_at:
                await self._attempt(self._learn(source))
                took = time.monotonic() - now
                noise_at = now + max(self._noise_every, took / _SHARE)
            await self._attempt(self._follow(source))
            self._ready.set()
            await asyncio.sleep(self._every)

    async def _attempt(self, reading: Awaitable[None]) -> None:
        try:
            await reading
        except Exception as error:  # noqa: BLE001 -- a store may fail in any way
            if not self._away:
                logger.warning(
                    "what was learned cannot be read from the store (%s: %s); going on "
                    "with what is known",
                    type(error).__name__,
                    error,
                )
            self._away = True
        else:
            self._away = False

    async def _learn(self, source: Opened[Source]) -> None:
        self._reading = True
        try:
            learned, groups, today = await source.use(self._fetch_noise)
            self.profile.adopt(learned, today)
        finally:
            self._reading = False
        self.on_groups(groups)

    def _fetch_noise(self, source: Source) -> tuple[Learned, Sequence[Group], int]:
        """Read what is known; on a thread."""
        if self._flush is not None:
            self._flush(_FLUSH)
        today = int(self._clock() // DAY)
        since = today - days_back(self.profile.policy.half_life)
        known = source.known(since)
        return self.profile.digest(known, today), known.groups, today

    async def _follow(self, source: Opened[Source]) -> None:
        rules = await source.use(lambda known: known.rules())
        if rules != self._rules:
            self._adopt(rules)
            self._rules = rules

    def _adopt(self, rules: Sequence[SharedRule]) -> None:
        """Let the rules hold; one that is wrong is named and left out."""
        try:
            self._follower.replace_rules([shared.rule for shared in rules])
        except ConfigurationError:
            good: list[Rule] = []
            for shared in rules:
                try:
                    self._follower.replace_rules([*good, shared.rule])
                    good.append(shared.rule)
                except ConfigurationError as error:
                    self._note_broken(shared.rule, str(error))

    def _note_broken(self, rule: Rule, problem: str) -> None:
        if (rule, problem) not in self._broken:
            self._broken.add((rule, problem))
            logger.warning(
                "the rule %r of the store is left out: %s", rule.name, problem
            )


def _no_groups(groups: Iterable[Group]) -> None:
    """Tell nobody."""
