"""
What an agent knows of targets: read from the store every second, and told to it.

Reading is done on threads of its own and never holds a replay up, but for a moment at
the start: what a person has switched off gets no copy while that is not known yet.
While the store is away, the agent goes on by what it knows and what it sees itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol, runtime_checkable

from shadow_middleware.aside import Opened
from shadow_middleware.targets import HealthEvent, TargetHealth, TargetsState

__all__ = ["Follower", "Following", "Known"]

logger = logging.getLogger("shadow_middleware")

EVERY: Final = 1.0
_AT_START: Final = 5.0
"""Seconds that the first replay waits for what is known."""


@runtime_checkable
class Known(Protocol):
    """What is read of a store, and told to it. Safe on any thread."""

    def targets_state(self) -> TargetsState:
        """Return all that is known of targets, in one reading."""
        ...

    def health_event(self, event: HealthEvent) -> TargetHealth | None:
        """Take in what an agent says; None where it changes nothing."""
        ...

    def close(self) -> None:
        """Release every connection."""
        ...


Answer = tuple[HealthEvent, TargetHealth | None]
"""What was told to the store, and what became of it."""


class Follower(Protocol):
    """Does what is known of targets. Called on the loop."""

    def events(self) -> list[HealthEvent]:
        """Return what is to be told to the store, before it is read."""
        ...

    def adopt(self, state: TargetsState, answers: Sequence[Answer]) -> None:
        """Let this hold from now on."""
        ...

    def alone(self) -> None:
        """Take note that the store is away."""
        ...


class Following:
    """
    Keeps a follower up to date. For one loop, on which it is run.

    Args:
        follower: Does what is known.
        source: Opens what is read; called on a thread, and again after a failure.
            None follows nothing.
        on_ready: Called once: the store was read, or nobody waits for that any more.
        every: Seconds between two readings.
    """

    def __init__(
        self,
        follower: Follower,
        source: Callable[[], Known] | None,
        on_ready: Callable[[], None] = lambda: None,
        *,
        every: float = EVERY,
    ) -> None:
        self._follower = follower
        self._on_ready = on_ready
        self._source = Opened(source, "shadow-middleware-targets") if source else None
        self._every = every
        self._away = False
        self._ready = asyncio.Event()
        self._poked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        if source is None:
            self._ready.set()

    @property
    def is_ready(self) -> bool:
        """Whether the store was read once, or nobody waits for that any more."""
        return self._ready.is_set()

    def start(self) -> None:
        """Begin to read, on the running loop."""
        if self._source is not None and self._task is None:
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._run(self._source))
            loop.call_later(_AT_START, self._wait_no_more)

    async def ready(self) -> None:
        """Wait until the store was read once, or for as long as one may wait for that."""
        if not self._ready.is_set():
            self.start()
            await self._ready.wait()

    async def hurry(self, seconds: float) -> None:
        """Let nobody wait longer than so many seconds for what is known."""
        if not self._ready.is_set():
            self.start()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._ready.wait()
            self._wait_no_more()

    def _wait_no_more(self) -> None:
        if not self._ready.is_set():
            self._ready.set()
            self._on_ready()

    def poke(self) -> None:
        """Have the store told, and read, soon: there is something to say."""
        self._poked.set()

    async def aclose(self) -> None:
        """Read no more."""
        self._wait_no_more()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        if self._source is not None:
            await self._source.aclose()

    async def _run(self, source: Opened[Known]) -> None:
        while True:
            await self._read(source)
            self._wait_no_more()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._poked.wait()
            self._poked.clear()

    async def _read(self, source: Opened[Known]) -> None:
        events = self._follower.events()
        try:
            state, answers = await source.use(lambda known: _exchanged(known, events))
        except Exception as error:  # noqa: BLE001 -- a store may fail in any way
            if not self._away:
                logger.warning(
                    "what is set of targets cannot be read from the store (%s: %s); "
                    "going on with what is known",
                    type(error).__name__,
                    error,
                )
            self._away = True
            self._follower.alone()
        else:
            self._away = False
            self._follower.adopt(state, answers)


def _exchanged(
    known: Known, events: Sequence[HealthEvent]
) -> tuple[TargetsState, list[Answer]]:
    """Tell and read; on a thread."""
    answers = [(event, known.health_event(event)) for event in events]
    return known.targets_state(), answers
