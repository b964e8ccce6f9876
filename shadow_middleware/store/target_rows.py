"""Between the words of targets and the rows of their tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from shadow_middleware.store.merging import Row
from shadow_middleware.store.rows import fit, visible
from shadow_middleware.targets import (
    FOLLOWED,
    Health,
    HealthEvent,
    StoredTarget,
    Switch,
    TargetHealth,
)

__all__ = [
    "fit_url",
    "health_key",
    "health_row",
    "switch_row",
    "target_row",
    "to_health",
    "to_switch",
    "to_target",
]

LONGEST_URL = 1_000
LONGEST_NOTE = 1_000


def fit_url(url: str) -> str:
    """Return an address as a key."""
    return fit(url, LONGEST_URL)


def target_row(target: StoredTarget) -> Row:
    """
    Return the row of a target.

    It names only what was said, so that a version that knows fewer fields can read it.
    """
    said = {
        name: value for name in FOLLOWED if (value := getattr(target, name)) is not None
    }
    return {
        "name": fit(target.name),
        "target": said,
        "by": fit(target.by),
        "at": target.at,
        "note": fit(target.note, LONGEST_NOTE),
    }


def to_target(row: Mapping[Any, Any]) -> StoredTarget:
    """
    Return the target that a row holds; what this version does not know is left out.

    Raises:
        msgspec.ValidationError: another version said something that is none.
    """
    words = {name: row[name] for name in ("name", "by", "at", "note")}
    return msgspec.convert({**row["target"], **words}, StoredTarget)


def health_key(event: HealthEvent | TargetHealth) -> Row:
    """Return the key of the row that an event is about."""
    return {
        "target": fit(event.target),
        "url": fit_url(event.url),
        "host": fit(event.host),
    }


def health_row(health: TargetHealth) -> Row:
    """Return the row of how a target fares."""
    return {
        **health_key(health),
        "health": str(health.health),
        "reason": fit(health.reason, LONGEST_NOTE),
        "since": health.since,
        "failing_since": health.failing_since,
        "next_probe": health.next_probe,
        "prober": visible(health.prober),
        "number": health.number,
    }


def to_health(row: Mapping[Any, Any]) -> TargetHealth:
    """Return how a target fares."""
    words = {name: row[name] for name in TargetHealth.__struct_fields__}
    return TargetHealth(**words | {"health": Health(row["health"])})


def switch_row(switch: Switch) -> Row:
    """Return the switch's row."""
    return {
        "on": switch.on,
        "reason": fit(switch.reason, LONGEST_NOTE),
        "by": fit(switch.by),
        "at": switch.at,
    }


def to_switch(row: Mapping[Any, Any]) -> Switch:
    """Return the switch."""
    return Switch(on=bool(row["on"]), reason=row["reason"], by=row["by"], at=row["at"])
