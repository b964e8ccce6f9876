"""The words of what a store may keep, and of what was removed. Pure."""

from __future__ import annotations

import enum

import msgspec

from shadow_middleware.settings import Settings

__all__ = ["Keep", "Removal", "What", "Why"]

DAY = 86_400.0


class What(enum.StrEnum):
    """What was removed."""

    DIVERGENCES = "divergences"
    """Stored divergences, with their samples in groups. They stay counted."""
    OUTCOMES = "outcomes"
    """Outcomes that are in no count any more."""
    UNACCOUNTED = "unaccounted"
    """Exchanges that were selected, never ended, and are forgotten with their session."""
    MINUTES = "minutes"
    """Rows of minutes; the hours that they are in still count them."""
    RUNS = "runs"
    """Offline replays, each of them whole."""


class Why(enum.StrEnum):
    """Which bound it was."""

    AGE = "age"
    ROWS = "rows"
    BYTES = "bytes"
    ASKED = "asked"
    """Somebody ran `shadow-middleware purge`."""


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """What a store may keep. 0 is no bound."""

    days: float = 0.0
    """Days of stored divergences, and of what is told apart by the minute."""
    rows: int = 0
    """Stored divergences of live, and of each run."""
    bytes: int = 0
    """What they may weigh together, of live, and of each run."""
    sums_days: float = 0.0
    """Days of hours and days of counts, of noise, groups, and whole runs."""

    @classmethod
    def of(cls, settings: Settings) -> Keep:
        """Return what the settings say."""
        return cls(
            days=settings.store_keep_days,
            rows=settings.store_keep_rows,
            bytes=settings.store_keep_bytes,
            sums_days=settings.store_keep_sums_days,
        )

    def __bool__(self) -> bool:
        return bool(self.days or self.rows or self.bytes or self.sums_days)


class Removal(msgspec.Struct, frozen=True):
    """How much of one thing was removed in all, since the store began."""

    what: What
    target: str
    """'' where it is not told apart."""
    why: Why
    count: int
    upto: float
    """All that went is older than this, in Unix seconds; 0 where age was no reason."""
    at: float
    """When it was last done, in Unix seconds, by the store's clock."""
