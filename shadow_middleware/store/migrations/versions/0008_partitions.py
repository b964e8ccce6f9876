"""Partitions of a broker: who works at each, how far it has come, ended lives."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Create the tables, empty."""
    _create(
        "partitions",
        sa.Column("stream", KEY, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("owner", KEY, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
    )
    _create(
        "workers",
        sa.Column("stream", KEY, nullable=False),
        sa.Column("worker", KEY, nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    _create(
        "places",
        sa.Column("stream", KEY, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("settled", sa.BigInteger, nullable=False),
        sa.Column("beyond", JSON, nullable=False),
        sa.Column("claimed", sa.BigInteger, nullable=False),
    )
    _create(
        "lives",
        sa.Column("stream", KEY, nullable=False),
        sa.Column("session", KEY, nullable=False),
        sa.Column("passed", JSON, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )


def _create(name: str, *columns: sa.Column[object]) -> None:
    keys = [column.name for column in columns[:2]]
    op.create_table(
        f"shadow_{name}",
        *columns,
        sa.PrimaryKeyConstraint(*keys, name=f"pk_shadow_{name}"),
    )
