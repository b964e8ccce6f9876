"""When each exchange is due, and how well that is kept. Pure: time is an argument."""

from __future__ import annotations

from shadow_middleware.report.sketch import bucket_of, quantile

__all__ = ["Pace"]


class Pace:
    """
    Turns times of recording into times of replay, on a monotonic clock.

    Args:
        speed: How many times as fast as it was recorded; 0 is as fast as it goes.
        rate: Exchanges a second, evenly; 0 keeps the recorded spacing.
    """

    def __init__(self, speed: float = 1.0, rate: float = 0.0) -> None:
        self._speed = speed
        self._rate = rate
        self._base: tuple[float, float] | None = None
        self._number = 0
        self._late: dict[int, int] = {}
        self.latest = 0.0
        """Seconds that the latest was late."""

    @property
    def is_kept(self) -> bool:
        """Whether there is any time to keep."""
        return bool(self._rate or self._speed)

    def due(self, at: float, now: float) -> float:
        """Return when what was recorded at `at` is due; the first is due now."""
        if self._base is None:
            self._base = (at, now)
        recorded, begun = self._base
        if self._rate:
            self._number += 1
            return begun + (self._number - 1) / self._rate
        if not self._speed:
            return now
        # What was recorded before the first is late, and never due before it.
        return begun + max(at - recorded, 0.0) / self._speed

    def again(self) -> None:
        """Begin a new round: the next exchange is due when it comes."""
        self._base = None
        self._number = 0

    def sent(self, due: float, now: float) -> None:
        """Take note of how late one was handed over."""
        if self.is_kept:
            late = max(now - due, 0.0)
            self.latest = max(self.latest, late)
            bucket = bucket_of(late * 1e6)
            self._late[bucket] = self._late.get(bucket, 0) + 1

    def late(self, q: float) -> float | None:
        """Return a quantile of how late they were, in seconds; None without any."""
        found = quantile(self._late, q)
        return None if found is None else found / 1e6
