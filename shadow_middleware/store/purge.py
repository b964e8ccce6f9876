"""
Removes old rows in short transactions, so that writers fit between.

Of live, rows go by their own time. A run goes whole, once nothing was heard of it for
so long: half of a run would look like all of it.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, and_, delete, select

from shadow_middleware.evidence import LATENCY_WINDOW, Purged
from shadow_middleware.retention import What, Why
from shadow_middleware.store.engine import Database
from shadow_middleware.store.pace import Pace
from shadow_middleware.store.purge_divergences import purge_before, purge_beyond
from shadow_middleware.store.purge_knowledge import purge_learned, purge_samples
from shadow_middleware.store.purge_runs import purge_runs
from shadow_middleware.store.purge_sums import purge_counted, purge_minutes
from shadow_middleware.store.removing import note_removed
from shadow_middleware.store.schema import LIVE, losses, runs, sessions, writers
from shadow_middleware.store.sums import HOUR, OF_COUNTS, OF_LATENCIES, start_of

__all__ = ["Bounds", "purge"]

FORGOTTEN_AFTER: Final = 24 * 3600.0
"""Seconds after which no writer comes back with a batch it wrote before."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What has to go, with times in Unix seconds. None is no bound."""

    divergences: float | None = None
    """Stored divergences that were served before."""
    minutes: float | None = None
    """What is told apart by less than an hour."""
    sums: float | None = None
    """Everything that was counted, what was learned, and whole runs."""
    rows: int | None = None
    """Divergences to keep of live, and of each run."""
    bytes: int | None = None
    """What those may weigh."""
    why: Why = Why.AGE
    """Why what is too old goes."""


def purge(database: Database, bounds: Bounds, pace: Pace) -> Purged:
    """
    Remove what is out of bounds.

    Raises:
        Interrupted: by the pace; what was removed so far stays removed.
    """
    purged = Purged(divergences=_purge_stored(database, bounds, pace))
    purged = replace(purged, samples=purge_samples(database, pace))
    if bounds.minutes is not None:
        purged = _purge_minutes(database, int(bounds.minutes // 60), purged, pace)
    if bounds.sums is None:
        return purged
    purged = replace(purged, runs=_purge_runs(database, bounds.sums, bounds.why, pace))
    purged = _purge_sums(database, bounds.sums, purged, pace, bounds.why)
    return purge_learned(database, bounds.sums, purged, pace)


def _purge_stored(database: Database, bounds: Bounds, pace: Pace) -> int:
    removed = 0
    if bounds.divergences is not None:
        removed += purge_before(database, bounds.divergences, bounds.why, pace)
    if bounds.rows is None and bounds.bytes is None:
        return removed
    with database.reading() as connection:
        names = [LIVE, *connection.execute(select(runs.c.id)).scalars()]
    return removed + sum(
        purge_beyond(database, bounds.rows, bounds.bytes, run, pace) for run in names
    )


def _purge_minutes(
    database: Database, minute: int, purged: Purged, pace: Pace
) -> Purged:
    # Said first: whoever reads from now on asks for whole hours before it.
    upto = start_of(minute, HOUR) * 60.0
    with database.writing() as connection:
        note_removed(connection, database, What.MINUTES, Why.AGE, {"": 0}, upto)
    return replace(
        purged,
        counts=purge_minutes(database, OF_COUNTS, minute, 1, pace),
        latencies=purge_minutes(database, OF_LATENCIES, minute, LATENCY_WINDOW, pace),
    )


def _purge_runs(database: Database, before: float, why: Why, pace: Pace) -> int:
    removed = purge_runs(database, before, pace)
    with database.writing() as connection:
        note_removed(connection, database, What.RUNS, why, {"": removed}, before)
    return removed


def _purge_sums(
    database: Database, before: float, purged: Purged, pace: Pace, why: Why
) -> Purged:
    minute = int(before // 60)
    with database.writing() as connection:
        forgotten = writers.c.at < before - FORGOTTEN_AFTER
        connection.execute(delete(writers).where(forgotten))
        silenced = _purge_sessions(connection, database, before, why)
    counts = purge_counted(database, OF_COUNTS, minute, 1, pace, why)
    times = purge_counted(database, OF_LATENCIES, minute, LATENCY_WINDOW, pace, why)
    old = (losses.c.run == LIVE) & (losses.c.minute < minute)
    return replace(
        purged,
        progress=silenced,
        counts=purged.counts + counts,
        latencies=purged.latencies + times,
        losses=pace.remove(database, losses, old),
    )


def _purge_sessions(
    connection: Connection, database: Database, before: float, why: Why
) -> int:
    """Forget sessions that are silent, and say what they never saw to its end."""
    silent = and_(sessions.c.run == LIVE, sessions.c.at < before)
    gone = connection.execute(
        delete(sessions)
        .where(silent)
        .returning(sessions.c.target, sessions.c.selected - sessions.c.ended)
    ).all()
    unended: dict[str, int] = {}
    for target, missing in gone:
        unended[target] = unended.get(target, 0) + max(0, int(missing))
    note_removed(connection, database, What.UNACCOUNTED, why, unended, before)
    return len(gone)
