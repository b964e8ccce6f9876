"""What writing says to the database, in the words of its dialect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Executable, Table, case, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shadow_middleware.evidence import SETTLED, Batch, Settlement
from shadow_middleware.exchange import Outcome
from shadow_middleware.store import rows
from shadow_middleware.store.engine import Database
from shadow_middleware.store.schema import (
    counts,
    divergences,
    latencies,
    losses,
    sessions,
    writers,
)

__all__ = ["NO_ROUTE", "Statements", "settle"]

NO_ROUTE: Final = "-"
"""The route of what was dropped before it had one."""


class Statements:
    """The statements of one database. All of them lock rows in the order of keys."""

    def __init__(self, database: Database) -> None:
        # The two `insert` are alike in all that is used here, and share no base.
        dialect: Any = sqlite if database.is_sqlite else postgresql
        self._insert: Callable[[Table], Any] = dialect.insert
        self.counts = self._adding(counts)
        self.latencies = self._adding(latencies)
        self.losses = self._adding(losses)
        self.divergences: Executable = self._insert(divergences).on_conflict_do_nothing(
            index_elements=["exchange_id", "target"]
        )
        self.progress = self._advancing(sessions)
        self.turn = self._taking_turn(writers)

    def for_batch(self, batch: Batch) -> list[tuple[Executable, list[dict[str, Any]]]]:
        """Return the statements that write the batch, each with its rows."""
        work = (
            (self.counts, rows.count_rows(batch)),
            (self.latencies, rows.latency_rows(batch)),
            (self.losses, rows.loss_rows(batch)),
            (self.progress, rows.progress_rows(batch)),
            (self.divergences, rows.divergence_rows(batch)),
        )
        return [(statement, prepared) for statement, prepared in work if prepared]

    def _adding(self, table: Table) -> Executable:
        insert = self._insert(table)
        added: Executable = insert.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={"count": table.c.count + insert.excluded.count},
        )
        return added

    def _advancing(self, table: Table) -> Executable:
        """Add what ended; keep the largest of what only grows."""
        insert = self._insert(table)
        set_ = {"ended": table.c.ended + insert.excluded.ended}
        for name in ("selected", "at"):
            there, new = table.c[name], insert.excluded[name]
            set_[name] = case((new > there, new), else_=there)
        advanced: Executable = insert.on_conflict_do_update(
            index_elements=["session", "target"], set_=set_
        )
        return advanced

    def _taking_turn(self, table: Table) -> Executable:
        """Note a batch's number and return it; nothing where it was noted before."""
        insert = self._insert(table)
        taken: Executable = insert.on_conflict_do_update(
            index_elements=["writer"],
            set_={"number": insert.excluded.number, "at": insert.excluded.at},
            where=table.c.number < insert.excluded.number,
        ).returning(table.c.number)
        return taken


def settle(
    connection: Connection, statements: Statements, settlements: Sequence[Settlement]
) -> None:
    """Count as dropped what dead agents were handed and never saw to its end."""
    for settlement in sorted(settlements, key=lambda one: (one.session, one.target)):
        missing = _close_account(connection, statements, settlement)
        if missing > 0:
            row = {
                "minute": settlement.minute,
                "target": rows.fit(settlement.target),
                "route": NO_ROUTE,
                "outcome": str(Outcome.DROPPED),
                "reason": SETTLED,
                "count": missing,
            }
            connection.execute(statements.counts, [row])


def _close_account(
    connection: Connection, statements: Statements, settlement: Settlement
) -> int:
    """Set what has ended to what was handed over; return how much that adds."""
    key = {
        "session": rows.fit(settlement.session),
        "target": rows.fit(settlement.target),
    }
    at = settlement.minute * 60.0
    opened = {**key, "selected": settlement.handed, "ended": 0, "at": at}
    connection.execute(statements.progress, [opened])
    here = (sessions.c.session == key["session"]) & (sessions.c.target == key["target"])
    ended = connection.execute(select(sessions.c.ended).where(here)).scalar_one()
    missing = settlement.handed - int(ended)
    if missing > 0:
        closed = update(sessions).where(here).values(ended=settlement.handed)
        connection.execute(closed)
    return missing
