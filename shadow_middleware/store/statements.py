"""What writing says to the database, in the words of its dialect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    Connection,
    Executable,
    Table,
    and_,
    bindparam,
    case,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from shadow_middleware.evidence import NO_ROUTE, SETTLED, Batch, Mark, Settlement
from shadow_middleware.exchange import Outcome
from shadow_middleware.store import knowledge_rows, merging, rows
from shadow_middleware.store.engine import Database
from shadow_middleware.store.merging import Merge, Row
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
    run_groups,
    runs,
    samples,
    sessions,
    signatures,
    uses,
    writers,
)
from shadow_middleware.store.sums import OF_COUNTS, OF_LATENCIES, SUMS, Sum

__all__ = ["Statements", "settle"]


class Statements:
    """The statements of one database. All of them lock rows in the order of keys."""

    def __init__(self, database: Database, run: str = "") -> None:
        self.run = run
        """Whose evidence is written: '' is live's."""
        # The two `insert` are alike in all that is used here, and share no base.
        dialect: Any = sqlite if database.is_sqlite else postgresql
        self.insert: Callable[[Table], Any] = dialect.insert
        self._in_columns = not database.is_sqlite
        self.counts = self._adding(counts)
        self.latencies = self._adding(latencies)
        self.losses = self._adding(losses)
        self.sums = {one.table: self._adding(one.table) for one in SUMS}
        self.divergences: Executable = self.insert(divergences).on_conflict_do_nothing(
            index_elements=["run", "exchange_id", "target"]
        )
        self.progress = self._merging(sessions, merging.PROGRESS)
        self.turn = self._taking_turn(writers)
        self.move = self._counting_up(writers)
        self.sightings = self._merging(groups, merging.SIGHTING)
        self.known: Executable = self.insert(groups).on_conflict_do_nothing(
            index_elements=["fingerprint"]
        )
        self.run_sightings = self._merging(run_groups, merging.SIGHTING)
        self.signatures = self._merging(signatures, merging.SIGNATURE)
        self.samples = self._replacing(samples, merging.SAMPLE)
        self.noise = self._merging(noise, merging.NOISE)
        self.noise_bases = self._merging(noise_bases, merging.NOISE_BASE)
        self.rule_hits = self._merging(rule_hits, merging.RULE_HIT)
        self.routes = self._merging(routes, merging.ROUTE)
        self.uses = self._merging(uses, merging.USE)
        self.rule = self._adding_rule(rules)

    def for_batch(
        self, batch: Batch, at: float
    ) -> list[tuple[Executable, list[dict[str, Any]]]]:
        """Return the statements that write the batch at `at`, each with its rows."""
        work = (
            *self.summing(self.counts, OF_COUNTS, rows.count_rows(batch)),
            *self.summing(self.latencies, OF_LATENCIES, rows.latency_rows(batch)),
            (self.losses, self.columns(self._ours(rows.loss_rows(batch)))),
            (self.progress, self._ours(rows.progress_rows(batch))),
            (self.divergences, self._ours(rows.divergence_rows(batch))),
            *self._sighted(knowledge_rows.sighting_rows(batch)),
            (self.signatures, knowledge_rows.signature_rows(batch, at)),
            (self.samples, self._ours(knowledge_rows.sample_rows(batch))),
            (self.noise, self._ours(knowledge_rows.noise_rows(batch))),
            (self.noise_bases, self._ours(knowledge_rows.noise_base_rows(batch))),
            (self.rule_hits, self._ours(knowledge_rows.rule_hit_rows(batch))),
            (self.routes, knowledge_rows.route_rows(batch)),
            (self.uses, self._ours(knowledge_rows.use_rows(batch))),
            *self._marked(batch.mark, at),
        )
        return [(statement, prepared) for statement, prepared in work if prepared]

    def summing(
        self, into: Executable, sums: Iterable[Sum], prepared: list[Row]
    ) -> list[tuple[Executable, list[Row]]]:
        """Return what adds rows of counts or latencies, and adds them to their sums."""
        return [
            (into, self.columns(self._ours(prepared))),
            *(
                (
                    self.sums[one.table],
                    self.columns(self._ours(one.rows(prepared, one.spans))),
                )
                for one in sums
            ),
        ]

    def columns(self, prepared: list[Row]) -> list[Row]:
        """Return the rows of what is added as such a statement wants them."""
        if not (prepared and self._in_columns):
            return prepared
        return [{name: [row[name] for row in prepared] for name in prepared[0]}]

    def _ours(self, prepared: list[Row]) -> list[Row]:
        """Say of each row which run it is of."""
        for row in prepared:
            row["run"] = self.run
        return prepared

    def _sighted(self, seen: list[Row]) -> list[tuple[Executable, list[Row]]]:
        """Count groups where they belong: live's numbers are live's alone."""
        if not self.run:
            return [(self.sightings, seen)]
        return [
            (self.known, [row | knowledge_rows.NEVER_LIVE for row in seen]),
            (
                self.run_sightings,
                [knowledge_rows.run_row(row, self.run) for row in seen],
            ),
        ]

    def _marked(
        self, mark: Mark | None, at: float
    ) -> list[tuple[Executable, list[Row]]]:
        if mark is None:
            return []
        marked = update(runs).where(runs.c.id == self.run)
        values = {"settled": mark.settled, "beyond": [*mark.beyond], "at": at}
        return [(marked.values(values), [{}])]

    def _adding(self, table: Table) -> Executable:
        """
        Insert rows, or add them to those that are there; see `columns`.

        All agents add to the same rows of a minute, so one of them at a time: Postgres
        gets all rows in one statement, which is what keeps the others out least.
        """
        insert = self.insert(table)
        if self._in_columns:
            names = [column.name for column in table.columns]
            arrays = (
                func.unnest(bindparam(one.name, type_=ARRAY(one.type)))
                for one in table.columns
            )
            insert = insert.from_select(names, select(*arrays))
        added: Executable = insert.on_conflict_do_update(
            index_elements=table.primary_key.columns.keys(),
            set_={"count": table.c["count"] + insert.excluded["count"]},
        )
        return added

    def _merging(self, table: Table, how: Merge) -> Executable:
        """Insert a row, or merge it into the one that is there."""
        insert = self.insert(table)
        there, new = table.c, insert.excluded
        set_ = {name: there[name] + new[name] for name in how.adds}
        for name in how.least:
            smaller = new[name] < there[name]
            set_[name] = case((smaller, new[name]), else_=there[name])
        for name in how.most:
            larger = new[name] > there[name]
            set_[name] = case((larger, new[name]), else_=there[name])
        merged: Executable = insert.on_conflict_do_update(
            index_elements=table.primary_key.columns.keys(), set_=set_
        )
        return merged

    def _replacing(self, table: Table, how: Merge) -> Executable:
        """Insert a row, or put it in the place of an older one."""
        insert = self.insert(table)
        there, new = table.c, insert.excluded
        keys = table.primary_key.columns.keys()
        names = [column.name for column in table.columns]
        replaced: Executable = insert.on_conflict_do_update(
            index_elements=keys,
            set_={name: new[name] for name in names if name not in keys},
            where=tuple_(*(new[name] for name in how.newest))
            > tuple_(*(there[name] for name in how.newest)),
        )
        return replaced

    def _adding_rule(self, table: Table) -> Executable:
        """Insert a rule and return its name; nothing where one of it is there."""
        insert = self.insert(table).on_conflict_do_nothing(index_elements=["name"])
        added: Executable = insert.returning(table.c.name)
        return added

    def _counting_up(self, table: Table) -> Executable:
        """Count one more of a name: whoever remembers what was before looks again."""
        insert = self.insert(table)
        counted: Executable = insert.on_conflict_do_update(
            index_elements=["writer"],
            set_={"number": table.c.number + 1, "at": insert.excluded.at},
        )
        return counted

    def _taking_turn(self, table: Table) -> Executable:
        """Note a batch's number and return it; nothing where it was noted before."""
        insert = self.insert(table)
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
            for statement, some in statements.summing(
                statements.counts, OF_COUNTS, [row]
            ):
                connection.execute(statement, some)


def _close_account(
    connection: Connection, statements: Statements, settlement: Settlement
) -> int:
    """Set what has ended to what was handed over; return how much that adds."""
    key = {
        "run": statements.run,
        "session": rows.fit(settlement.session),
        "target": rows.fit(settlement.target),
    }
    at = settlement.minute * 60.0
    here = and_(*(sessions.c[name] == value for name, value in key.items()))
    asked = select(sessions.c.ended).where(here)
    before = connection.execute(asked.with_for_update()).first()
    opened = {**key, "selected": settlement.handed, "ended": 0, "at": at}
    connection.execute(statements.progress, [opened])
    opened_now = before is None and settlement.opens
    ended = 0 if before is None else before.ended
    missing = 0 if opened_now else settlement.handed - int(ended)
    if missing > 0 or opened_now:
        closed = update(sessions).where(here).values(ended=settlement.handed)
        connection.execute(closed)
    return missing
