"""
One clock for all hosts: that of the store.

Each host writes by its own clock, and some of those go wrong by hours. What such a
host writes would be in minutes that nobody looks at, or be removed as old on the day it
comes. So a batch is moved by as much as its host's clock is wrong. A few seconds are
left alone: they would move nothing but the edges of minutes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from shadow_middleware.evidence import LATENCY_WINDOW, Batch
from shadow_middleware.knowledge import DAY

__all__ = ["Skew", "moved"]

_logger = logging.getLogger("shadow_middleware.store")

TOLERANCE: Final = 30.0
"""Seconds that a clock may be wrong by, unmended."""

EVERY: Final = 60.0
"""Seconds after which the two clocks are held against each other again."""


class Skew:
    """
    How far a host's clock is behind the store's.

    Args:
        ask: Returns what time the store has; None where both have one clock.
        clock: The host's, in seconds since the epoch.
        watch: Seconds that no jump of the clock moves.
    """

    def __init__(
        self,
        ask: Callable[[], float] | None,
        clock: Callable[[], float],
        watch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._watch = watch
        self._known = 0.0
        self._said = 0.0
        self._at = float("-inf")
        self._seen = 0.0

    def seconds(self) -> float:
        """
        Return how much has to be added to the host's time; 0 where it is right enough.

        Raises:
            StoreError: the store cannot say.
        """
        if self._ask is None:
            return 0.0
        watch, clock = self._watch(), self._clock()
        jumped = abs((clock - self._seen) - (watch - self._at)) > TOLERANCE
        if watch - self._at > EVERY or jumped:
            theirs = self._ask()
            behind = theirs - (clock + self._clock()) / 2
            self._at, self._seen = watch, clock
            self._known = behind if abs(behind) > TOLERANCE else 0.0
            self._say()
        return self._known

    def _say(self) -> None:
        if abs(self._known - self._said) > TOLERANCE:
            self._said = self._known
            _logger.warning(
                "the clock of this host is %.0f s %s the store's; evidence is noted by "
                "the store's",
                abs(self._known),
                "behind" if self._known > 0 else "ahead of",
            )


def moved(batch: Batch, seconds: float) -> Batch:
    """Return the batch with all its times moved; minutes stay minutes, days days."""
    minutes = round(seconds / 60)
    windows = LATENCY_WINDOW * round(seconds / 60 / LATENCY_WINDOW)
    days = round(seconds / DAY)
    return replace(
        batch,
        counts=[replace(one, minute=one.minute + minutes) for one in batch.counts],
        latencies=[
            replace(one, window=one.window + windows) for one in batch.latencies
        ],
        losses=[replace(one, minute=one.minute + minutes) for one in batch.losses],
        settlements=[
            replace(one, minute=one.minute + minutes) for one in batch.settlements
        ],
        divergences=[replace(one, at=one.at + seconds) for one in batch.divergences],
        samples=[replace(one, at=one.at + seconds) for one in batch.samples],
        progress=[replace(one, at=one.at + seconds) for one in batch.progress],
        sightings=[
            replace(one, first_at=one.first_at + seconds, last_at=one.last_at + seconds)
            for one in batch.sightings
        ],
        rule_hits=[
            replace(one, last_at=one.last_at + seconds) for one in batch.rule_hits
        ],
        routes=[replace(one, at=one.at + seconds) for one in batch.routes],
        noise=[replace(one, day=one.day + days) for one in batch.noise],
        noise_bases=[replace(one, day=one.day + days) for one in batch.noise_bases],
        uses=[replace(one, day=one.day + days) for one in batch.uses],
    )
