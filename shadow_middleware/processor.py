"""
Whether a thread gets the processor that it asks for: what an agent that gives way to
live has to know, so that it can say why it did not keep up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

__all__ = ["Processor", "Times", "of_this_thread"]

WINDOW: Final = 1.0
"""Seconds between two looks, at the least."""
OLD: Final = 10.0
"""Seconds after which a look says nothing of now."""
BUSY: Final = 0.8
"""Share of the time for which a thread that is short of a processor wanted one."""
SHORT: Final = 0.5
"""Share of what it wanted below which it is short."""


class Times(NamedTuple):
    """Seconds of a thread's life so far."""

    ran: float
    waited: float
    """Ready to run, while others did or a limit of its group forbade it."""


def of_this_thread() -> Times | None:
    """Return the times of the calling thread; None where the system does not tell."""
    try:
        # Documentation/scheduler/sched-stats.rst in the kernel's sources.
        with open("/proc/thread-self/schedstat", "rb") as file:
            ran, waited, _ = file.read().split()
        return Times(int(ran) / 1e9, int(waited) / 1e9)
    except (OSError, ValueError):
        return None


class Processor:
    """
    Looks at a thread's times where somebody asks, and not oftener than once a second.

    Args:
        times: Of the thread; None where they cannot be had: then nothing is ever short.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        times: Callable[[], Times | None] = of_this_thread,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._times = times
        self._clock = clock
        self._at = float("-inf")
        self._then: Times | None = None
        self.share = 1.0
        """How much of what the thread wanted it got when it was last looked at."""
        self._short = False

    def is_short(self) -> bool:
        """Whether the thread lately had less than half of what it wanted, and wanted it."""
        now = self._clock()
        passed = now - self._at
        if passed < WINDOW:
            return self._short
        before, self._at, self._then = self._then, now, self._times()
        self._short = False
        if before is not None and self._then is not None and passed <= OLD:
            self._judge(before, self._then, passed)
        return self._short

    def _judge(self, before: Times, after: Times, passed: float) -> None:
        ran, waited = after.ran - before.ran, after.waited - before.waited
        wanted = ran + waited
        self.share = ran / wanted if wanted > 0 else 1.0
        self._short = wanted >= BUSY * passed and self.share < SHORT
