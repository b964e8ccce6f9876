"""The tables of targets at run time: what a person set, how each fares, the switch."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Table,
    Text,
)

from shadow_middleware.store.schema import DOCUMENT, KEY, metadata

__all__ = ["ALL", "switches", "target_health", "targets"]

ALL: Final = "all"
"""The name of the one switch that there is."""


targets = Table(
    "shadow_targets",
    metadata,
    Column("name", KEY, primary_key=True),
    Column("target", DOCUMENT, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("note", Text, nullable=False),
)
"""`target` has only what was said: what it lacks follows the settings of each app."""

target_health = Table(
    "shadow_target_health",
    metadata,
    Column("target", KEY, primary_key=True),
    Column("url", KEY, primary_key=True),
    Column("host", KEY, primary_key=True),
    Column("health", KEY, nullable=False),
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
    Column("name", KEY, primary_key=True),
    Column("on", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Double, nullable=False),
)
