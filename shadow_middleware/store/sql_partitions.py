"""Who works at which partition of a broker's stream, agreed upon through the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shadow_middleware.evidence import Mark
from shadow_middleware.store import rows
from shadow_middleware.store.engine import Database
from shadow_middleware.store.partition_tables import partitions, places, workers
from shadow_middleware.store.partitions import Leased, Tenure, View
from shadow_middleware.store.run_rows import to_mark

__all__ = ["SqlPartitions"]


class SqlPartitions:
    """
    The leases of one stream's partitions.

    No clock takes part: a lease is lost when its row has not moved for as long as it
    holds, by the watch of whoever wants it.
    """

    def __init__(
        self,
        database: Database,
        stream: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._stream = rows.fit(stream)
        self._clock = clock
        self._insert: Any = (sqlite if database.is_sqlite else postgresql).insert

    def begin(self, number: int) -> None:
        """See that there are so many partitions."""
        leases = [
            {"stream": self._stream, "partition": k, "owner": "", "epoch": 0, "beat": 0}
            for k in range(number)
        ]
        begun = [
            {"stream": self._stream, "partition": k, "epoch": 0, "settled": 0}
            | {"beyond": [], "claimed": 0}
            for k in range(number)
        ]
        with self._database.writing() as connection:
            for table, made in ((partitions, leases), (places, begun)):
                insert = self._insert(table).on_conflict_do_nothing(
                    index_elements=["stream", "partition"]
                )
                connection.execute(insert, made)

    def beat(self, worker: str) -> View:
        """Renew every lease of a worker, and return who has what now."""
        mine = and_(partitions.c.stream == self._stream, partitions.c.owner == worker)
        row = {"stream": self._stream, "worker": worker, "at": self._clock()}
        insert = self._insert(workers)
        alive = insert.on_conflict_do_update(
            index_elements=["stream", "worker"],
            set_={"beat": workers.c.beat + 1, "at": insert.excluded.at},
        )
        renewed = update(partitions).where(mine)
        with self._database.writing() as connection:
            connection.execute(renewed.values(beat=partitions.c.beat + 1))
            connection.execute(alive, [row | {"beat": 1}])
            leases = connection.execute(
                select(partitions)
                .where(partitions.c.stream == self._stream)
                .order_by(partitions.c.partition)
            ).all()
            members = connection.execute(
                select(workers).where(workers.c.stream == self._stream)
            ).all()
        return View(
            {one.worker: int(one.beat) for one in members},
            tuple(
                Leased(one.partition, one.owner, int(one.epoch), int(one.beat))
                for one in leases
            ),
        )

    def take(self, worker: str, seen: Leased) -> Tenure | None:
        """Take a partition that is as it was seen; None where somebody was faster."""
        key = {"stream": self._stream, "partition": seen.partition}
        here = and_(*(partitions.c[name] == value for name, value in key.items()))
        as_seen = and_(
            here,
            partitions.c.owner == seen.owner,
            partitions.c.epoch == seen.epoch,
            partitions.c.beat == seen.beat,
        )
        epoch = seen.epoch + 1
        taken = {"owner": worker, "epoch": epoch, "beat": seen.beat + 1}
        with self._database.writing() as connection:
            changed = connection.execute(
                update(partitions).where(as_seen).values(taken)
            )
            if changed.rowcount != 1:
                return None
            place = and_(*(places.c[name] == value for name, value in key.items()))
            connection.execute(update(places).where(place).values(epoch=epoch))
            found: Any = connection.execute(select(places).where(place)).one()
        return Tenure(seen.partition, epoch, to_mark(found._mapping))

    def release(self, worker: str, partition: int, epoch: int) -> None:
        """Give a partition back, if it is still ours; its epoch is remembered."""
        here = and_(
            partitions.c.stream == self._stream,
            partitions.c.partition == partition,
            partitions.c.owner == worker,
            partitions.c.epoch == epoch,
        )
        with self._database.writing() as connection:
            connection.execute(update(partitions).where(here).values(owner=""))

    def claim(self, partition: int, epoch: int, place: int) -> bool:
        """Note that writes below may have been sent; False where it is not ours."""
        here = and_(
            places.c.stream == self._stream,
            places.c.partition == partition,
            places.c.epoch == epoch,
        )
        with self._database.writing() as connection:
            done = connection.execute(update(places).where(here).values(claimed=place))
        return done.rowcount == 1

    def forget(self, worker: str) -> None:
        """Take a worker that has gone off the list."""
        here = and_(workers.c.stream == self._stream, workers.c.worker == worker)
        with self._database.writing() as connection:
            connection.execute(delete(workers).where(here))

    def places(self) -> dict[int, Mark]:
        """Return how far each partition has come."""
        ours = select(places).where(places.c.stream == self._stream)
        with self._database.reading() as connection:
            found: list[Any] = list(connection.execute(ours))
        return {row.partition: to_mark(row._mapping) for row in found}
