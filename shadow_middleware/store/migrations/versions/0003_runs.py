"""Runs: every sum and sample says which one it is of, '' for live. Every row is kept."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

WHOLE: Final = ("minute", "window", "bucket", "day", "status", "status_class", "slot")
KEYS: Final = {
    "counts": ("minute", "target", "route", "outcome", "reason", "version"),
    "latencies": ("window", "target", "route", "leg", "bucket", "version"),
    "losses": ("minute", "target", "reason"),
    "sessions": ("session", "target"),
    "samples": ("fingerprint", "slot"),
    "noise": ("day", "era", "fingerprint", "status", "size"),
    "noise_bases": ("day", "era", "target", "route", "status"),
    "rule_hits": ("rule", "target", "hid"),
    "uses": ("day", "route", "status_class"),
}
CELL: Final = (
    "raw",
    "alike",
    "control_both",
    "control_raw",
    "control_only",
    "probe_both",
    "probe_raw",
    "probe_only",
)
SUMS: Final[dict[str, tuple[tuple[str, Any], ...]]] = {
    "counts": (("count", sa.BigInteger),),
    "latencies": (("count", sa.BigInteger),),
    "losses": (("count", sa.BigInteger),),
    "sessions": (
        ("selected", sa.BigInteger),
        ("ended", sa.BigInteger),
        ("at", sa.Double),
    ),
    "samples": (("exchange_id", KEY), ("target", KEY), ("at", sa.Double)),
    "noise": tuple((name, sa.Double) for name in CELL),
    "noise_bases": tuple((name, sa.Double) for name in ("raw", "control", "probe")),
    "rule_hits": (("count", sa.BigInteger), ("last_at", sa.Double)),
    "uses": (("seen", sa.BigInteger), ("mirrored", sa.BigInteger)),
}
INDEXES: Final = (("at",), ("target", "at"), ("route", "at"))


def upgrade() -> None:
    """Put `run` into every key, then create what is new."""
    sqlite = op.get_context().dialect.name == "sqlite"
    if not sqlite:
        # A key over many rows takes longer than writing a batch may.
        op.execute("SET LOCAL statement_timeout = 0")
    for name in KEYS:
        (_copy_and_swap if sqlite else _widen)(name)
    for names in INDEXES:
        op.drop_index(f"ix_shadow_divergences_{'_'.join(names)}")
    (_copy_divergences if sqlite else _widen_divergences)()
    for names in INDEXES:
        op.create_index(
            f"ix_shadow_divergences_run_{'_'.join(names)}",
            "shadow_divergences",
            ["run", *names],
        )
    _create_runs()


def _widen(name: str) -> None:
    table = f"shadow_{name}"
    op.add_column(table, sa.Column("run", KEY, nullable=False, server_default=""))
    op.alter_column(table, "run", server_default=None)
    op.drop_constraint(f"pk_{table}", table)
    op.create_primary_key(f"pk_{table}", table, ["run", *KEYS[name]])


def _copy_and_swap(name: str) -> None:
    """SQLite cannot change a key: https://sqlite.org/lang_altertable.html#otheralter."""
    table, keys, sums = f"shadow_{name}", KEYS[name], SUMS[name]
    op.create_table(
        f"{table}_next",
        *(
            sa.Column(key, sa.Integer if key in WHOLE else KEY, nullable=False)
            for key in ("run", *keys)
        ),
        *(sa.Column(column, kind, nullable=False) for column, kind in sums),
        sa.PrimaryKeyConstraint("run", *keys, name=f"pk_{table}"),
        sqlite_with_rowid=name == "sessions",
    )
    names = ", ".join(f'"{column}"' for column in (*keys, *(one[0] for one in sums)))
    op.execute(
        f"INSERT INTO {table}_next (run, {names}) SELECT '', {names} FROM {table}"
    )
    op.drop_table(table)
    op.rename_table(f"{table}_next", table)


def _widen_divergences() -> None:
    table = "shadow_divergences"
    op.add_column(table, sa.Column("run", KEY, nullable=False, server_default=""))
    op.drop_constraint(f"uq_{table}_exchange_id_target", table)
    op.create_unique_constraint(
        f"uq_{table}_run_exchange_id_target", table, ["run", "exchange_id", "target"]
    )


def _copy_divergences() -> None:
    table = "shadow_divergences"
    columns = _divergence_columns()
    op.create_table(
        f"{table}_next",
        sa.Column("id", ROW_ID, sa.Identity(), nullable=False),
        *columns,
        sa.Column("run", KEY, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(
            "run", "exchange_id", "target", name=f"uq_{table}_run_exchange_id_target"
        ),
    )
    names = ", ".join(f'"{one.name}"' for one in columns)
    op.execute(
        f"INSERT INTO {table}_next (id, {names}) SELECT id, {names} FROM {table}"
    )
    op.drop_table(table)
    op.rename_table(f"{table}_next", table)


def _divergence_columns() -> list[sa.Column[Any]]:
    text, whole, real, flag = sa.Text, sa.Integer, sa.Double, sa.Boolean
    stated: tuple[tuple[str, Any], ...] = (
        ("exchange_id", KEY),
        ("target", KEY),
        ("at", real),
        ("route", KEY),
        ("method", text),
        ("path", text),
        ("live_status", whole),
        ("shadow_status", whole),
        ("live_ms", real),
        ("shadow_ms", real),
        ("differences", JSON),
        ("cut", flag),
        ("hint", text),
        ("after_drop", flag),
        ("request_headers", JSON),
        ("request_body", text),
        ("live_headers", JSON),
        ("live_body", text),
        ("shadow_headers", JSON),
        ("shadow_body", text),
    )
    optional = ("live_status", "shadow_status", "shadow_ms")
    later: tuple[tuple[str, Any, Any], ...] = (
        ("groups", JSON, "[]"),
        ("version", KEY, ""),
        ("replayable", flag, sa.false()),
        ("comparable", flag, sa.false()),
    )
    return [
        *(sa.Column(name, kind, nullable=name in optional) for name, kind in stated),
        *(
            sa.Column(name, kind, nullable=False, server_default=default)
            for name, kind, default in later
        ),
    ]


def _create_runs() -> None:
    op.create_table(
        "shadow_run_groups",
        sa.Column("run", KEY, nullable=False),
        sa.Column("fingerprint", KEY, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("first_at", sa.Double, nullable=False),
        sa.Column("last_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("run", "fingerprint", name="pk_shadow_run_groups"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "shadow_runs",
        sa.Column("id", KEY, nullable=False),
        sa.Column("run", JSON, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("settled", sa.BigInteger, nullable=False),
        sa.Column("beyond", JSON, nullable=False),
        sa.Column("claimed", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shadow_runs"),
    )
