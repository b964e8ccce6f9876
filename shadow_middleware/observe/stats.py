"""
Counting: additive counters and latency sketches, held between two flushes.

The cheapest part of the road, and the only one that every exchange takes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from shadow_middleware.evidence import NO_ROUTE, OVERFLOW, Count, LatencyCount
from shadow_middleware.exchange import Outcome
from shadow_middleware.report.sketch import bucket_of, window_of

__all__ = ["Tally"]

_CountKey = tuple[int, str, str, Outcome, str, str]
_LatencyKey = tuple[int, str, str, str, int, str]


def _as_it_is(route: str) -> str:
    return route


class Tally:
    """
    Counts what happened until it is taken away.

    Bounded: after `max_routes` distinct routes, every new one is counted under
    `OVERFLOW`. Any thread may call.
    """

    def __init__(
        self, max_routes: int = 1_000, name_route: Callable[[str], str] = _as_it_is
    ) -> None:
        """
        Start empty.

        Args:
            max_routes: Distinct routes to tell apart during this tally's life.
            name_route: Called once for each distinct route; what it returns is
                what is kept, so a route that holds a secret can be redacted.
        """
        self._max_routes = max_routes
        self._name_route = name_route
        self._routes: dict[str, str] = {NO_ROUTE: NO_ROUTE}
        self._counts: dict[_CountKey, int] = {}
        self._latencies: dict[_LatencyKey, int] = {}
        self._lock = threading.Lock()

    def route(self, route: str) -> str:
        """Return the name that `route` is counted under."""
        name = self._routes.get(route)
        return self._admit(route) if name is None else name

    def add(
        self,
        at: float,
        target: str,
        route: str,
        outcome: Outcome,
        reason: str = "",
        n: int = 1,
        version: str = "",
    ) -> None:
        """Count `n` replays that ended one way at `at`, in Unix seconds."""
        key = (int(at // 60), target, self.route(route), outcome, reason, version)
        with self._lock:
            counts = self._counts
            counts[key] = counts.get(key, 0) + n

    def time(
        self,
        at: float,
        target: str,
        route: str,
        live_us: float,
        shadow_us: float,
        version: str = "",
    ) -> None:
        """File the times of both legs of one replay."""
        window, name = window_of(int(at // 60)), self.route(route)
        live = (window, target, name, "live", bucket_of(live_us), version)
        shadow = (window, target, name, "shadow", bucket_of(shadow_us), version)
        with self._lock:
            latencies = self._latencies
            latencies[live] = latencies.get(live, 0) + 1
            latencies[shadow] = latencies.get(shadow, 0) + 1

    def take(self) -> tuple[list[Count], list[LatencyCount]]:
        """Return everything counted since the last call, and start at nothing."""
        with self._lock:
            counts, self._counts = self._counts, {}
            latencies, self._latencies = self._latencies, {}
        return (
            [Count(*key[:5], n, key[5]) for key, n in counts.items()],
            [LatencyCount(*key[:5], n, key[5]) for key, n in latencies.items()],
        )

    def _admit(self, route: str) -> str:
        if len(self._routes) > self._max_routes:
            return OVERFLOW
        name = self._routes[route] = self._name_route(route)
        return name
