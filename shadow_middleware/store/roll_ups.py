"""
The tables of sums that only reading needs, and that the database keeps by itself.

Each follows the hours of another table by triggers, which its migration makes: who
writes or removes hours, of whatever version, need not know of them. They stay exact.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, Table, text

from shadow_middleware.store.schema import KEY, count_spans, metadata

__all__ = ["REASON_SPANS", "latency_days", "reason_spans"]


REASON_SPANS: Final = (60, 240, 24 * 60)
"""Minutes that rows of `reason_spans` are about."""

reason_spans = Table(
    "shadow_reason_spans",
    metadata,
    Column("run", KEY, primary_key=True),
    Column("span", Integer, primary_key=True, autoincrement=False),
    Column("reason", KEY, primary_key=True),
    Column("start", Integer, primary_key=True, autoincrement=False),
    Column("target", KEY, primary_key=True),
    Column("route", KEY, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""
Divergences by what they are counted under, whatever their version is.

Some of the reasons over time are rows that lie together, few for each reason.
"""

latency_days = Table(
    "shadow_latency_days",
    metadata,
    Column("run", KEY, primary_key=True),
    Column("start", Integer, primary_key=True, autoincrement=False),
    Column("target", KEY, primary_key=True),
    Column("leg", KEY, primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("version", KEY, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Latency of all routes together, by the day."""

Index(
    "ix_shadow_count_spans_nameless",
    *(count_spans.c[name] for name in ("run", "span", "target", "start")),
    sqlite_where=text("version = ''"),
    postgresql_where=text("version = ''"),
)
# Replays that reached nobody have no version: few rows among all, found by this.
