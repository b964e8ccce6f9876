"""
Work that one process at a time does, agreed upon through the store.

The store's own clock says when a lease ends, so hosts whose clocks differ agree.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ColumnElement,
    Double,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from shadow_middleware.store.engine import Database
from shadow_middleware.store.upkeep_tables import leases

__all__ = ["drop_lease", "now_of", "store_time", "take_lease"]

_SQLITE_NOW: Final = "((julianday('now') - 2440587.5) * 86400.0)"


def now_of(database: Database) -> ColumnElement[float]:
    """Say what time the store has, in seconds since the epoch."""
    if database.is_sqlite:
        return literal_column(_SQLITE_NOW, Double)
    # Not now(): a transaction that waited for a lock has begun before it.
    return cast(func.extract("epoch", func.clock_timestamp()), Double)


def store_time(database: Database) -> float:
    """Return what time the store has, in seconds since the epoch."""
    with database.reading() as connection:
        return float(connection.execute(select(now_of(database))).scalar_one())


def take_lease(
    database: Database, name: str, holder: str, seconds: float
) -> int | None:
    """
    Take or renew a lease; return its epoch, or None while somebody else has it.

    The epoch grows whenever the holder is another one: who finds a larger one than
    its own has lost the lease meanwhile.

    Args:
        database: Where it is agreed upon.
        name: What the work is called.
        holder: Unique over all processes.
        seconds: How long it holds, by the store's clock.
    """
    insert = (sqlite if database.is_sqlite else postgresql).insert(leases)
    now = now_of(database)
    ours = leases.c.holder == insert.excluded.holder
    taken = insert.on_conflict_do_update(
        index_elements=["name"],
        set_={
            "holder": insert.excluded.holder,
            "epoch": leases.c.epoch + case((ours, 0), else_=1),
            "until": insert.excluded.until,
        },
        where=or_(ours, leases.c.until <= now),
    ).returning(leases.c.epoch)
    with database.writing() as connection:
        found = connection.execute(
            taken.values(name=name, holder=holder, epoch=1, until=now + seconds)
        ).scalar()
    return None if found is None else int(found)


def drop_lease(database: Database, name: str, holder: str) -> None:
    """Give a lease back, if it is still this holder's; its epoch is remembered."""
    mine = (leases.c.name == name) & (leases.c.holder == holder)
    with database.writing() as connection:
        connection.execute(leases.update().where(mine).values(until=0.0))
