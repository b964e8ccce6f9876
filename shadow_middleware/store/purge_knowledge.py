"""
Removes what was learned long ago, and samples whose divergence is gone.

What a person decided is never removed. Nor are the routes of apps: one that is
missing would look like one that needs no evidence.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import Column, Delete, and_, delete, exists, func, not_, select, union

from shadow_middleware.evidence import Purged
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import DAY
from shadow_middleware.store.engine import Database
from shadow_middleware.store.knowledge_queries import ruled
from shadow_middleware.store.schema import (
    LIVE,
    counts,
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

__all__ = ["purge_learned", "purge_older", "purge_samples"]

AT_ONCE: Final = 500
"""Signatures named in one statement."""


def purge_learned(database: Database, before: float, purged: Purged) -> Purged:
    """Remove what was last seen before `before`: days only where they are whole."""
    day = int(before // DAY)
    noises = sum(purge_older(database, t.c.day, day, 1) for t in (noise, noise_bases))
    return replace(
        purged,
        noise=noises,
        uses=purge_older(database, uses.c.day, day, 1),
        rule_hits=_removed(
            database,
            delete(rule_hits).where(
                rule_hits.c.run == LIVE, rule_hits.c.last_at < before
            ),
        ),
        groups=_removed(database, _forgotten_groups(before)),
        signatures=_purge_signatures(database, before),
    )


def _forgotten_groups(before: float) -> Delete:
    """Say which groups go: seen no more, of no noise, and nobody said anything."""
    silent = and_(groups.c.last_at < before, groups.c.note == "", not_(ruled()))
    counted = union(select(noise.c.fingerprint), select(run_groups.c.fingerprint))
    return delete(groups).where(silent, groups.c.fingerprint.not_in(counted))


def _purge_signatures(database: Database, before: float) -> int:
    """Remove signatures that nothing is counted under any more."""
    old = select(signatures.c.signature).where(signatures.c.at < before)
    divergent = counts.c.outcome == str(Outcome.DIVERGENCE)
    counted = select(counts.c.reason).where(divergent).distinct()
    with database.reading() as connection:
        unused = set(connection.execute(old).scalars())
        # This walks all counts: it is asked only where something may go.
        unused -= set(connection.execute(counted).scalars()) if unused else set()
    left, removed = iter(sorted(unused)), 0
    while some := list(islice(left, AT_ONCE)):
        # One that was counted again meanwhile is no longer that old.
        gone = delete(signatures).where(
            signatures.c.signature.in_(some), signatures.c.at < before
        )
        removed += _removed(database, gone)
    return removed


def purge_samples(database: Database) -> int:
    """Remove samples whose divergence is gone."""
    is_theirs = and_(
        divergences.c.run == samples.c.run,
        divergences.c.exchange_id == samples.c.exchange_id,
        divergences.c.target == samples.c.target,
    )
    kept = exists().where(is_theirs)
    return _removed(database, delete(samples).where(not_(kept)))


def purge_older(
    database: Database, time: Column[Any], before: int, at_once: int
) -> int:
    """Remove live's rows in steps of a few minutes or days, the oldest first."""
    removed, ours = 0, time.table.c.run == LIVE
    while True:
        with database.writing() as connection:
            oldest = connection.execute(select(func.min(time)).where(ours)).scalar()
            if oldest is None or oldest >= before:
                return removed
            until = min(oldest + at_once, before)
            old = delete(time.table).where(ours, time < until)
            removed += connection.execute(old).rowcount


def _removed(database: Database, statement: Delete) -> int:
    with database.writing() as connection:
        return int(connection.execute(statement).rowcount)
