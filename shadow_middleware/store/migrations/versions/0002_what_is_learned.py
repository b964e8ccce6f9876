"""Versions in the sums; groups, noise, rules, coverage. Every row is kept."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")

COUNTS = ("minute", "target", "route", "outcome", "reason")
LATENCIES = ("window", "target", "route", "leg", "bucket")
WHOLE = ("minute", "window", "bucket", "day", "status", "status_class", "slot")
CELL = (
    "raw",
    "alike",
    "control_both",
    "control_raw",
    "control_only",
    "probe_both",
    "probe_raw",
    "probe_only",
)


def upgrade() -> None:
    """Widen the sums and the divergences, then create what is new."""
    if op.get_context().dialect.name == "postgresql":
        # A key over many rows takes longer than writing a batch may.
        op.execute("SET LOCAL statement_timeout = 0")
    _widen("shadow_counts", COUNTS)
    _widen("shadow_latencies", LATENCIES)
    _widen_divergences()
    _create_groups()
    _create_noise()
    _create_rules()
    _create_coverage()


def _widen(table: str, keys: tuple[str, ...]) -> None:
    """Put `version` into the key; what was counted so far has none."""
    if op.get_context().dialect.name == "sqlite":
        _copy_and_swap(table, keys)
        return
    op.add_column(table, sa.Column("version", KEY, nullable=False, server_default=""))
    op.alter_column(table, "version", server_default=None)
    op.drop_constraint(f"pk_{table}", table)
    op.create_primary_key(f"pk_{table}", table, [*keys, "version"])


def _copy_and_swap(table: str, keys: tuple[str, ...]) -> None:
    """SQLite cannot change a key: https://sqlite.org/lang_altertable.html#otheralter."""
    op.create_table(
        f"{table}_next",
        *_keys(*keys, "version"),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(*keys, "version", name=f"pk_{table}"),
        sqlite_with_rowid=False,
    )
    names = ", ".join(f'"{name}"' for name in keys)
    op.execute(
        f"INSERT INTO {table}_next ({names}, version, count) "
        f"SELECT {names}, '', count FROM {table}"
    )
    op.drop_table(table)
    op.rename_table(f"{table}_next", table)


def _widen_divergences() -> None:
    for column in (
        sa.Column("groups", JSON, nullable=False, server_default="[]"),
        sa.Column("version", KEY, nullable=False, server_default=""),
        sa.Column("replayable", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("comparable", sa.Boolean, nullable=False, server_default=sa.false()),
    ):
        op.add_column("shadow_divergences", column)


def _create_groups() -> None:
    op.create_table(
        "shadow_groups",
        *_keys("fingerprint", "target", "route", "part"),
        sa.Column("path", sa.Text, nullable=False),
        *_keys("kind"),
        sa.Column("live", sa.Text, nullable=False),
        sa.Column("shadow", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        *_numbers("first_at", "last_at"),
        sa.Column("state", KEY, nullable=False, server_default="open"),
        sa.Column("decided_at", sa.Double),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("ruling", KEY, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_shadow_groups"),
    )
    op.create_index(
        "ix_shadow_groups_count_fingerprint", "shadow_groups", ["count", "fingerprint"]
    )
    op.create_table(
        "shadow_signatures",
        *_keys("signature"),
        sa.Column("groups", JSON, nullable=False),
        *_numbers("at"),
        sa.PrimaryKeyConstraint("signature", name="pk_shadow_signatures"),
    )
    _create("samples", ("fingerprint", "slot"), *_keys("exchange_id", "target"), *_at())


def _create_noise() -> None:
    keys = ("day", "era", "fingerprint", "status", "size")
    _create("noise", keys, *_numbers(*CELL))
    keys = ("day", "era", "target", "route", "status")
    _create("noise_bases", keys, *_numbers("raw", "control", "probe"))


def _create_rules() -> None:
    op.create_table(
        "shadow_rules",
        *_keys("name"),
        sa.Column("rule", JSON, nullable=False),
        *_at(),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_shadow_rules"),
    )
    count = sa.Column("count", sa.BigInteger, nullable=False)
    _create("rule_hits", ("rule", "target", "hid"), count, *_numbers("last_at"))


def _create_coverage() -> None:
    _create("routes", ("route",), *_at())
    _create(
        "uses",
        ("day", "route", "status_class"),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("mirrored", sa.BigInteger, nullable=False),
    )


def _create(name: str, keys: tuple[str, ...], *columns: sa.Column[Any]) -> None:
    """Create a table that is found by its key alone."""
    op.create_table(
        f"shadow_{name}",
        *_keys(*keys),
        *columns,
        sa.PrimaryKeyConstraint(*keys, name=f"pk_shadow_{name}"),
        sqlite_with_rowid=False,
    )


def _keys(*names: str) -> list[sa.Column[Any]]:
    return [
        sa.Column(name, sa.Integer if name in WHOLE else KEY, nullable=False)
        for name in names
    ]


def _numbers(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Double, nullable=False) for name in names]


def _at() -> list[sa.Column[Any]]:
    return _numbers("at")
