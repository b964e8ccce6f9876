"""Token buckets over a given clock: how often something is said, how long it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Allowance", "WorkBudget"]


class Allowance:
    """
    Allows `rate` things a second, and a burst of as many at once (at least one).

    A clock that jumps back allows nothing extra and takes nothing away.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = max(rate, 1.0) if rate > 0 else 0.0
        self._tokens = self._burst
        self._clock = clock
        self._last = clock()

    def take(self, reserve: float = 0.0) -> bool:
        """
        Return whether one more is allowed now, and use it up if so.

        Args:
            reserve: The share of a burst, 0 to 1, that is left for others.
        """
        now = self._clock()
        elapsed, self._last = max(0.0, now - self._last), now
        self._tokens = min(self._burst, self._tokens + elapsed * self._rate)
        if self._tokens < 1.0 + reserve * (self._burst - 1.0):
            return False
        self._tokens -= 1.0
        return True


class WorkBudget:
    """
    Allows a share of the time for some work, and `burst` seconds of it at once.

    Args:
        share: Seconds of work in each second.
        burst: Seconds of work after a rest.
        clock: Seconds, monotonic.
        work_clock: Seconds of work of the thread that asks: where a busy machine lets
            it wait, none goes by.
    """

    def __init__(
        self,
        share: float,
        burst: float,
        clock: Callable[[], float],
        work_clock: Callable[[], float],
    ) -> None:
        self._share = share
        self._burst = self._left = burst
        self._clock = clock
        self._work_clock = work_clock
        self._last = clock()

    def has_room(self) -> bool:
        """Return whether there is time left for the work."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._last) * self._share)
        self._last = now
        return self._left > 0

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Take what is worked within off the budget."""
        started = self._work_clock()
        try:
            yield
        finally:
            self._left -= self._work_clock() - started
