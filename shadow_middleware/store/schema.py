"""
The tables, once for both dialects.

Minutes and buckets are the keys, so evidence of any number of processes adds up in
place. `run` comes first in each key: '' is live, anything else the id of an offline
replay, so neither is ever read with the other. Every table begins with `shadow_`: the
database may be shared with others.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

__all__ = [
    "DOCUMENT",
    "HEAD",
    "KEY",
    "LIVE",
    "VERSION_TABLE",
    "count_spans",
    "count_times",
    "counts",
    "divergences",
    "groups",
    "latencies",
    "latency_spans",
    "latency_times",
    "losses",
    "metadata",
    "noise",
    "noise_bases",
    "routes",
    "rule_hits",
    "rules",
    "run_groups",
    "runs",
    "samples",
    "sessions",
    "signatures",
    "uses",
    "writers",
]

HEAD: Final = "0009"
"""The newest migration that this package holds."""

LIVE: Final = ""
"""The run of what live traffic has shown."""

VERSION_TABLE: Final = "shadow_version"
"""Where Alembic keeps its place; not `alembic_version`, which may be the app's own."""

# https://alembic.sqlalchemy.org/en/latest/naming.html
NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMES)

# Bytewise order on both: prefixes can use the index, and every writer sorts alike.
KEY: Final = String().with_variant(String(collation="C"), "postgresql")
DOCUMENT: Final = JSON().with_variant(JSONB(), "postgresql")
# SQLite numbers rows by itself only where the type is exactly INTEGER.
_RowId = BigInteger().with_variant(Integer(), "sqlite")

counts = Table(
    "shadow_counts",
    metadata,
    Column("run", KEY, primary_key=True, default=""),
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("target", KEY, primary_key=True),
    Column("route", KEY, primary_key=True),
    Column("outcome", KEY, primary_key=True),
    Column("reason", KEY, primary_key=True),
    Column("version", KEY, primary_key=True),
    Column("count", BigInteger, nullable=False),
    # Some groups over time: of all that ended, few rows are divergences.
    Index(
        "ix_shadow_counts_divergent",
        "run",
        "reason",
        "minute",
        sqlite_where=text("outcome = 'divergence'"),
        postgresql_where=text("outcome = 'divergence'"),
    ),
    sqlite_with_rowid=False,
)

latencies = Table(
    "shadow_latencies",
    metadata,
    Column("run", KEY, primary_key=True, default=""),
    Column("window", Integer, primary_key=True, autoincrement=False),
    Column("target", KEY, primary_key=True),
    Column("route", KEY, primary_key=True),
    Column("leg", KEY, primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("version", KEY, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Sums of both over longer times: see `sums`. `span` is in minutes, 0 is ever.

count_spans = Table(
    "shadow_count_spans",
    metadata,
    Column("run", KEY, primary_key=True),
    Column("span", Integer, primary_key=True, autoincrement=False),
    Column("start", Integer, primary_key=True, autoincrement=False),
    Column("target", KEY, primary_key=True),
    Column("route", KEY, primary_key=True),
    Column("outcome", KEY, primary_key=True),
    Column("reason", KEY, primary_key=True),
    Column("version", KEY, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Index(None, "run", "span", "reason", "start"),
    Index(None, "run", "span", "route", "start"),
    sqlite_with_rowid=False,
)

count_times = Table(
    "shadow_count_times",
    metadata,
    Column("run", KEY, primary_key=True),
    Column("span", Integer, primary_key=True, autoincrement=False),
    Column("start", Integer, primary_key=True, autoincrement=False),
    Column("target", KEY, primary_key=True),
    Column("outcome", KEY, primary_key=True),
    Column("reason", KEY, primary_key=True),
    Column("version", KEY, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

latency_spans = Table(
    "shadow_latency_spans",
    metadata,
    Column("run", KEY, primary_key=True),
    Column("span", Integer, primary_key=True, autoincrement=False),
    Column("start", Integer, primary_key=True, autoincrement=False),
    Column("target", KEY, primary_key=True),
    Column("route", KEY, primary_key=True),
    Column("leg", KEY, primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("version", KEY, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Index(None, "run", "span", "route", "start"),
    sqlite_with_rowid=False,
)

latency_times = Table(
    "shadow_latency_times",
    metadata,
    Column("run", KEY, primary_key=True),
    Column("span", Integer, primary_key=True, autoincrement=False),
    Column("start", Integer, primary_key=True, autoincrement=False),
    Column("target", KEY, primary_key=True),
    Column("leg", KEY, primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("version", KEY, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

losses = Table(
    "shadow_losses",
    metadata,
    Column("run", KEY, primary_key=True, default=""),
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("target", KEY, primary_key=True),
    Column("reason", KEY, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

divergences = Table(
    "shadow_divergences",
    metadata,
    Column("id", _RowId, Identity(), primary_key=True),
    Column("exchange_id", KEY, nullable=False),
    Column("target", KEY, nullable=False),
    Column("at", Double, nullable=False),
    Column("route", KEY, nullable=False),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("live_status", Integer),
    Column("shadow_status", Integer),
    Column("live_ms", Double, nullable=False),
    Column("shadow_ms", Double),
    Column("differences", DOCUMENT, nullable=False),
    Column("cut", Boolean, nullable=False),
    Column("hint", Text, nullable=False),
    Column("after_drop", Boolean, nullable=False),
    Column("request_headers", DOCUMENT, nullable=False),
    Column("request_body", Text, nullable=False),
    Column("live_headers", DOCUMENT, nullable=False),
    Column("live_body", Text, nullable=False),
    Column("shadow_headers", DOCUMENT, nullable=False),
    Column("shadow_body", Text, nullable=False),
    Column("groups", DOCUMENT, nullable=False, server_default="[]"),
    Column("version", KEY, nullable=False, server_default=""),
    Column("replayable", Boolean, nullable=False, server_default=false()),
    Column("comparable", Boolean, nullable=False, server_default=false()),
    Column("run", KEY, nullable=False, server_default=""),
    Column("weight", Integer),  # NULL where a writer of before 0007 did not say it
    UniqueConstraint("run", "exchange_id", "target"),
    Index(None, "run", "at"),
    Index(None, "run", "at", "weight"),
    Index(None, "run", "target", "at"),
    Index(None, "run", "route", "at"),
    Index(None, "run", "live_status", "at"),
    Index(None, "run", "shadow_status", "at"),
)

sessions = Table(
    "shadow_sessions",
    metadata,
    Column("run", KEY, primary_key=True, default=""),
    Column("session", KEY, primary_key=True),
    Column("target", KEY, primary_key=True),
    Column("selected", BigInteger, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
)

writers = Table(
    "shadow_writers",
    metadata,
    Column("writer", KEY, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
)

groups = Table(
    "shadow_groups",
    metadata,
    Column("fingerprint", KEY, primary_key=True),
    Column("target", KEY, nullable=False),
    Column("route", KEY, nullable=False),
    Column("part", KEY, nullable=False),
    Column("path", Text, nullable=False),
    Column("kind", KEY, nullable=False),
    Column("live", Text, nullable=False),
    Column("shadow", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("state", KEY, nullable=False, server_default="open"),
    Column("decided_at", Double),
    Column("note", Text, nullable=False, server_default=""),
    Column("ruling", KEY, nullable=False, server_default=""),
    Index(None, "count", "fingerprint"),
)
"""
The writer sets what is counted; `state` and what follows it only a person. Live and all
runs share the groups; what is counted here is live's. One that only runs have shown has
`last_at` 0.
"""

run_groups = Table(
    "shadow_run_groups",
    metadata,
    Column("run", KEY, primary_key=True, default=""),
    Column("fingerprint", KEY, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    sqlite_with_rowid=False,
)
"""What runs counted of each group."""

signatures = Table(
    "shadow_signatures",
    metadata,
    Column("signature", KEY, primary_key=True),
    Column("groups", DOCUMENT, nullable=False),
    Column("at", Double, nullable=False),
)

samples = Table(
    "shadow_samples",
    metadata,
    Column("run", KEY, primary_key=True, default=""),
    Column("fingerprint", KEY, primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("exchange_id", KEY, nullable=False),
    Column("target", KEY, nullable=False),
    Column("at", Double, nullable=False),
    sqlite_with_rowid=False,
)

noise = Table(
    "shadow_noise",
    metadata,
    Column("run", KEY, primary_key=True, default=""),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("era", KEY, primary_key=True),
    Column("fingerprint", KEY, primary_key=True),
    Column("status", Integer, primary_key=True, autoincrement=False),
    Column("size", KEY, primary_key=True),
    Column("raw", Double, nullable=False),
    Column("alike", Double, nullable=False),
    Column("control_both", Double, nullable=False),
    Column("control_raw", Double, nullable=False),
    Column("control_only", Double, nullable=False),
    Column("probe_both", Double, nullable=False),
    Column("probe_raw", Double, nullable=False),
    Column("probe_only", Double, nullable=False),
    sqlite_with_rowid=False,
)

noise_bases = Table(
    "shadow_noise_bases",
    metadata,
    Column("run", KEY, primary_key=True, default=""),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("era", KEY, primary_key=True),
    Column("target", KEY, primary_key=True),
    Column("route", KEY, primary_key=True),
    Column("status", Integer, primary_key=True, autoincrement=False),
    Column("raw", Double, nullable=False),
    Column("control", Double, nullable=False),
    Column("probe", Double, nullable=False),
    sqlite_with_rowid=False,
)

rules = Table(
    "shadow_rules",
    metadata,
    Column("name", KEY, primary_key=True),
    Column("rule", DOCUMENT, nullable=False),
    Column("at", Double, nullable=False),
    Column("note", Text, nullable=False),
)

rule_hits = Table(
    "shadow_rule_hits",
    metadata,
    Column("run", KEY, primary_key=True, default=""),
    Column("rule", KEY, primary_key=True),
    Column("target", KEY, primary_key=True),
    Column("hid", KEY, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_at", Double, nullable=False),
    sqlite_with_rowid=False,
)

routes = Table(
    "shadow_routes",
    metadata,
    Column("route", KEY, primary_key=True),
    Column("at", Double, nullable=False),
    sqlite_with_rowid=False,
)

uses = Table(
    "shadow_uses",
    metadata,
    Column("run", KEY, primary_key=True, default=""),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("route", KEY, primary_key=True),
    Column("status_class", Integer, primary_key=True, autoincrement=False),
    Column("seen", BigInteger, nullable=False),
    Column("mirrored", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

runs = Table(
    "shadow_runs",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("run", DOCUMENT, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("at", Double, nullable=False),
    Column("state", KEY, nullable=False),
    Column("settled", BigInteger, nullable=False),
    Column("beyond", DOCUMENT, nullable=False),
    Column("claimed", BigInteger, nullable=False),
)
"""Offline replays: what was asked, and how far each has come."""
