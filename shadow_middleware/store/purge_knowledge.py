"""
Removes what was learned long ago, and samples whose divergence is gone.

What a person decided is never removed. Nor are the routes of apps: one that is
missing would look like one that needs no evidence.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    exists,
    not_,
    select,
    tuple_,
    union,
)

from shadow_middleware.evidence import Purged
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import DAY
from shadow_middleware.store.engine import Database
from shadow_middleware.store.knowledge_queries import ruled
from shadow_middleware.store.pace import Pace
from shadow_middleware.store.schema import (
    LIVE,
    count_spans,
    divergences,
    groups,
    noise,
    noise_bases,
    rule_hits,
    run_groups,
    samples,
    signatures,
    uses,
)
from shadow_middleware.store.sums import EVER

__all__ = ["purge_learned", "purge_samples"]

AT_ONCE: Final = 500
"""Rows named in one statement."""


def purge_learned(
    database: Database, before: float, purged: Purged, pace: Pace
) -> Purged:
    """Remove what was last seen before `before`: days only where they are whole."""
    day = int(before // DAY)
    hits = and_(rule_hits.c.run == LIVE, rule_hits.c.last_at < before)
    return replace(
        purged,
        noise=sum(_purge_days(database, t, day, pace) for t in (noise, noise_bases)),
        uses=_purge_days(database, uses, day, pace),
        rule_hits=pace.remove(database, rule_hits, hits),
        groups=_purge_groups(database, before, pace),
        signatures=_purge_signatures(database, before, pace),
    )


def _purge_days(database: Database, table: Table, day: int, pace: Pace) -> int:
    old = and_(table.c.run == LIVE, table.c.day < day)
    return pace.remove(database, table, old)


def _purge_groups(database: Database, before: float, pace: Pace) -> int:
    """Remove groups that are seen no more, of no noise, and nobody said anything of."""
    silent = and_(groups.c.last_at < before, groups.c.note == "", not_(ruled()))
    counted = union(select(noise.c.fingerprint), select(run_groups.c.fingerprint))
    forgotten = and_(silent, groups.c.fingerprint.not_in(counted))
    with database.reading() as connection:
        found = connection.execute(select(groups.c.fingerprint).where(forgotten))
        names = [(name,) for name in found.scalars()]
    # One that was seen again meanwhile, or that somebody spoke of, is none of them.
    return _remove_named(database, names, (groups.c.fingerprint,), silent, pace)


def _purge_signatures(database: Database, before: float, pace: Pace) -> int:
    """Remove signatures that nothing is counted under any more."""
    old = signatures.c.at < before
    divergent = count_spans.c.outcome == str(Outcome.DIVERGENCE)
    ever = and_(count_spans.c.span == EVER, divergent)
    counted = select(count_spans.c.reason).where(ever).distinct()
    with database.reading() as connection:
        unused = set(
            connection.execute(select(signatures.c.signature).where(old)).scalars()
        )
        # This walks the sums of ever: it is asked only where something may go.
        unused -= set(connection.execute(counted).scalars()) if unused else set()
    names = [(name,) for name in sorted(unused)]
    # One that was counted again meanwhile is no longer that old.
    return _remove_named(database, names, (signatures.c.signature,), old, pace)


def _remove_named(
    database: Database,
    names: list[tuple[Any, ...]],
    columns: tuple[Column[Any], ...],
    still: ColumnElement[bool],
    pace: Pace,
) -> int:
    """Remove the rows of these names for which it still holds; return how many."""
    left, removed, table = iter(names), 0, columns[0].table

    def work(connection: Connection, most: int) -> int:
        nonlocal removed
        some = list(islice(left, min(most, AT_ONCE)))
        if some:
            gone = delete(table).where(tuple_(*columns).in_(some), still)
            removed += connection.execute(gone).rowcount
        return most if some else 0

    pace.drain(database, work)
    return removed


def purge_samples(database: Database, pace: Pace) -> int:
    """Remove samples whose divergence is gone."""
    is_theirs = and_(
        divergences.c.run == samples.c.run,
        divergences.c.exchange_id == samples.c.exchange_id,
        divergences.c.target == samples.c.target,
    )
    gone = not_(exists().where(is_theirs))
    keys = (*samples.primary_key.columns, samples.c.exchange_id)
    with database.reading() as connection:
        found = connection.execute(select(*keys).where(gone))
        names = [tuple(row) for row in found]
    return _remove_named(database, names, keys, gone, pace)
