"""Takes down what was removed, in the transaction that removes it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, case
from sqlalchemy.dialects import postgresql, sqlite

from shadow_middleware.retention import What, Why
from shadow_middleware.store.engine import Database
from shadow_middleware.store.leases import now_of
from shadow_middleware.store.upkeep_tables import removals

__all__ = ["note_removed"]


def note_removed(
    connection: Connection,
    database: Database,
    what: What,
    why: Why,
    counts: Mapping[str, int],
    upto: float = 0.0,
) -> None:
    """
    Add to what was removed so far.

    Args:
        connection: In the transaction that removes it.
        database: Whose connection it is.
        what: Which sort it was.
        why: Which bound it was.
        counts: How many, by target.
        upto: Before which time, in Unix seconds; 0 where age was no reason.
    """
    rows = [
        {"what": str(what), "target": target, "why": str(why), "count": n, "upto": upto}
        for target, n in sorted(counts.items())
        if n or what is What.MINUTES  # its edge is what is read
    ]
    if not rows:
        return
    insert = (sqlite if database.is_sqlite else postgresql).insert(removals)
    new, there = insert.excluded, removals.c
    later = case((new.upto > there.upto, new.upto), else_=there.upto)
    added = insert.values(at=now_of(database)).on_conflict_do_update(
        index_elements=["what", "target", "why"],
        set_={"count": there.count + new.count, "upto": later, "at": new.at},
    )
    for row in rows:
        connection.execute(added.values(row))
