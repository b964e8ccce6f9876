"""A token bucket over a given clock, for what may be said only so often."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Allowance"]


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
