"""Evidence in SQLite or Postgres, through SQLAlchemy Core."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Executable

from shadow_middleware.errors import StoreError
from shadow_middleware.evidence import (
    ANY,
    Batch,
    Counted,
    DivergenceFilter,
    Hinted,
    LatencyTotal,
    Loss,
    Progress,
    StepLatency,
    StepTotal,
    StoredDivergence,
    Total,
)
from shadow_middleware.exchange import Outcome
from shadow_middleware.store import queries, rows, sum_queries
from shadow_middleware.store.engine import Database
from shadow_middleware.store.skew import moved
from shadow_middleware.store.sql_partitions import SqlPartitions
from shadow_middleware.store.sql_places import keep_places, note_passed
from shadow_middleware.store.sql_upkeep import SqlUpkeep
from shadow_middleware.store.statements import settle
from shadow_middleware.store.sums import HOUR
from shadow_middleware.store.upgrade import ensure_schema

__all__ = ["SqlStore"]

UNNAMED = "(unnamed)"
"""What counts batches that nobody writes twice among the writers."""

NAMED_AT_ONCE = 1_000
"""Reasons, or groups, that one statement names."""

_OUTCOMES: Final = {str(one): one for one in Outcome}
"""By what is stored: asked for tens of thousands of times by one page."""

MOST_DIGITS = 18
"""Digits of the largest row number that fits both databases."""


class SqlStore(SqlUpkeep):
    """
    A store, a reader, a curator, a purger and a list of runs over one database.

    Any number of processes and hosts may write to it at once: what they write adds
    up. Opening it creates and upgrades the tables.

    Args:
        url: `sqlite:///file`, or `postgresql://user:password@host:port/database`.
        create: False only looks: a file or tables that are missing are an error.
        clock: Seconds since the epoch.
        run: Whose evidence is written and read: that of this run; '' is live's.

    Raises:
        ConfigurationError: `url` is not the address of a store.
        MissingExtraError: Postgres needs a package that is not installed.
        StoreError: the database cannot be used, and why.
    """

    def __init__(
        self,
        url: str,
        *,
        create: bool = True,
        clock: Callable[[], float] = time.time,
        run: str = "",
    ) -> None:
        super().__init__(Database(url, create=create), run, clock)
        try:
            # Seen before the first connection: what is replaced later is noticed.
            self._file = self._database.file_identity()
            ensure_schema(self._database, create=create)
        except BaseException:
            self._database.close()
            raise

    def write(self, batch: Batch) -> None:
        """Add the batch to what is there, all of it or nothing."""
        if self._database.file_identity() != self._file:
            raise StoreError(f"the store {self._database.label} was removed")
        if behind := self._skew.seconds():
            batch = moved(batch, behind)
        now = self.time()
        work = self._statements.for_batch(batch, now)
        with self._database.writing() as connection:
            if self._is_new(connection, batch, now):
                keep_places(connection, batch)
                settle(connection, self._statements, batch.settlements)
                for statement, prepared in work:
                    connection.execute(statement, prepared)
                note_passed(connection, self._statements, batch.passed, now)

    def partitions(self, stream: str) -> SqlPartitions:
        """Return the leases of a broker's stream; see `partitions.Partitions`."""
        return SqlPartitions(self._database, stream, self._clock)

    def _is_new(self, connection: Connection, batch: Batch, now: float) -> bool:
        if not batch.writer:
            self._moved(connection, UNNAMED)
            return True
        row = {"writer": batch.writer, "number": batch.number, "at": now}
        return connection.execute(self._statements.turn, row).first() is not None

    def totals(
        self,
        since: int | None = None,
        until: int | None = None,
        target: str | None = None,
        route: str | None = None,
        version: str | None = None,
    ) -> list[Total]:
        """Return the counts, summed over minutes; versions stay apart."""
        since, until = self._whole(since, until)
        found = self._plain(
            sum_queries.totals_between(since, until, target, route, version)
        )
        return [_total(row) for row in found]

    def counted(self, since: int | None = None, route: str | None = None) -> Counted:
        """Return the counts and how far each session has come, of one moment."""
        since, until = self._whole(since, None)
        totals = sum_queries.totals_between(since, until, None, route, None)
        with self._database.snapshot() as connection:
            return Counted(
                [_total(row) for row in self._given(connection, totals)],
                [
                    Progress(*row)
                    for row in self._asked(connection, queries.progress_of(None))
                ],
            )

    def route_totals(
        self, since: int | None = None, target: str | None = None
    ) -> list[Total]:
        """Return the counts of each route, from the minute `since` on, in few rows."""
        since, _ = self._whole(since, None)
        return [
            Total(row[0], row[1], _OUTCOMES[row[2]], row[3], int(row[4]))
            for row in self._plain(sum_queries.totals_of_routes(since, target))
        ]

    def latencies(
        self,
        since: int | None = None,
        until: int | None = None,
        target: str | None = None,
        route: str | None = None,
        *,
        together: bool = False,
    ) -> list[LatencyTotal]:
        """Return the latency buckets, summed over windows; versions stay apart."""
        since, until = self._whole(since, until)
        if together and route is None:
            few = sum_queries.latencies_of_all_between(since, until, target)
            return [
                LatencyTotal(row[0], "", row[1], row[2], int(row[4]), row[3])
                for row in self._plain(few)
            ]
        found = self._plain(sum_queries.latencies_between(since, until, target, route))
        return [
            LatencyTotal(row[0], row[1], row[2], row[3], int(row[5]), row[4])
            for row in found
        ]

    def outcomes_by_step(
        self,
        steps: Sequence[range],
        target: str | None = None,
        route: str | None = None,
    ) -> list[StepTotal]:
        """Return the counts of each step, divergences without their reasons."""
        found = self._rows(sum_queries.outcomes_by_step(steps, target, route))
        return [
            StepTotal(row[0], row[1], _OUTCOMES[row[2]], row[3], int(row[4]))
            for row in found
        ]

    def divergences_by_step(
        self,
        steps: Sequence[range],
        reasons: Collection[str],
        target: str | None = None,
        route: str | None = None,
    ) -> list[StepTotal]:
        """Return the divergences of each step that are counted under the reasons."""
        left, found = iter(sorted(set(reasons))), Counter[tuple[int, str]]()
        while some := list(islice(left, NAMED_AT_ONCE)):
            asked = sum_queries.divergences_by_step(steps, some, target, route)
            for start, name, count in self._rows(asked):
                found[start, name] += int(count)
        return [
            StepTotal(start, name, Outcome.DIVERGENCE, "", found[start, name])
            for start, name in sorted(found)
        ]

    def latencies_by_step(
        self,
        steps: Sequence[range],
        target: str | None = None,
        route: str | None = None,
    ) -> list[StepLatency]:
        """Return the latency buckets of each step, which are of whole windows."""
        found = self._plain(sum_queries.latencies_by_step(steps, target, route))
        return [
            StepLatency(row[0], row[1], row[2], row[3], int(row[4])) for row in found
        ]

    def losses(
        self,
        since: int | None = None,
        until: int | None = None,
        target: str | None = None,
    ) -> list[Loss]:
        """Return the lost samples, by minute."""
        found = self._rows(queries.losses_between(since, until, target))
        return [Loss(*row) for row in found]

    def progress(self, target: str | None = None) -> list[Progress]:
        """Return how far each session has come with each target, in all."""
        return [Progress(*row) for row in self._rows(queries.progress_of(target))]

    def divergences(
        self,
        where: DivergenceFilter = ANY,
        *,
        limit: int = 50,
        offset: int = 0,
        whole: bool = True,
    ) -> list[StoredDivergence]:
        """Return divergences that fit `where`, the newest first."""
        return self._stored(
            queries.divergences_where(where, limit, offset, whole=whole)
        )

    def hinted(self, where: DivergenceFilter = ANY, *, limit: int) -> list[Hinted]:
        """Return the hints of the newest divergences that fit `where`, so many of them."""
        return [Hinted(*row) for row in self._rows(queries.hinted(where, limit))]

    def count_divergences(self, where: DivergenceFilter = ANY) -> int:
        """Return how many stored divergences fit `where`."""
        return int(self._rows(queries.count_divergences(where))[0][0])

    def newest_samples(self, groups: Collection[str]) -> dict[str, StoredDivergence]:
        """Return the newest sample of each group that has one, without its answers."""
        left, found = iter(sorted(set(groups))), {}
        while some := list(islice(left, NAMED_AT_ONCE)):
            for row in self._rows(queries.newest_samples(some)):
                record = rows.to_record(row._mapping)
                found[row.sample_of] = StoredDivergence(row.id, record)
        return found

    def samples(self, group: str) -> list[StoredDivergence]:
        """Return the stored divergences that stand for a group, the newest first."""
        return self.divergences(DivergenceFilter(group=group))

    def find(self, key: str, *, limit: int = 20) -> list[StoredDivergence]:
        """Return the divergences that a row's number or an exchange id names."""
        if key.isascii() and key.isdigit() and len(key) <= MOST_DIGITS:
            by_number = self._stored(queries.numbered(int(key)))
            if by_number:
                return by_number
        return self._stored(queries.of_exchange(rows.fit(key), limit))

    def span(self) -> tuple[int, int] | None:
        """Return the first and the last minute with a count; None without any."""
        first, last, hour, last_hour = self._rows(queries.span())[0]
        if hour is None:
            return None if first is None else (first, last)
        # Minutes go before the hours that they are in.
        if first is None or first - first % HOUR > hour:
            first = hour
        return first, last if last is not None and last >= last_hour else last_hour + 59

    def close(self) -> None:
        """Release every connection."""
        self._database.close()

    def _stored(self, statement: Executable) -> list[StoredDivergence]:
        return [
            StoredDivergence(row.id, rows.to_record(row._mapping))
            for row in self._rows(statement)
        ]


def _total(row: Sequence[Any]) -> Total:
    return Total(row[0], row[1], _OUTCOMES[row[2]], row[3], int(row[5]), row[4])
