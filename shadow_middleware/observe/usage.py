"""
What live traffic used, and what the app has: counted in the agent for coverage.

Exchanges that come through the wall were mirrored and are counted one by one. Of the
others, and of the routes, the live side tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from shadow_middleware.evidence import Batch
from shadow_middleware.exchange import Exchange
from shadow_middleware.knowledge import DAY, MANY, KnownRoute, RouteUse
from shadow_middleware.observe.record import Redacts, redacted_route

__all__ = ["Usage"]

MOST_NAMES: Final = 1_000
"""Routes to tell apart for as long as an agent lives."""
LONGEST: Final = 1_000
"""Characters of a route."""
INTERVAL: Final = 5.0
"""Seconds between two batches: it is a small sum, and for each route a row."""

_Key = tuple[int, str, int]


class Usage:
    """
    Counts uses of routes until they are taken away. For one thread.

    Bounded: what comes after so many distinct routes is counted under `(other)`.
    """

    def __init__(self, redactor: Redacts, clock: Callable[[], float]) -> None:
        """
        Start with nothing.

        Args:
            redactor: Takes secrets out of routes, as the recorder does.
            clock: Unix seconds.
        """
        self._redactor = redactor
        self._clock = clock
        self._names: dict[str, str] = {MANY: MANY}
        self._seen: dict[_Key, int] = {}
        self._mirrored: dict[_Key, int] = {}
        self._routes: dict[str, KnownRoute] = {}
        self._taken_at = float("-inf")

    def mirrored(self, exchange: Exchange) -> None:
        """Count one exchange that was selected."""
        response = exchange.response
        key = (
            int(exchange.at // DAY),
            self._named(exchange.endpoint),
            0 if response is None else response.status // 100,
        )
        self._mirrored[key] = self._mirrored.get(key, 0) + 1

    def passed(self, route: str, status_class: int, number: int) -> None:
        """Count live requests that were not selected."""
        key = (int(self._clock() // DAY), self._named(route), status_class)
        self._seen[key] = self._seen.get(key, 0) + number

    def listed(self, routes: Iterable[str]) -> None:
        """Take note of the routes that a router lists."""
        now = self._clock()
        for route in routes:
            name = self._redacted(route)
            self._routes[name] = KnownRoute(name, now)

    def take(self, *, now: bool = False) -> Batch | None:
        """Return what is new, once in a while or `now`; None where nothing is."""
        at = self._clock()
        if not now and 0 <= at - self._taken_at < INTERVAL:
            return None
        if not (self._seen or self._mirrored or self._routes):
            return None
        self._taken_at = at
        mirrored, self._mirrored = self._mirrored, {}
        seen, self._seen = self._seen, {}
        routes, self._routes = self._routes, {}
        return Batch(
            routes=list(routes.values()),
            uses=[
                RouteUse(
                    *key, seen.get(key, 0) + mirrored.get(key, 0), mirrored.get(key, 0)
                )
                for key in {**mirrored, **seen}
            ],
        )

    def _named(self, route: str) -> str:
        name = self._names.get(route)
        if name is not None:
            return name
        if len(self._names) > MOST_NAMES or len(route) > LONGEST:
            return MANY
        name = self._names[route] = self._redacted(route)
        return name

    def _redacted(self, route: str) -> str:
        try:
            return redacted_route(route, self._redactor)
        except Exception:  # noqa: BLE001 -- the fence: counted all the same
            return MANY
