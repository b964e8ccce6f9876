"""Evidence for tests, with every field that a test does not care about filled in."""

from __future__ import annotations

from typing import Any

from shadow_middleware.evidence import Batch, Count, DivergenceRecord
from shadow_middleware.exchange import Difference, Kind, Outcome, Part

__all__ = ["MINUTE", "count", "divergence", "matches"]

MINUTE = 30_000_000
"""A minute of the year 2027."""


def count(number: int = 1, **fields: Any) -> Count:
    """Return a count of matches on one route, but for the fields given."""
    given = {
        "minute": MINUTE,
        "target": "shadow",
        "route": "GET /users/{id}",
        "outcome": Outcome.MATCH,
        "reason": "",
    }
    return Count(**{**given, **fields}, count=number)


def matches(number: int = 1) -> Batch:
    """Return a batch that counts so many matches."""
    return Batch(counts=[count(number)])


def divergence(exchange_id: str = "a1-1", **fields: Any) -> DivergenceRecord:
    """Return a divergence in one value, but for the fields given."""
    given: dict[str, Any] = {
        "exchange_id": exchange_id,
        "target": "shadow",
        "at": MINUTE * 60.0,
        "route": "GET /users/{id}",
        "method": "GET",
        "path": "/users/7?page=2",
        "live_status": 200,
        "shadow_status": 200,
        "live_ms": 1.5,
        "shadow_ms": 2.5,
        "differences": (Difference(Part.BODY, "/name", Kind.CHANGED, "Ann", "Bob"),),
        "cut": False,
        "hint": "",
        "after_drop": False,
        "request_headers": [("accept", "application/json")],
        "request_body": "",
        "live_headers": [("content-type", "application/json")],
        "live_body": '{"name":"Ann"}',
        "shadow_headers": [("content-type", "application/json")],
        "shadow_body": '{"name":"Bob"}',
    }
    return DivergenceRecord(**{**given, **fields})
