"""The tables of targets at run time: what a person set, how each fares, the switch."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shadow_middleware.store.schema import metadata

__all__ = ["ALL", "switches", "target_health", "targets"]

ALL: Final = "all"
"""The name of the one switch that there is."""

_Key = String().with_variant(String(collation="C"), "postgresql")
_Json = JSON().with_variant(JSONB(), "postgresql")

targets = Table(
    "shadow_targets",
    metadata,
    Column("name", _Key, primary_key=True),
    Column("target", _Json, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("note", Text, nullable=False),
)
"""`target` has only what was said: what it lacks follows the settings of each app."""

target_health = Table(
    "shadow_target_health",
    metadata,
    Column("target", _Key, primary_key=True),
    Column("url", _Key, primary_key=True),
    Column("host", _Key, primary_key=True),
    Column("health", _Key, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", Double, nullable=False),
    Column("failing_since", Double, nullable=False),
    Column("next_probe", Double, nullable=False),
    Column("prober", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
)

switches = Table(
    "shadow_switches",
    metadata,
    Column("name", _Key, primary_key=True),
    Column("on", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Double, nullable=False),
)
