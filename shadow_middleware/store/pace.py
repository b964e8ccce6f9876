"""How much is removed at once, so that no writer waits long for its turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlalchemy import (
        ColumnElement,
        CompoundSelect,
        Connection,
        Delete,
        Select,
        Table,
    )

    from shadow_middleware.store.engine import Database

__all__ = ["Interrupted", "Pace", "some_of"]

FIRST: Final = 100
LEAST: Final = 10
MOST: Final = 5_000
"""Rows in one transaction."""

AIM: Final = 0.025
"""Seconds that one transaction should take."""


class Interrupted(Exception):
    """Somebody else goes on with it, or the process ends."""


class Pace:
    """
    Removes rows in transactions of about the same short time, however large rows are.

    Args:
        rest: Called after each transaction with the seconds that it took, to let
            others in; False says that there shall be no more.
        clock: Seconds, to measure with.
    """

    def __init__(
        self,
        rest: Callable[[float], bool] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._rest = rest
        self._clock = clock
        self.size = FIRST
        """Rows in the next transaction."""
        self.longest = 0.0
        """Seconds that the longest transaction took: what a writer may have waited."""
        self.transactions = 0
        """How many there were."""

    def drain(self, database: Database, work: Callable[[Connection, int], int]) -> int:
        """
        Do the work again and again, until it finds less than it may do at once.

        It begins with few: rows of the work before may have cost a hundredth of these,
        which are in sums, in indexes and in what triggers keep.

        Args:
            database: Where a transaction is begun for each time.
            work: Does at most so many rows, and returns how many it did.

        Raises:
            Interrupted: there shall be no more; what was done stays done.
        """
        done, self.size = 0, FIRST
        while True:
            at_once = self.size
            with database.writing() as connection:
                # Not what it waited for others: that keeps nobody else waiting.
                started = self._clock()
                now = work(connection, at_once)
            self._took(self._clock() - started)
            done += now
            if now < at_once:
                return done

    def remove(self, database: Database, table: Table, old: ColumnElement[bool]) -> int:
        """Remove the rows of a table that are old; return how many those were."""

        def work(connection: Connection, most: int) -> int:
            return int(connection.execute(some_of(table, old, most)).rowcount)

        return self.drain(database, work)

    def _took(self, seconds: float) -> None:
        self.transactions += 1
        self.longest = max(self.longest, seconds)
        if seconds > AIM:
            self.size = max(LEAST, int(self.size * max(AIM / seconds, 0.25)))
        elif seconds < AIM / 2:
            self.size = min(MOST, self.size * 2)
        if self._rest is not None and not self._rest(seconds):
            raise Interrupted


def some_of(table: Table, old: ColumnElement[bool], most: int) -> Delete:
    """Delete at most so many of the rows that are old."""
    # Whoever only opens a writer does not wait for it: see `drivers`.
    from sqlalchemy import delete, select, tuple_

    keys = list(table.primary_key.columns)
    place = keys[0] if len(keys) == 1 else tuple_(*keys)
    asked: Select[tuple[object, ...]] | CompoundSelect[tuple[object, ...]]
    asked = select(*keys).where(old).limit(most)
    return delete(table).where(place.in_(asked))
