"""Removes runs, each of them whole, in small transactions."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table, delete, select

from shadow_middleware.evidence import RunState
from shadow_middleware.store.engine import Database
from shadow_middleware.store.schema import (
    count_spans,
    count_times,
    counts,
    divergences,
    latencies,
    latency_spans,
    latency_times,
    losses,
    noise,
    noise_bases,
    rule_hits,
    run_groups,
    runs,
    samples,
    sessions,
    uses,
)

__all__ = ["purge_runs", "remove_run"]

ROWS_AT_ONCE: Final = 500
SUMS: Final = (
    counts,
    count_spans,
    count_times,
    latencies,
    latency_spans,
    latency_times,
    losses,
    noise,
    noise_bases,
    rule_hits,
    run_groups,
    samples,
    sessions,
    uses,
)


def purge_runs(database: Database, before: float) -> int:
    """Remove the runs of which nothing was heard since; return how many."""
    old = select(runs.c.id).where(runs.c.at < before)
    with database.reading() as connection:
        names = list(connection.execute(old).scalars())
    return sum(remove_run(database, name) for name in names)


def remove_run(database: Database, run: str) -> bool:
    """Remove one run and all that was counted in it; False where there is none."""
    # What is left of it when this is interrupted is not taken for a whole one.
    stopped = runs.update().where(runs.c.id == run)
    with database.writing() as connection:
        found = connection.execute(stopped.values(state=str(RunState.STOPPED)))
    if not run or not found.rowcount:
        return False
    _remove_divergences(database, run)
    for table in SUMS:
        _remove_all(database, table, run)
    with database.writing() as connection:
        connection.execute(delete(runs).where(runs.c.id == run))
    return True


def _remove_divergences(database: Database, run: str) -> None:
    ours = select(divergences.c.id).where(divergences.c.run == run)
    some = delete(divergences).where(divergences.c.id.in_(ours.limit(ROWS_AT_ONCE)))
    while True:
        with database.writing() as connection:
            if connection.execute(some).rowcount < ROWS_AT_ONCE:
                return


def _remove_all(database: Database, table: Table, run: str) -> None:
    with database.writing() as connection:
        connection.execute(delete(table).where(table.c.run == run))
