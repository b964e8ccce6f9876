"""Sums, divergences, and how far each session and each writer has come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    _create_sums()
    _create_divergences()
    op.create_table(
        "shadow_sessions",
        sa.Column("session", KEY, nullable=False),
        sa.Column("target", KEY, nullable=False),
        sa.Column("selected", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("session", "target", name="pk_shadow_sessions"),
    )
    op.create_table(
        "shadow_writers",
        sa.Column("writer", KEY, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("writer", name="pk_shadow_writers"),
    )


def _create_sums() -> None:
    _create_sum("counts", ("minute", "target", "route", "outcome", "reason"))
    _create_sum("latencies", ("window", "target", "route", "leg", "bucket"))
    _create_sum("losses", ("minute", "target", "reason"))


def _create_sum(name: str, keys: tuple[str, ...]) -> None:
    whole = ("minute", "window", "bucket")
    op.create_table(
        f"shadow_{name}",
        *(
            sa.Column(key, sa.Integer if key in whole else KEY, nullable=False)
            for key in keys
        ),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(*keys, name=f"pk_shadow_{name}"),
        sqlite_with_rowid=False,
    )


def _create_divergences() -> None:
    table = "shadow_divergences"
    op.create_table(
        table,
        sa.Column("id", ROW_ID, sa.Identity(), nullable=False),
        sa.Column("exchange_id", KEY, nullable=False),
        sa.Column("target", KEY, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("route", KEY, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("live_status", sa.Integer),
        sa.Column("shadow_status", sa.Integer),
        sa.Column("live_ms", sa.Double, nullable=False),
        sa.Column("shadow_ms", sa.Double),
        sa.Column("differences", JSON, nullable=False),
        sa.Column("cut", sa.Boolean, nullable=False),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("after_drop", sa.Boolean, nullable=False),
        *_side("request"),
        *_side("live"),
        *_side("shadow"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(
            "exchange_id", "target", name=f"uq_{table}_exchange_id_target"
        ),
    )
    op.create_index(f"ix_{table}_at", table, ["at"])
    op.create_index(f"ix_{table}_target_at", table, ["target", "at"])
    op.create_index(f"ix_{table}_route_at", table, ["route", "at"])


def _side(name: str) -> tuple[sa.Column[object], sa.Column[str]]:
    return (
        sa.Column(f"{name}_headers", JSON, nullable=False),
        sa.Column(f"{name}_body", sa.Text, nullable=False),
    )
