"""What all screens share: the source, the clock, and whether the source answers."""

from __future__ import annotations

from collections.abc import Callable

from shadow_middleware.tui.source import Source
from shadow_middleware.tui.words import clock

__all__ = ["Desk"]


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
