"""What writing says to the database, in the words of its dialect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Executable, Table, case, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from shadow_middleware.evidence import SETTLED, Batch, Settlement
from shadow_middleware.exchange import Outcome
from shadow_middleware.store import knowledge_rows, rows
from shadow_middleware.store.engine import Database
from shadow_middleware.store.schema import (
    counts,
    divergences,
    groups,
    latencies,
    losses,
    noise,
    noise_bases,
    routes,
    rule_hits,
    rules,
    samples,
    sessions,
    signatures,
    uses,
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
        self.counts = self._merging(counts, adds=("count",))
        self.latencies = self._merging(latencies, adds=("count",))
        self.losses = self._merging(losses, adds=("count",))
        self.divergences: Executable = self._insert(divergences).on_conflict_do_nothing(
            index_elements=["exchange_id", "target"]
        )
        self.progress = self._merging(
            sessions, adds=("ended",), most=("selected", "at")
        )
        self.turn = self._taking_turn(writers)
        self.sightings = self._merging(
            groups, adds=("count",), least=("first_at",), most=("last_at",)
        )
        self.signatures = self._merging(signatures, most=("at",))
        self.samples = self._replacing(samples)
        self.noise = self._merging(noise, adds=knowledge_rows.CELL)
        self.noise_bases = self._merging(noise_bases, adds=("raw", "control", "probe"))
        self.rule_hits = self._merging(rule_hits, adds=("count",), most=("last_at",))
        self.routes = self._merging(routes, most=("at",))
        self.uses = self._merging(uses, adds=("seen", "mirrored"))
        self.rule: Executable = self._insert(rules).on_conflict_do_nothing(
            index_elements=["name"]
        )

    def for_batch(
        self, batch: Batch, at: float
    ) -> list[tuple[Executable, list[dict[str, Any]]]]:
        """Return the statements that write the batch at `at`, each with its rows."""
        work = (
            (self.counts, rows.count_rows(batch)),
            (self.latencies, rows.latency_rows(batch)),
            (self.losses, rows.loss_rows(batch)),
            (self.progress, rows.progress_rows(batch)),
            (self.divergences, rows.divergence_rows(batch)),
            (self.sightings, knowledge_rows.sighting_rows(batch)),
            (self.signatures, knowledge_rows.signature_rows(batch, at)),
            (self.samples, knowledge_rows.sample_rows(batch)),
            (self.noise, knowledge_rows.noise_rows(batch)),
            (self.noise_bases, knowledge_rows.noise_base_rows(batch)),
            (self.rule_hits, knowledge_rows.rule_hit_rows(batch)),
            (self.routes, knowledge_rows.route_rows(batch)),
            (self.uses, knowledge_rows.use_rows(batch)),
        )
        return [(statement, prepared) for statement, prepared in work if prepared]

    def _merging(
        self,
        table: Table,
        *,
        adds: Sequence[str] = (),
        least: Sequence[str] = (),
        most: Sequence[str] = (),
    ) -> Executable:
        """Insert a row, or merge it into the one there; other columns stay."""
        insert = self._insert(table)
        new = insert.excluded
        set_ = {name: table.c[name] + new[name] for name in adds}
        for name in least:
            smaller = new[name] < table.c[name]
            set_[name] = case((smaller, new[name]), else_=table.c[name])
        for name in most:
            larger = new[name] > table.c[name]
            set_[name] = case((larger, new[name]), else_=table.c[name])
        merged: Executable = insert.on_conflict_do_update(
            index_elements=list(table.primary_key.columns), set_=set_
        )
        return merged

    def _replacing(self, table: Table) -> Executable:
        """Insert a row in the place of an older one."""
        insert = self._insert(table)
        new = insert.excluded
        keys = list(table.primary_key.columns)
        others = [column for column in table.columns if column not in set(keys)]
        newer = tuple_(new.at, new.exchange_id) > tuple_(
            table.c.at, table.c.exchange_id
        )
        replaced: Executable = insert.on_conflict_do_update(
            index_elements=keys,
            set_={column.name: new[column.name] for column in others},
            where=newer,
        )
        return replaced

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
                "version": "",
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
