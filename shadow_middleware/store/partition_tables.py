"""The tables of a broker's partitions: who works at each, and how far it has come."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Integer, Table

from shadow_middleware.store.schema import DOCUMENT, KEY, metadata

__all__ = ["lives", "partitions", "places", "workers"]


# Leases and places are tables of their own: what renews a lease and what writes
# evidence lock different rows, so neither waits for the other.

partitions = Table(
    "shadow_partitions",
    metadata,
    Column("stream", KEY, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("owner", KEY, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("beat", BigInteger, nullable=False),
)
"""Leases. `epoch` grows with each owner, `beat` while it lives; neither is a time."""

workers = Table(
    "shadow_workers",
    metadata,
    Column("stream", KEY, primary_key=True),
    Column("worker", KEY, primary_key=True),
    Column("beat", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
)

places = Table(
    "shadow_places",
    metadata,
    Column("stream", KEY, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    Column("beyond", DOCUMENT, nullable=False),
    Column("claimed", BigInteger, nullable=False),
)
"""How far each partition has come. Only who has its epoch may write."""

lives = Table(
    "shadow_lives",
    metadata,
    Column("stream", KEY, primary_key=True),
    Column("session", KEY, primary_key=True),
    Column("passed", DOCUMENT, nullable=False),
    Column("at", Double, nullable=False),
)
"""Lives of agents that ended: which partitions have come to the end of each."""
