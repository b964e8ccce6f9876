"""What is learned and decided, in SQLite or Postgres: reading it, and deciding."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Delete, Executable, Update, delete, update

from shadow_middleware.evidence import Revision
from shadow_middleware.knowledge import (
    DAY,
    Decision,
    Group,
    GroupFilter,
    Known,
    KnownRoute,
    NoiseBase,
    NoiseCount,
    RouteUse,
    RuleTotal,
    SharedRule,
    Signature,
    VersionSeen,
    Weighed,
    latest_eras,
)
from shadow_middleware.store import knowledge_queries as queries
from shadow_middleware.store import knowledge_rows, rows, sum_queries
from shadow_middleware.store.engine import Database
from shadow_middleware.store.queries import minutes_kept_from
from shadow_middleware.store.schema import groups, rules
from shadow_middleware.store.statements import Statements
from shadow_middleware.store.sums import HOUR

__all__ = ["SqlKnowledge"]

_logger = logging.getLogger("shadow_middleware.store")

EVERY: Final = GroupFilter()
MOST_TO_COME: Final = 366
"""Days that a clock may be ahead, at most, for its counts to be read."""
MOST_CELLS: Final = 200_000
"""Cells of noise that one reading gives; where days are apart, those of the newest."""


class SqlKnowledge:
    """The part of `SqlStore` that knows groups, noise, rules and routes."""

    def __init__(
        self, database: Database, run: str, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._run = run
        self._statements = Statements(database, run)
        self._clock = clock
        self._noted: set[tuple[str, object]] = set()
        self._older: tuple[object, list[NoiseCount]] = ((), [])
        """Cells of days that are over, with the state that they were read in."""

    def revision(self) -> Revision:
        """Return which state of the evidence and of what was decided this is."""
        found = {row[0]: row for row in self._rows(queries.revision())}
        _, count, number, at = found.get(False, (False, 0, 0, 0.0))
        _, _, decisions, decided = found.get(True, (True, 0, 0, 0.0))
        return Revision((count, int(number), at), (int(decisions), decided))

    def _moved(self, connection: Connection, name: str) -> None:
        """Note that something was written which no writer counts."""
        row = {"writer": name, "number": 1, "at": self._clock()}
        connection.execute(self._statements.move, row)

    def versions(
        self, target: str | None = None, since: int | None = None
    ) -> list[VersionSeen]:
        """Return every version of each target, the latest seen first."""
        by_hours = since is not None and since < self._minutes_kept_from()
        since, _ = self._whole(since, None)
        found = self._rows(sum_queries.versions_of(since, target, by_hours=by_hours))
        return [
            VersionSeen(row[0], row[1], row[2], row[3], int(row[4])) for row in found
        ]

    def groups(
        self, where: GroupFilter | None = None, *, limit: int = 1_000, offset: int = 0
    ) -> list[Group]:
        """Return groups that fit `where`, those with the most divergences first."""
        found = self._rows(
            queries.groups_where(where or EVERY, limit, offset, self._run)
        )
        return [knowledge_rows.to_group(row._mapping) for row in found]

    def count_groups(self, where: GroupFilter | None = None) -> int:
        """Return how many groups fit `where`."""
        return int(self._rows(queries.count_groups(where or EVERY, self._run))[0][0])

    def signatures(self) -> list[Signature]:
        """Return what each signature of several groups stands for."""
        found = self._rows(queries.all_signatures())
        return [Signature(row.signature, tuple(row.groups)) for row in found]

    def noise(
        self,
        since_day: int | None = None,
        target: str | None = None,
        route: str | None = None,
    ) -> list[NoiseCount]:
        """Return what was counted of noise, each day apart."""
        found = self._rows(queries.noise_since(since_day, target, self._run, route))
        return [NoiseCount(*row) for row in found]

    def noise_bases(
        self,
        since_day: int | None = None,
        target: str | None = None,
        route: str | None = None,
    ) -> list[NoiseBase]:
        """Return what the counts of noise are shares of, each day apart."""
        asked = queries.noise_bases_since(since_day, target, self._run, route)
        return [NoiseBase(*row) for row in self._rows(asked)]

    def weighed(self, worth: Mapping[int, float]) -> Weighed:
        """Return what is known of noise, the days added up, in one reading."""
        run = self._run
        worth = self._to_come(worth)
        with self._database.snapshot() as connection:
            cells = self._given(
                connection, queries.weighed_noise(worth, MOST_CELLS, run)
            )
            bases = self._given(connection, queries.weighed_bases(worth, run))
            seen = self._given(connection, queries.all_groups(run))
            eras = self._given(connection, queries.eras_of(min(worth), run))
        return Weighed(
            cells=[NoiseCount(0, *row) for row in cells],
            bases=[NoiseBase(0, *row) for row in bases],
            groups=[knowledge_rows.group_of(row) for row in seen],
            eras=latest_eras(eras),
        )

    def eras(self, since_day: int) -> dict[str, str]:
        """Return the live version of each target that was seen most on its last day."""
        found = self._rows(queries.eras_of(since_day, self._run))
        return latest_eras(found)

    def cells_tested(
        self, worth: Mapping[int, float], target: str, least: float
    ) -> int:
        """Return how many cells of a target two answers of one version have shown."""
        worth = self._to_come(worth)
        asked = queries.cells_tested(worth, target, least, self._run)
        return int(self._rows(asked)[0][0])

    def _to_come(self, worth: Mapping[int, float]) -> dict[int, float]:
        """Add the days to come that clocks ahead of ours have counted already."""
        found = self._rows(queries.last_day(self._run))[0]
        first = max(worth) + 1
        last = min(first + MOST_TO_COME, max(day or 0 for day in found))
        return {**worth, **dict.fromkeys(range(first, last + 1), 1.0)}

    def known(self, since_day: int) -> Known:
        """Return all that an agent judges by, in one reading."""
        run = self._run
        with self._database.snapshot() as connection:
            cells = self._cells(connection, since_day)
            shares = queries.noise_bases_since(since_day, run=run)
            bases = self._asked(connection, shares)
            seen = self._asked(connection, queries.groups_to_know(since_day, run))
            added = self._asked(connection, queries.all_rules())
        if len(cells) == MOST_CELLS:
            self._note_once(
                "the store holds more noise than is read at once: beyond %d cells "
                "only the newest days count",
                MOST_CELLS,
            )
        return Known(
            cells=cells,
            bases=[NoiseBase(*row) for row in bases],
            groups=[knowledge_rows.to_group(row._mapping) for row in seen],
            rules=self._understood(added),
        )

    def _cells(self, connection: Connection, since_day: int) -> list[NoiseCount]:
        """Return the cells of noise; those of days that are over are read once."""
        run, today = self._run, max(since_day, int(self._clock() // DAY))
        newest = self._asked(connection, queries.newest_noise(today, MOST_CELLS, run))
        moved = queries.state_of_noise(since_day, today, run)
        state = (since_day, today, *self._asked(connection, moved)[0])
        held, older = self._older
        if held != state:
            asked = queries.newest_noise(since_day, MOST_CELLS, run, today)
            older = [NoiseCount(*row) for row in self._asked(connection, asked)]
            self._older = state, older
        return [NoiseCount(*row) for row in newest] + older[: MOST_CELLS - len(newest)]

    def rules(self) -> list[SharedRule]:
        """Return the rules that were added at run time, by name."""
        return self._understood(self._rows(queries.all_rules()))

    def _understood(self, found: Iterable[Any]) -> list[SharedRule]:
        """Return the rules that this version can read; say once which it cannot."""
        understood = []
        for row in found:
            try:
                understood.append(knowledge_rows.to_shared_rule(row._mapping))
            except msgspec.ValidationError as error:
                self._note_once(
                    "the rule %r of the store does not apply here: another version "
                    "of shadow-middleware wrote it, and this one cannot read it: %s",
                    row.name,
                    error,
                )
        return understood

    def _note_once(self, message: str, subject: object, *more: object) -> None:
        """Log what is read again every few seconds, but say it once."""
        if (message, subject) not in self._noted:
            self._noted.add((message, subject))
            _logger.warning(message, subject, *more)

    def rule_totals(self) -> list[RuleTotal]:
        """Return how often each rule explained what, of all that ever fired."""
        return [RuleTotal(*row) for row in self._rows(queries.totals_of_rules())]

    def routes(self) -> list[KnownRoute]:
        """Return the routes that apps have listed, by name."""
        return [KnownRoute(*row) for row in self._rows(queries.all_routes())]

    def uses(self, since_day: int | None = None) -> list[RouteUse]:
        """Return how often live traffic used each route, summed over days (`day` 0)."""
        found = self._rows(queries.uses_since(since_day))
        return [
            RouteUse(0, route, status_class, int(seen), int(mirrored))
            for route, status_class, seen, mirrored in found
        ]

    def decide(self, decision: Decision) -> bool:
        """
        Note a decision about a group; False where no such group is known.

        Raises:
            ValueError: the state is one that no person decides.
        """
        values = knowledge_rows.decided(decision)
        here = groups.c.fingerprint == rows.fit(decision.group)
        # A decision about nothing still has to find its group.
        values = values or {"fingerprint": groups.c.fingerprint}
        return self._changes(update(groups).where(here).values(values))

    def add_rule(self, rule: SharedRule) -> bool:
        """Add a rule for every process; False where one of that name is there."""
        row = knowledge_rows.rule_row(rule)
        with self._database.writing() as connection:
            self._moved(connection, queries.DECISIONS)
            return connection.execute(self._statements.rule, row).first() is not None

    def remove_rule(self, name: str) -> bool:
        """Remove a rule that was added at run time; False where there is none."""
        here = rules.c.name == knowledge_rows.fit_rule(name)
        return self._changes(delete(rules).where(here))

    def _changes(self, statement: Update | Delete) -> bool:
        with self._database.writing() as connection:
            self._moved(connection, queries.DECISIONS)
            return connection.execute(statement).rowcount > 0

    def _whole(
        self, since: int | None, until: int | None
    ) -> tuple[int | None, int | None]:
        """Return the minutes as they can be told: where minutes went, in whole hours."""
        if since is None and until is None:
            return since, until
        kept_from = self._minutes_kept_from()
        if since is not None and since < kept_from:
            since -= since % HOUR
        if until is not None and until < kept_from:
            until = -(-until // HOUR) * HOUR
        return since, until

    def _minutes_kept_from(self) -> int:
        """Return the minute before which only whole hours are told apart."""
        return int((self._rows(minutes_kept_from())[0][0] or 0.0) // 60)

    def _rows(self, statement: Executable) -> list[Any]:
        with self._database.reading() as connection:
            return self._asked(connection, statement)

    def _plain(self, statement: Executable) -> list[Any]:
        """Read many rows of numbers and texts as the driver gives them."""
        with self._database.reading() as connection:
            return self._given(connection, statement)

    def _given(self, connection: Connection, statement: Executable) -> list[Any]:
        # Nothing is made of them on the way, so that thousands cost half.
        found = connection.execute(statement, {"run": self._run})
        return list(found.cursor.fetchall())

    def _asked(self, connection: Connection, statement: Executable) -> list[Any]:
        # All at once: row by row costs three times as much.
        return list(connection.execute(statement, {"run": self._run}).all())
