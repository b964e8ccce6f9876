"""
Removes old counts and latencies, and takes them from the longer sums they are in.

The longest sums go first. Whoever reads, or is interrupted, in between finds sums that
are right for all the time that they speak of: minutes that are in no hour any more are
read by nobody who asks for more than them, and the next purge finds them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, delete

from shadow_middleware.retention import What, Why
from shadow_middleware.store.engine import Database
from shadow_middleware.store.merging import Row
from shadow_middleware.store.pace import Pace, some_of
from shadow_middleware.store.removing import note_removed
from shadow_middleware.store.schema import LIVE
from shadow_middleware.store.statements import Statements
from shadow_middleware.store.sums import EVER, HOUR, OF_COUNTS, Sum, start_of

__all__ = ["purge_counted", "purge_minutes"]


class _Level(NamedTuple):
    """Rows of one length of time, and the longer ones that they are summed up in."""

    table: Table
    time: str
    span: int
    longer: tuple[int, ...]
    """The longest last; EVER is the longest of all."""

    def before(self, minute: int) -> ColumnElement[bool]:
        """Tell live's rows that begin before a minute."""
        old = and_(self.table.c.run == LIVE, self.table.c[self.time] < minute)
        if self.table.c.get("span") is None:
            return old
        return and_(old, self.table.c.span == self.span)


def _levels(one: Sum, unit: int) -> list[_Level]:
    """Return the rows that a sum is made of, the longest first."""
    spans = sorted(set(one.spans) - {EVER}, reverse=True)
    ever = (EVER,) if EVER in one.spans else ()
    found = [
        _Level(
            one.table, "start", span, (*(n for n in reversed(spans) if n > span), *ever)
        )
        for span in spans
    ]
    if unit not in spans:
        found.append(_Level(one.of, one.time, unit, (*reversed(spans), *ever)))
    return found


def purge_counted(
    database: Database,
    sums: tuple[Sum, ...],
    before: int,
    unit: int,
    pace: Pace,
    why: Why,
) -> int:
    """
    Remove live's rows of before a minute; return how many of the shortest time.

    Args:
        database: Where they are.
        sums: All that is made of the same rows.
        before: The first minute that stays; of what begins earlier, and ends later,
            whole units go.
        unit: Minutes of the rows that are summed up.
        pace: How much goes at once.
        why: For what reason, as reports say it.
    """
    removed, statements = 0, Statements(database, LIVE)
    before = start_of(before, unit)
    for one in sums:
        for level in _levels(one, unit):
            taking = _Taking(database, statements, one, level, before, why)
            gone = taking.remove(pace)
            removed += gone if level.table is one.of else 0
        _purge_empty(database, one, before)
    return removed


class _Taking:
    """Removes the rows of one length, and takes from longer ones what those keep."""

    def __init__(
        self,
        database: Database,
        statements: Statements,
        one: Sum,
        level: _Level,
        before: int,
        why: Why,
    ) -> None:
        self._database = database
        self._statements = statements
        self._sum = one
        self._level = level
        self._before = start_of(before, level.span)
        self._why = why
        self._upto = before * 60.0

    def remove(self, pace: Pace) -> int:
        """Remove them; return how many rows those were."""
        level = self._level
        next_longer = next(iter(level.longer), None)
        if next_longer is None:
            return pace.remove(self._database, level.table, level.before(self._before))
        # What is older than the longer sums that stay is in none of them any more.
        whole = start_of(self._before, next_longer) if next_longer else 0
        removed = 0
        if next_longer != EVER:
            removed = pace.remove(self._database, level.table, level.before(whole))
        return removed + pace.drain(self._database, self._some)

    def _some(self, connection: Connection, most: int) -> int:
        level = self._level
        gone = connection.execute(
            some_of(level.table, level.before(self._before), most).returning(
                *level.table.columns
            )
        )
        rows = [dict(row) for row in gone.mappings()]
        taken = [
            row | {"run": LIVE}
            for row in self._sum.rows(map(self._negative, rows), level.longer)
        ]
        if taken:
            connection.execute(
                self._statements.sums[self._sum.table], self._statements.columns(taken)
            )
            self._note(connection, rows)
        return len(rows)

    def _negative(self, row: Row) -> Row:
        time = {self._sum.time: row[self._level.time]}
        return {**row, **time, "count": -row["count"]}

    def _note(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        """Say how many outcomes went: all of them are in the sums of ever."""
        if self._sum is not OF_COUNTS[0]:
            return
        gone: Counter[str] = Counter()
        for row in rows:
            gone[row["target"]] += row["count"]
        note_removed(
            connection, self._database, What.OUTCOMES, self._why, gone, self._upto
        )


def purge_minutes(
    database: Database, sums: tuple[Sum, ...], before: int, unit: int, pace: Pace
) -> int:
    """
    Remove what is told apart by less than an hour, in hours that end before a minute.

    Those hours, their days and all sums stay as they are; return how many rows went.
    """
    removed = 0
    for one in sums:
        for level in _levels(one, unit):
            if level.span < HOUR:
                old = level.before(start_of(before, HOUR))
                removed += pace.remove(database, level.table, old)
    return removed


def _purge_empty(database: Database, one: Sum, before: int) -> None:
    """Remove the sums that nothing is left of: they held what went, and what stays."""
    for span in one.spans:
        here = and_(one.table.c.run == LIVE, one.table.c.span == span)
        start = one.table.c.start
        begun = and_(start >= start_of(before, span), start <= before)
        nothing = and_(here, begun, one.table.c.count <= 0)
        with database.writing() as connection:
            connection.execute(delete(one.table).where(nothing))
