"""
What a target gets of the exchanges that are mirrored: pure, and changed at run time.
"""

from __future__ import annotations

from shadow_middleware.exchange import Exchange
from shadow_middleware.selection import Globs, sticky_share
from shadow_middleware.settings import Settings, Target

__all__ = ["DISABLED", "NEVER_ITS", "REMOVED", "SWITCHED_OFF", "Bucket", "Gate"]

DISABLED = "target_disabled"
SWITCHED_OFF = "switched_off"
REMOVED = "target_removed"
NEVER_ITS = ("method", "path")
"""Reasons by which an exchange is not meant for a target at all."""


class Gate:
    """
    Says of each exchange whether a target gets it, and why not.

    Args:
        target: With its rate, filters and limits; what it does not say, the settings do.
        settings: The configuration.
    """

    def __init__(self, target: Target, settings: Settings) -> None:
        self._settings = settings
        self.stop = ""
        """Why nothing is sent at all, also of what waits already."""
        self._bucket: Bucket | None = None
        self._limit = 0.0
        self.change(target)

    def change(self, target: Target, stop: str = "") -> None:
        """Go by another state of the target from now on."""
        self.target = target
        self.stop = stop or ("" if target.enabled else DISABLED)
        self._methods = frozenset(target.methods or self._settings.methods)
        self._include = Globs(target.include)
        self._exclude = Globs(target.exclude)
        self._rate = target.rate
        if target.rate_limit != self._limit:
            self._limit = target.rate_limit
            self._bucket = Bucket(self._limit) if self._limit else None

    def refuses(self, exchange: Exchange, ramp: float = 1.0) -> str:
        """
        Return why the target does not get the exchange; '' where it does.

        Args:
            exchange: As it was captured.
            ramp: Share that a target gets of what is its due, as it has just recovered.
        """
        if self.stop:
            return self.stop
        if exchange.request.method not in self._methods:
            return NEVER_ITS[0]
        if (self._include or self._exclude) and not self._admits(exchange):
            return NEVER_ITS[1]
        if self._rate * ramp >= 1.0:
            return ""
        share = _share(exchange)
        if share >= self._rate:
            return "rate"
        return "ramp_up" if share >= self._rate * ramp else ""

    def _admits(self, exchange: Exchange) -> bool:
        path = exchange.request.path.decode("latin-1")
        if self._exclude.match(path):
            return False
        return not self._include or self._include.match(path)

    def is_over_limit(self, now: float) -> bool:
        """Whether one more replay now would be more than the target may get."""
        return self._bucket is not None and not self._bucket.take(now)


def _share(exchange: Exchange) -> float:
    """
    Return where an exchange stands between 0 and 1: the same on every host.

    Salted, as of what is selected already every share is below the settings' rate.
    """
    whose = exchange.id if exchange.key is None else exchange.key
    return sticky_share(b"target:" + whose.encode("utf-8", "surrogateescape"))


class Bucket:
    """
    A token bucket: `rate` tokens a second, and one second's worth at once.

    A rate below 1 has one token at a time. `now` is in seconds of a monotonic clock.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = self._tokens = max(1.0, rate)
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Take a token; False where there is none."""
        if self._at is not None:
            grown = self._tokens + max(0.0, now - self._at) * self._rate
            self._tokens = min(self._most, grown)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
