"""Divergences are found by a status: those with one are few among a million."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Index both statuses."""
    if op.get_context().dialect.name != "sqlite":
        # Reading all divergences takes longer than writing a batch may.
        op.execute("SET LOCAL statement_timeout = 0")
    for name in ("live_status", "shadow_status"):
        op.create_index(
            f"ix_shadow_divergences_run_{name}_at",
            "shadow_divergences",
            ["run", name, "at"],
        )
