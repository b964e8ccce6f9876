"""Removes old counts and latencies, and takes them from the sums they are in."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, and_, delete, func, select

from shadow_middleware.store.engine import Database
from shadow_middleware.store.schema import LIVE
from shadow_middleware.store.statements import Statements
from shadow_middleware.store.sums import EVER, Sum, start_of

__all__ = ["purge_counted"]

MINUTES_AT_ONCE: Final = 10


def purge_counted(
    database: Database, sums: tuple[Sum, ...], before: int, unit: int = 1
) -> int:
    """
    Remove live's rows of before a minute; return how many of the shortest time.

    Sums that end before it go whole, afterwards. From all others each row is taken in
    the transaction that removes it, so they are right whenever somebody looks.

    Args:
        database: Where they are.
        sums: All that is made of the same rows.
        before: The first minute that stays.
        unit: Minutes of the rows that go.
    """
    statements, removed = Statements(database, LIVE), 0
    while True:
        with database.writing() as connection:
            now = _some(connection, statements, sums, before, unit)
        if not now:
            break
        removed += now
    for one in sums:
        for span in one.spans:
            if span != EVER:
                _purge_whole(database, one, span, before - span + unit)
            _purge_empty(database, one, span, before)
    return removed


def _some(
    connection: Connection,
    statements: Statements,
    sums: tuple[Sum, ...],
    before: int,
    unit: int,
) -> int:
    """Remove the rows of a few minutes, the oldest; return how many those were."""
    source, time = sums[0].of, sums[0].of.c[sums[0].time]
    ours = source.c.run == LIVE
    oldest = connection.execute(select(func.min(time)).where(ours)).scalar()
    if oldest is None or oldest >= before:
        return 0
    old = and_(ours, time < min(oldest + MINUTES_AT_ONCE, before))
    gone = connection.execute(delete(source).where(old).returning(*source.columns))
    rows = [{**row, "count": -row["count"]} for row in gone.mappings()]
    newest = max(row[sums[0].time] for row in rows)
    for one in sums:
        # Of a sum that goes whole soon, nothing is taken.
        spans = [
            span
            for span in one.spans
            if span == EVER or start_of(newest, span) + span - unit >= before
        ]
        taken = [row | {"run": LIVE} for row in one.rows(rows, spans)]
        if taken:
            connection.execute(statements.sums[one.table], taken)
    return len(rows)


def _purge_whole(database: Database, one: Sum, span: int, before: int) -> None:
    """Remove the sums of a span that begin before a minute, one after the other."""
    here = and_(one.table.c.run == LIVE, one.table.c.span == span)
    start = one.table.c.start
    while True:
        with database.writing() as connection:
            oldest = connection.execute(select(func.min(start)).where(here)).scalar()
            if oldest is None or oldest >= before:
                return
            connection.execute(delete(one.table).where(here, start == oldest))


def _purge_empty(database: Database, one: Sum, span: int, before: int) -> None:
    """Remove the sums that nothing is left of: they hold what went and what stays."""
    here = and_(one.table.c.run == LIVE, one.table.c.span == span)
    begun = one.table.c.start >= start_of(before, span)
    nothing = and_(here, begun, one.table.c.start <= before, one.table.c.count <= 0)
    with database.writing() as connection:
        connection.execute(delete(one.table).where(nothing))
