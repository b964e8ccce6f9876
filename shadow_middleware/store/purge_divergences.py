"""Removes stored divergences: the old ones, and those beyond a number or a weight."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Text,
    and_,
    cast,
    func,
    literal,
    select,
    tuple_,
)

from shadow_middleware.retention import What, Why
from shadow_middleware.store.engine import Database
from shadow_middleware.store.pace import Pace, some_of
from shadow_middleware.store.removing import note_removed
from shadow_middleware.store.rows import ROW_WEIGHT
from shadow_middleware.store.schema import LIVE, divergences

__all__ = ["purge_before", "purge_beyond"]

HOUR: Final = 3600
LOOKED_AT: Final = 200
"""Rows without a weight that are looked at, to say what all of them weigh."""

_Place = tuple[float, int]
_TEXTS: Final = (
    "differences",
    "request_headers",
    "request_body",
    "live_headers",
    "live_body",
    "shadow_headers",
    "shadow_body",
)


def purge_before(database: Database, before: float, why: Why, pace: Pace) -> int:
    """Remove live's divergences that were served before; return how many."""
    old = (divergences.c.run == LIVE) & (divergences.c.at < before)
    return _remove(database, old, LIVE, why, pace, before)


def purge_beyond(
    database: Database, rows: int | None, weight: int | None, run: str, pace: Pace
) -> int:
    """Remove the oldest of a run beyond so many, and beyond so many bytes."""
    removed = 0
    bounds = ((Why.ROWS, rows, None), (Why.BYTES, None, weight))
    for why, most_rows, most_bytes in bounds:
        if most_rows is None and most_bytes is None:
            continue
        edge = _edge(database, most_rows, most_bytes, run)
        if edge is not None:
            place = tuple_(divergences.c.at, divergences.c.id) <= tuple_(*edge)
            ours = (divergences.c.run == run) & place
            removed += _remove(database, ours, run, why, pace)
    return removed


def _remove(
    database: Database,
    old: ColumnElement[bool],
    run: str,
    why: Why,
    pace: Pace,
    upto: float = 0.0,
) -> int:
    def work(connection: Connection, most: int) -> int:
        some = some_of(divergences, old, most).returning(divergences.c.target)
        gone = Counter(connection.execute(some).scalars())
        if run == LIVE:
            note_removed(connection, database, What.DIVERGENCES, why, gone, upto)
        return gone.total()

    return pace.drain(database, work)


def _edge(
    database: Database, rows: int | None, weight: int | None, run: str
) -> _Place | None:
    """
    Return the newest divergence that has to go; None where all may stay.

    Hours are added up from the newest to the oldest, in an index alone; only of the
    hour in which the bound is reached every row is looked at.
    """
    with database.reading() as connection:
        if weight is None:
            return _reached(connection, run, literal(1), rows or 0)
        heavy = func.coalesce(divergences.c.weight, _typical(connection, run))
        return _reached(connection, run, heavy, weight)


def _reached(
    connection: Connection, run: str, each: ColumnElement[int], left: int
) -> _Place | None:
    """Return the first one, from the newest on, with which it is more than `left`."""
    ours = divergences.c.run == run
    hour = cast(func.floor(divergences.c.at / HOUR), Integer)
    every = select(hour, func.sum(each)).where(ours).group_by(hour)
    for start, here in connection.execute(every.order_by(hour.desc())):
        if here > left:
            return _within(connection, ours, start, each, left)
        left -= int(here)
    return None


def _within(
    connection: Connection,
    ours: ColumnElement[bool],
    hour: int,
    each: ColumnElement[int],
    left: int,
) -> _Place | None:
    """Return the same of one hour."""
    at, number = divergences.c.at, divergences.c.id
    begun, ended = at >= hour * float(HOUR), at < (hour + 1) * float(HOUR)
    asked = select(at, number, each).where(ours, begun, ended)
    for place in connection.execute(asked.order_by(at.desc(), number.desc())):
        left -= place[2]
        if left < 0:
            return place[0], place[1]
    return None


def _typical(connection: Connection, run: str) -> int:
    """Return what a divergence weighs that came from a writer who does not say so."""
    unknown = and_(divergences.c.run == run, divergences.c.weight.is_(None))
    lengths = sum(
        (func.length(cast(divergences.c[name], Text)) for name in _TEXTS),
        start=literal(ROW_WEIGHT),
    )
    some = select(lengths.label("weight")).where(unknown).limit(LOOKED_AT).subquery()
    found = connection.execute(select(func.avg(some.c.weight))).scalar()
    return int(found) if found is not None else ROW_WEIGHT
