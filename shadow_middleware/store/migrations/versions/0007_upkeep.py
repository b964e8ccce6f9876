"""Who works at the store, what was removed from it, and what a divergence weighs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Create what is new; writers of before go on as they are."""
    op.create_table(
        "shadow_leases",
        sa.Column("name", KEY, nullable=False),
        sa.Column("holder", KEY, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_shadow_leases"),
    )
    op.create_table(
        "shadow_removals",
        sa.Column("what", KEY, nullable=False),
        sa.Column("target", KEY, nullable=False),
        sa.Column("why", KEY, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("upto", sa.Double, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("what", "target", "why", name="pk_shadow_removals"),
    )
    compatible = op.create_table(
        "shadow_compatible",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("oldest", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shadow_compatible"),
    )
    op.bulk_insert(compatible, [{"id": 1, "oldest": "0005"}])
    op.add_column("shadow_divergences", sa.Column("weight", sa.Integer, nullable=True))
    op.create_index(
        "ix_shadow_divergences_run_at_weight",
        "shadow_divergences",
        ["run", "at", "weight"],
    )
