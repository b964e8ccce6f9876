"""
Signals on this side of the wall: which events may go out, and how often.

The live process fires them; this only hands over a name and a dict, in the shapes
that `shadow_middleware.signals` documents.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from shadow_middleware.observe.rate import Allowance

__all__ = ["Announcer", "Emit", "Wanted"]

Emit = Callable[[str, dict[str, Any]], None]
"""Takes a signal's short name and its event towards the live process."""
Wanted = Callable[[str], bool]
"""Whether anybody listens to the signal of that short name."""

_DROP_INTERVAL = 1.0
_RESERVED_FOR_OTHERS = {"replay_finished": 0.5}
"""The signal that fires for every replay leaves half of each burst to the rare ones."""


class Announcer:
    """
    Hands events over while somebody listens, at most `rate` a second in all.

    What is held back is counted, and the next event of that name says so in its
    `suppressed`. Any thread may call.
    """

    def __init__(
        self, emit: Emit, wanted: Wanted, rate: float, clock: Callable[[], float]
    ) -> None:
        self._emit = emit
        self._wanted = wanted
        self._allowance = Allowance(rate, clock)
        self._clock = clock
        self._suppressed: dict[str, int] = {}
        self._drops: dict[tuple[str, str], int] = {}
        self._dropped_at: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def wanted(self, name: str) -> bool:
        """Return whether it is worth building an event of that name."""
        return self._wanted(name)

    def offer(self, name: str, event: dict[str, Any]) -> None:
        """Hand over the event with its `suppressed` count, or hold it back."""
        with self._lock:
            if not self._allowance.take(_RESERVED_FOR_OTHERS.get(name, 0.0)):
                self._suppressed[name] = self._suppressed.get(name, 0) + 1
                return
            event["suppressed"] = self._suppressed.pop(name, 0)
        self._emit(name, event)

    def breaker(self, target: str, state: str, previous: str, reason: str) -> None:
        """Say that a circuit breaker changed; rare by nature, so never held back."""
        if self.wanted("breaker_changed"):
            event = {"target": target, "state": state, "previous": previous}
            self._emit("breaker_changed", {**event, "reason": reason})
        if state == "gone" and self.wanted("target_gone"):
            self._emit("target_gone", {"target": target, "reason": reason})

    def drop(self, target: str, reason: str, n: int) -> None:
        """Say that exchanges were dropped, at most once a second for each reason."""
        if not self.wanted("exchange_dropped"):
            return
        key = (target, reason)
        with self._lock:
            self._drops[key] = self._drops.get(key, 0) + n
        self._tell(key)

    def flush(self) -> None:
        """Say what drops were held back and are due by now."""
        for key in list(self._drops):
            self._tell(key)

    def _tell(self, key: tuple[str, str]) -> None:
        now = self._clock()
        with self._lock:
            if now - self._dropped_at.get(key, float("-inf")) < _DROP_INTERVAL:
                return
            count = self._drops.pop(key, 0)
            self._dropped_at[key] = now
        if count:
            target, reason = key
            self._emit(
                "exchange_dropped", {"target": target, "reason": reason, "count": count}
            )
