"""Removes runs, each of them whole, in short transactions."""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, select

from shadow_middleware.evidence import RunState
from shadow_middleware.store.engine import Database
from shadow_middleware.store.pace import Pace
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

EVIDENCE: Final = (
    divergences,
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


def purge_runs(database: Database, before: float, pace: Pace) -> int:
    """Remove the runs of which nothing was heard since; return how many."""
    old = select(runs.c.id).where(runs.c.at < before)
    with database.reading() as connection:
        names = list(connection.execute(old).scalars())
    return sum(remove_run(database, name, pace) for name in names)


def remove_run(database: Database, run: str, pace: Pace) -> bool:
    """Remove one run and all that was counted in it; False where there is none."""
    # What is left of it when this is interrupted is not taken for a whole one.
    stopped = runs.update().where(runs.c.id == run)
    with database.writing() as connection:
        found = connection.execute(stopped.values(state=str(RunState.STOPPED)))
    if not run or not found.rowcount:
        return False
    for table in EVIDENCE:
        pace.remove(database, table, table.c.run == run)
    with database.writing() as connection:
        connection.execute(delete(runs).where(runs.c.id == run))
    return True
