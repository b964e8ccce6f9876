"""
What no exchange tells: which routes the app has, and what else live traffic used.

One `Census` for each hand-off. Adapters note requests that are not mirrored, one in
sixteen of them; the keeper asks routers for their lists and sends both to the agent.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from random import randrange
from typing import Final

from shadow_middleware.handoff.codec import Use
from shadow_middleware.knowledge import MANY

__all__ = ["Census", "Lister"]

Lister = Callable[[], Iterable[str] | None]
"""Returns the routes that a router lists, `GET /users/{id}`; None says not yet."""

FIRST: Final = 256
"""Requests that are all looked at, before only a share of them is."""
LONGEST_GAP: Final = 31
"""Every look stands for 1 to so many requests, 16 on average: never in step with any."""
MOST_USES: Final = 1_000
MOST_ROUTES: Final = 5_000
LONGEST: Final = 1_000
"""Characters of a route."""
MOST_LISTERS: Final = 64
MOST_TRIES: Final = 40
"""How often a lister may say that it is too early."""


class Census:
    """Counts for any number of threads; none of them waits for longer than an addition."""

    def __init__(self) -> None:
        self._listers: deque[tuple[Lister, int]] = deque(maxlen=MOST_LISTERS)
        self._routes: dict[str, None] = {}
        self._looks = 0
        self.begin()

    def begin(self) -> None:
        """Count from nothing, as a child process does: the rest is the parent's."""
        self._lock = threading.Lock()
        self._uses: dict[tuple[str, int], int] = {}
        self._left = self._gap = 1

    # --- called on the request path ----------------------------------------------

    def due(self) -> int:
        """Return how many requests the one at hand is looked at for; 0 if it is not."""
        # Two threads at once may miss a request or count it twice; none waits.
        self._left -= 1
        if self._left > 0:
            return 0
        gap = self._gap
        self._looks += 1
        self._left = self._gap = (
            1 if self._looks < FIRST else randrange(1, LONGEST_GAP + 1)
        )
        return gap

    def note(self, route: str, status_class: int, number: int) -> None:
        """Count requests that used a route and were not mirrored."""
        key = (route if len(route) <= LONGEST else MANY, status_class)
        with self._lock:
            if key not in self._uses and len(self._uses) >= MOST_USES:
                key = (MANY, status_class)
            self._uses[key] = self._uses.get(key, 0) + number

    def ask(self, lister: Lister) -> None:
        """Have a router asked for its routes soon, on another thread."""
        self._listers.append((lister, MOST_TRIES))

    # --- called by the keeper ------------------------------------------------------

    def take(self) -> list[Use]:
        """Return what was counted since the last call."""
        with self._lock:
            uses, self._uses = self._uses, {}
        return [Use(_sendable(route), kind, n) for (route, kind), n in uses.items()]

    def list_routes(self) -> None:
        """Ask the routers that are waiting for their routes."""
        for _ in range(len(self._listers)):
            try:
                lister, tries = self._listers.popleft()
                listed = lister()
                if listed is None and tries:
                    self._listers.append((lister, tries - 1))
                self._add(listed or ())
            except Exception:  # noqa: BLE001 -- a router may be anything; unknown, then
                continue

    def _add(self, listed: Iterable[str]) -> None:
        for route in listed:
            if len(self._routes) >= MOST_ROUTES:
                return
            if len(route) <= LONGEST:
                self._routes[_sendable(route)] = None

    @property
    def routes(self) -> list[str]:
        """The routes that routers have listed so far."""
        return list(self._routes)


def _sendable(route: str) -> str:
    """Return the route without what has no bytes in UTF-8."""
    return route.encode("utf-8", "replace").decode()
