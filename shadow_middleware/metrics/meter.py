"""
Counting for metrics: what the recorder counts anyway, added up for as long as it runs.

Nothing is done for a single replay: counts come in with each flush. Bounded in
routes and in reasons, so that no traffic makes a metrics store overflow.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shadow_middleware.evidence import OVERFLOW, Count, LatencyCount
from shadow_middleware.exchange import CONTROL, Outcome
from shadow_middleware.metrics.figures import Figures

__all__ = ["MOST_REASONS", "Meter", "Names"]

MOST_REASONS: Final = 100
"""Reasons told apart; the rest is `(other)`."""
_NO_REASON: Final = frozenset({Outcome.MATCH, Outcome.DIVERGENCE})
"""Theirs are names of rules and signatures of groups: the store tells of those."""


class Names:
    """Lets in the first so many names; every other one is `(other)`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known = {"-", OVERFLOW}

    def bounded(self, name: str) -> str:
        """Return the name, or what stands for one too many."""
        if name in self._known:
            return name
        if len(self._known) >= self._most + 2:
            return OVERFLOW
        self._known.add(name)
        return name


class Meter:
    """Adds up what one bench counts. For one thread."""

    def __init__(self, most_routes: int) -> None:
        self._routes = Names(most_routes)
        self._reasons = Names(MOST_REASONS)
        self._figures: Figures = {}

    def counted(
        self, counts: Iterable[Count], latencies: Iterable[LatencyCount] = ()
    ) -> None:
        """Take in what was counted since the last flush."""
        for one in counts:
            if one.target == CONTROL:
                self.add("control_requests", (one.outcome, self._why(one)), one.count)
                continue
            route = self._routes.bounded(one.route)
            self.add("replays", (one.target, route, one.outcome), one.count)
            if one.outcome not in _NO_REASON:
                why = (one.target, one.outcome, self._why(one))
                self.add("reasons", why, one.count)
        for time in latencies:
            bucket = (time.target, time.leg, str(time.bucket))
            self.add("replay_duration", bucket, time.count)

    def add(self, name: str, labels: tuple[str, ...] = (), number: float = 1) -> None:
        """Add to one counter."""
        key = (name, tuple(str(label) for label in labels))
        self._figures[key] = self._figures.get(key, 0) + number

    def figures(self) -> Figures:
        """Return everything so far."""
        return dict(self._figures)

    def _why(self, one: Count) -> str:
        return self._reasons.bounded(one.reason) if one.reason else "-"
