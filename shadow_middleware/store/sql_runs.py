"""Offline replays, in SQLite or Postgres: what they are, and how far each has come."""

from __future__ import annotations

import copy
from typing import Self

from sqlalchemy import insert, select, update

from shadow_middleware.evidence import Mark, Run
from shadow_middleware.store.pace import Pace
from shadow_middleware.store.purge_runs import remove_run
from shadow_middleware.store.run_rows import run_row, to_mark, to_run
from shadow_middleware.store.schema import runs
from shadow_middleware.store.sql_targets import SqlTargets
from shadow_middleware.store.statements import Statements

__all__ = ["SqlRuns"]


class SqlRuns(SqlTargets):
    """The part of `SqlStore` that knows runs."""

    def of_run(self, run: str) -> Self:
        """Return the same store for the evidence of one run; '' is live's."""
        other = copy.copy(self)
        other._run = run
        other._statements = Statements(self._database, run)
        return other

    def begin_run(self, run: Run) -> None:
        """Take note of a run that begins."""
        row = run_row(run) | {"settled": 0, "beyond": [], "claimed": 0}
        with self._database.writing() as connection:
            connection.execute(insert(runs), row)

    def keep_run(self, run: Run) -> None:
        """Take note of what a run says of itself now."""
        row = run_row(run)
        here = update(runs).where(runs.c.id == row.pop("id"))
        with self._database.writing() as connection:
            connection.execute(here.values(row))

    def claim(self, run: str, place: int) -> None:
        """Take note that no write of the run is sent from `place` on."""
        here = update(runs).where(runs.c.id == run)
        with self._database.writing() as connection:
            connection.execute(here.values(claimed=place))

    def mark(self, run: str) -> Mark | None:
        """Return how far a run has come; None where there is none."""
        found = self._rows(select(runs).where(runs.c.id == run))
        return to_mark(found[0]._mapping) if found else None

    def runs(self) -> list[Run]:
        """Return every run, the latest begun first."""
        newest = select(runs).order_by(runs.c.started_at.desc(), runs.c.id)
        return [to_run(row._mapping) for row in self._rows(newest)]

    def remove_run(self, run: str) -> bool:
        """Remove a run and all that was counted in it; False where there is none."""
        return remove_run(self._database, run, Pace())
