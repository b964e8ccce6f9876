"""
Removes old rows in small transactions, so that writers fit between.

Of live, rows go by their own time. A run goes whole, once nothing was heard of it for
so long: half of a run would look like all of it.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace
from sqlalchemy import ColumnElement, delete, select, tuple_

from shadow_middleware.evidence import LATENCY_WINDOW, Purged
from shadow_middleware.store.engine import Database
from shadow_middleware.store.purge_knowledge import (
    purge_learned,
    purge_older,
    purge_samples,
)
from shadow_middleware.store.purge_runs import purge_runs
from shadow_middleware.store.purge_sums import purge_counted
from shadow_middleware.store.schema import (
    LIVE,
    divergences,
    losses,
    runs,
    sessions,
    writers,
)
from shadow_middleware.store.sums import OF_COUNTS, OF_LATENCIES

__all__ = ["purge"]

ROWS_AT_ONCE: Final = 500
MINUTES_AT_ONCE: Final = 10
FORGOTTEN_AFTER: Final = 24 * 3600.0
"""Seconds after which no writer comes back with a batch it wrote before."""


def purge(database: Database, before: float | None, keep: int | None) -> Purged:
    """
    Remove what ended before `before`, and divergences beyond the newest `keep`.

    Of live and of each run, `keep` divergences stay.
    """
    sampled = 0
    if keep is not None:
        sampled += sum(_purge_beyond(database, keep, run) for run in _runs(database))
    if before is not None:
        old = (divergences.c.run == LIVE) & (divergences.c.at < before)
        sampled += _purge_divergences(database, old)
    purged = Purged(divergences=sampled, samples=purge_samples(database))
    if before is None:
        return purged
    purged = replace(purged, runs=purge_runs(database, before))
    return purge_learned(database, before, _purge_sums(database, before, purged))


def _runs(database: Database) -> list[str]:
    """Return live, and every run."""
    with database.reading() as connection:
        return [LIVE, *connection.execute(select(runs.c.id)).scalars()]


def _purge_sums(database: Database, before: float, purged: Purged) -> Purged:
    minute = int(before // 60)
    with database.writing() as connection:
        forgotten = writers.c.at < before - FORGOTTEN_AFTER
        connection.execute(delete(writers).where(forgotten))
        silent = delete(sessions).where(sessions.c.run == LIVE, sessions.c.at < before)
        silenced = connection.execute(silent).rowcount
    return replace(
        purged,
        progress=silenced,
        counts=purge_counted(database, OF_COUNTS, minute),
        latencies=purge_counted(
            database, OF_LATENCIES, minute - LATENCY_WINDOW + 1, LATENCY_WINDOW
        ),
        losses=purge_older(database, losses.c.minute, minute, MINUTES_AT_ONCE),
    )


def _purge_beyond(database: Database, keep: int, run: str) -> int:
    ours = divergences.c.run == run
    newest_first = (divergences.c.at.desc(), divergences.c.id.desc())
    edge = (
        select(divergences.c.at, divergences.c.id)
        .where(ours)
        .order_by(*newest_first)
        .offset(max(keep, 0))
        .limit(1)
    )
    with database.reading() as connection:
        newest_to_go = connection.execute(edge).one_or_none()
    if newest_to_go is None:
        return 0
    place = tuple_(divergences.c.at, divergences.c.id)
    return _purge_divergences(database, ours & (place <= tuple_(*newest_to_go)))


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
