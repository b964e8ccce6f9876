"""What is learned, for tests, with every field that a test does not care about."""

from __future__ import annotations

from typing import Any

from shadow_middleware.exchange import Kind, Part
from shadow_middleware.knowledge import (
    GroupKey,
    NoiseBase,
    NoiseCount,
    Sample,
    Sighting,
)
from tests.store.evidence import MINUTE

__all__ = ["AT", "TODAY", "base", "cell", "group_key", "sample", "sighting"]

AT = MINUTE * 60.0
TODAY = MINUTE // (24 * 60)


def group_key(path: str = "/name", **fields: Any) -> GroupKey:
    """Return the key of a changed text, but for the fields given."""
    given = {
        "target": "shadow",
        "route": "GET /users/{id}",
        "part": Part.BODY,
        "kind": Kind.CHANGED,
        "live": "text",
        "shadow": "text",
    }
    return GroupKey(**{**given, **fields}, path=path)


def sighting(
    path: str = "/name",
    number: int = 1,
    first_at: float = AT,
    last_at: float = AT,
    **fields: Any,
) -> Sighting:
    """Return so many divergences that showed a group."""
    return Sighting(group_key(path, **fields), number, first_at, last_at)


def sample(group: str, exchange_id: str, slot: int = 0, **fields: Any) -> Sample:
    """Return a sample of a group, in its first slot."""
    given = {"target": "shadow", "at": AT}
    return Sample(group, slot, exchange_id, **{**given, **fields})


def cell(group: str, **fields: Any) -> NoiseCount:
    """Return a cell of today's, but for the fields given."""
    given = {"day": TODAY, "era": "", "status": 200, "size": ""}
    return NoiseCount(group=group, **{**given, **fields})


def base(**fields: Any) -> NoiseBase:
    """Return what cells of one route are shares of."""
    given = {
        "day": TODAY,
        "era": "",
        "target": "shadow",
        "route": "GET /users/{id}",
        "status": 200,
    }
    return NoiseBase(**{**given, **fields})
