"""The tables of the store's own upkeep: who works at it, what went, who may write."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Integer, Table

from shadow_middleware.store.schema import KEY, metadata

__all__ = ["compatible", "leases", "removals"]


leases = Table(
    "shadow_leases",
    metadata,
    Column("name", KEY, primary_key=True),
    Column("holder", KEY, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("until", Double, nullable=False),
)
"""Work that one process at a time does. `until` is in seconds of the store's clock."""

removals = Table(
    "shadow_removals",
    metadata,
    Column("what", KEY, primary_key=True),
    Column("target", KEY, primary_key=True),
    Column("why", KEY, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("upto", Double, nullable=False),
    Column("at", Double, nullable=False),
)
"""What was removed in all, so that a report can say it; see `retention.Removal`."""

compatible = Table(
    "shadow_compatible",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("oldest", KEY, nullable=False),
)
"""One row: a process that knows this form of the tables, or a later one, may write."""
