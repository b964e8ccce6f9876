"""How far a broker's partitions have come: written with the evidence that says so."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, delete, select, update

from shadow_middleware.errors import FencedError
from shadow_middleware.evidence import Batch, Passed, Place, Settlement
from shadow_middleware.store import rows
from shadow_middleware.store.partition_tables import lives, places
from shadow_middleware.store.statements import Statements, settle

__all__ = ["keep_places", "note_passed"]


def keep_places(connection: Connection, batch: Batch) -> None:
    """
    Note how far partitions have come, in the transaction of their outcomes.

    Raises:
        FencedError: one of them has another owner by now, so nothing is written.
    """
    for place in sorted(batch.places, key=lambda one: (one.stream, one.partition)):
        here = and_(
            places.c.stream == rows.fit(place.stream),
            places.c.partition == place.partition,
            places.c.epoch == place.epoch,
        )
        mark = place.mark
        values = {"settled": mark.settled, "beyond": [*mark.beyond]}
        kept = connection.execute(update(places).where(here).values(values))
        if kept.rowcount != 1:
            raise FencedError(_lost(place))


def _lost(place: Place) -> str:
    return f"another worker has partition {place.partition} of {place.stream} by now"


def note_passed(
    connection: Connection,
    statements: Statements,
    passed: Sequence[Passed],
    at: float,
) -> None:
    """Note which partitions have come to the end of a life; the last one settles it."""
    for one in sorted(passed, key=lambda one: (one.stream, one.session)):
        key = {"stream": rows.fit(one.stream), "session": rows.fit(one.session)}
        here = and_(*(lives.c[name] == value for name, value in key.items()))
        # The row is ours from here on: of two that come last, the second sees the first.
        connection.execute(
            statements.insert(lives)
            .values(**key, passed=[], at=at)
            .on_conflict_do_update(
                index_elements=["stream", "session"], set_={"at": at}
            )
        )
        before = connection.execute(select(lives.c.passed).where(here)).scalar_one()
        now = sorted({*before, one.partition})
        if len(now) < one.partitions:
            connection.execute(update(lives).where(here).values(passed=now))
            continue
        connection.execute(delete(lives).where(here))
        minute = int(at // 60)
        settlements = [
            Settlement(
                one.session, target, one.handed, minute, opens=target in one.added
            )
            for target in one.targets
        ]
        settle(connection, statements, settlements)
