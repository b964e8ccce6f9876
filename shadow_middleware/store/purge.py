"""Removes old rows in small transactions, so that writers fit between."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Table, delete, func, select, tuple_

from shadow_middleware.evidence import LATENCY_WINDOW, Purged
from shadow_middleware.store.engine import Database
from shadow_middleware.store.schema import (
    counts,
    divergences,
    latencies,
    losses,
    sessions,
    writers,
)

__all__ = ["purge"]

ROWS_AT_ONCE: Final = 500
MINUTES_AT_ONCE: Final = 10
FORGOTTEN_AFTER: Final = 24 * 3600.0
"""Seconds after which no writer comes back with a batch it wrote before."""


def purge(database: Database, before: float | None, keep: int | None) -> Purged:
    """Remove what ended before `before`, and divergences beyond the newest `keep`."""
    sampled = 0
    if keep is not None:
        sampled += _purge_beyond(database, keep)
    if before is None:
        return Purged(divergences=sampled)
    minute = int(before // 60)
    sampled += _purge_divergences(database, divergences.c.at < before)
    with database.writing() as connection:
        forgotten = writers.c.at < before - FORGOTTEN_AFTER
        connection.execute(delete(writers).where(forgotten))
        silent = delete(sessions).where(sessions.c.at < before)
        silenced = connection.execute(silent).rowcount
    return Purged(
        progress=silenced,
        counts=_purge_minutes(database, counts, "minute", minute),
        latencies=_purge_minutes(
            database, latencies, "window", minute - LATENCY_WINDOW + 1
        ),
        divergences=sampled,
        losses=_purge_minutes(database, losses, "minute", minute),
    )


def _purge_beyond(database: Database, keep: int) -> int:
    newest_first = (divergences.c.at.desc(), divergences.c.id.desc())
    edge = (
        select(divergences.c.at, divergences.c.id)
        .order_by(*newest_first)
        .offset(max(keep, 0))
        .limit(1)
    )
    with database.reading() as connection:
        newest_to_go = connection.execute(edge).one_or_none()
    if newest_to_go is None:
        return 0
    place = tuple_(divergences.c.at, divergences.c.id)
    return _purge_divergences(database, place <= tuple_(*newest_to_go))


def _purge_divergences(database: Database, old: ColumnElement[bool]) -> int:
    some = select(divergences.c.id).where(old).limit(ROWS_AT_ONCE)
    statement = delete(divergences).where(divergences.c.id.in_(some))
    removed = 0
    while True:
        with database.writing() as connection:
            now = connection.execute(statement).rowcount
        removed += now
        if now < ROWS_AT_ONCE:
            return removed


def _purge_minutes(database: Database, table: Table, name: str, before: int) -> int:
    """Remove a few minutes in each transaction, the oldest first."""
    time = table.c[name]
    removed = 0
    while True:
        with database.writing() as connection:
            oldest = connection.execute(select(func.min(time))).scalar()
            if oldest is None or oldest >= before:
                return removed
            until = min(oldest + MINUTES_AT_ONCE, before)
            removed += connection.execute(delete(table).where(time < until)).rowcount
