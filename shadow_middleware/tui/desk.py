"""What all screens share: the source, the clock, and whether the source answers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final

import msgspec

from shadow_middleware.tui.source import Source
from shadow_middleware.tui.words import clock

__all__ = ["Desk", "Held"]

_REMEMBERED: Final = 32
"""Screens whose last reading is kept, the latest."""


class Held(msgspec.Struct, frozen=True):
    """What a screen read last."""

    data: Any
    at: float
    """In Unix seconds."""


class Desk:
    """
    The state of one session at the terminal. Only the loop's thread touches it.

    Args:
        source: Where evidence is read.
        interval: Seconds between two readings.
        now: Seconds since the epoch.
    """

    def __init__(
        self, source: Source, interval: float, now: Callable[[], float]
    ) -> None:
        self.source = source
        self.interval = interval
        self.now = now
        self.away_since: float | None = None
        self._problem = ""
        self._read: OrderedDict[Hashable, Held] = OrderedDict()

    def remember(self, question: Hashable, reading: Held) -> None:
        """Keep what was read for when the same is asked by another screen."""
        self._read[question] = reading
        self._read.move_to_end(question)
        if len(self._read) > _REMEMBERED:
            self._read.popitem(last=False)

    def last(self, question: Hashable) -> Held | None:
        """Return what was read last; None where it never was, or long ago."""
        return self._read.get(question)

    def away(self, problem: str) -> None:
        """Note that the source does not answer, and why."""
        if self.away_since is None:
            self.away_since = self.now()
        self._problem = problem

    def back(self) -> None:
        """Note that the source answered."""
        self.away_since = None

    def banner(self, read_at: float | None) -> str:
        """Return what to say of a source that is away; '' while it answers."""
        if self.away_since is None:
            return ""
        shown = (
            "nothing was read yet"
            if read_at is None
            else f"shown is what was read at {clock(read_at)}"
        )
        return (
            f"SOURCE AWAY since {clock(self.away_since)}, {shown}; "
            f"asking again every {self.interval:g} s. {self._problem}"
        )
