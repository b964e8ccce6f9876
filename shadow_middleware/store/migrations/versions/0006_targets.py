"""Targets at run time: what a person set, how each fares, and the switch over all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Create the tables, empty."""
    _create(
        "targets",
        ("name",),
        sa.Column("target", JSON, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    _create(
        "target_health",
        ("target", "url", "host"),
        sa.Column("health", KEY, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("failing_since", sa.Double, nullable=False),
        sa.Column("next_probe", sa.Double, nullable=False),
        sa.Column("prober", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    _create(
        "switches",
        ("name",),
        sa.Column("on", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )


def _create(name: str, keys: tuple[str, ...], *columns: sa.Column[object]) -> None:
    op.create_table(
        f"shadow_{name}",
        *(sa.Column(key, KEY, nullable=False) for key in keys),
        *columns,
        sa.PrimaryKeyConstraint(*keys, name=f"pk_shadow_{name}"),
    )
