"""What a store may keep, in SQLite or Postgres: removed by one process at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from sqlalchemy import select

from shadow_middleware.evidence import Purged
from shadow_middleware.retention import DAY, Keep, Removal, What, Why
from shadow_middleware.store.engine import Database
from shadow_middleware.store.leases import drop_lease, store_time, take_lease
from shadow_middleware.store.pace import Pace
from shadow_middleware.store.purge import Bounds, purge
from shadow_middleware.store.skew import Skew
from shadow_middleware.store.sql_runs import SqlRuns
from shadow_middleware.store.upkeep_tables import removals

__all__ = ["SqlUpkeep"]

PURGES = "(purges)"
"""What counts purges among the writers."""

RETENTION: Final = "retention"
"""The name of the lease."""


class SqlUpkeep(SqlRuns):
    """The part of `SqlStore` that removes, and keeps the time."""

    def __init__(
        self, database: Database, run: str, clock: Callable[[], float]
    ) -> None:
        super().__init__(database, run, clock)
        # A file has one host, and so one clock.
        asked = None if database.is_sqlite else partial(store_time, database)
        self._skew = Skew(asked, clock)

    def purge(
        self,
        before: float | None = None,
        keep: int | None = None,
        most_bytes: int | None = None,
    ) -> Purged:
        """Remove what is older than `before`, and divergences beyond the bounds."""
        bounds = Bounds(
            divergences=before,
            minutes=None,
            sums=before,
            rows=None if keep is None else max(keep, 0),
            bytes=None if most_bytes is None else max(most_bytes, 0),
            why=Why.ASKED,
        )
        return self._purge(bounds, Pace())

    def retain(self, keep: Keep, pace: Pace | None = None) -> Purged:
        """
        Remove what is beyond what may be kept. Ages are by the store's clock.

        Raises:
            Interrupted: by the pace; what was removed so far stays removed.
            StoreError: likewise.
        """
        now = store_time(self._database)
        sums = now - keep.sums_days * DAY if keep.sums_days else None
        days = now - keep.days * DAY if keep.days else None
        bounds = Bounds(
            divergences=days if sums is None or days is not None else sums,
            minutes=days,
            sums=sums,
            rows=keep.rows or None,
            bytes=keep.bytes or None,
        )
        return self._purge(bounds, pace or Pace())

    def _purge(self, bounds: Bounds, pace: Pace) -> Purged:
        try:
            return purge(self._database, bounds, pace)
        finally:
            # Whoever remembers what was there has to look again, also half-way.
            with self._database.writing() as connection:
                self._moved(connection, PURGES)

    def removals(self) -> list[Removal]:
        """Return what was removed in all, by what it was, target and reason."""
        found = self._rows(select(removals).order_by(*removals.primary_key.columns))
        return [
            Removal(What(row[0]), row[1], Why(row[2]), int(row[3]), row[4], row[5])
            for row in found
        ]

    def lease_retention(self, holder: str, seconds: float) -> bool:
        """Be the one who removes, for so long; False while another process is."""
        return take_lease(self._database, RETENTION, holder, seconds) is not None

    def leave_retention(self, holder: str) -> None:
        """Let another process remove from now on."""
        drop_lease(self._database, RETENTION, holder)

    def time(self) -> float:
        """Return what time the store has, in Unix seconds: one for all hosts."""
        return self._clock() + self._skew.seconds()
