"""Sums over hours, days and ever, made of what was counted so far."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
WHOLE: Final = ("span", "start", "bucket")
DIVERGENT: Final = "outcome = 'divergence'"
SUMS: Final = (
    (
        "count_spans",
        "counts",
        "minute",
        ("target", "route", "outcome", "reason", "version"),
        (0, 60, 1440),
    ),
    (
        "count_times",
        "counts",
        "minute",
        ("target", "outcome", "reason", "version"),
        (1, 60),
    ),
    (
        "latency_spans",
        "latencies",
        "window",
        ("target", "route", "leg", "bucket", "version"),
        (0, 60, 1440),
    ),
    (
        "latency_times",
        "latencies",
        "window",
        ("target", "leg", "bucket", "version"),
        (10, 60),
    ),
)
INDEXES: Final = (
    ("count_spans", "reason"),
    ("count_spans", "route"),
    ("latency_spans", "route"),
)


def upgrade() -> None:
    """Create the tables and fill them, then what finds some groups over time."""
    if op.get_context().dialect.name != "sqlite":
        # Adding up all that was ever counted takes longer than writing a batch may.
        op.execute("SET LOCAL statement_timeout = 0")
    for name, of, time, keys, spans in SUMS:
        _create(name, keys)
        for span in spans:
            op.execute(_fill(name, of, time, keys, span))
    for name, key in INDEXES:
        op.create_index(
            f"ix_shadow_{name}_run_span_{key}_start",
            f"shadow_{name}",
            ["run", "span", key, "start"],
        )
    op.create_index(
        "ix_shadow_counts_divergent",
        "shadow_counts",
        ["run", "reason", "minute"],
        sqlite_where=sa.text(DIVERGENT),
        postgresql_where=sa.text(DIVERGENT),
    )


def _create(name: str, keys: tuple[str, ...]) -> None:
    every = ("run", "span", "start", *keys)
    op.create_table(
        f"shadow_{name}",
        *(
            sa.Column(key, sa.Integer if key in WHOLE else KEY, nullable=False)
            for key in every
        ),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(*every, name=f"pk_shadow_{name}"),
        sqlite_with_rowid=False,
    )


def _fill(name: str, of: str, time: str, keys: tuple[str, ...], span: int) -> str:
    start = f'"{time}" - "{time}" % {span}' if span else "0"
    told = {key: key for key in keys}
    if name == "count_times":
        told["reason"] = f"CASE WHEN {DIVERGENT} THEN '' ELSE reason END"
    values = ", ".join(told.values())
    return (
        f"INSERT INTO shadow_{name} (run, span, start, {', '.join(keys)}, count) "
        f"SELECT run, {span}, {start}, {values}, sum(count) FROM shadow_{of} "
        f"GROUP BY run, {start}, {values}"
        if span
        else f"INSERT INTO shadow_{name} (run, span, start, {', '.join(keys)}, count) "
        f"SELECT run, 0, 0, {values}, sum(count) FROM shadow_{of} "
        f"GROUP BY run, {values}"
    )
