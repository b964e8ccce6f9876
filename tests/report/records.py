"""Divergence records for tests that read evidence."""

from __future__ import annotations

from typing import Any

from shadow_middleware.evidence import DivergenceRecord
from shadow_middleware.exchange import Difference, Kind, Part

__all__ = ["record"]

PRICE = Difference(Part.BODY, "/price", Kind.CHANGED, 19.9, 21)


def record(
    exchange_id: str, differences: tuple[Difference, ...] = (PRICE,), **fields: Any
) -> DivergenceRecord:
    """Return a divergence of `GET /a`; fields replace what is usual."""
    usual: dict[str, Any] = {
        "exchange_id": exchange_id,
        "target": "shadow",
        "at": 1_700_000_000.0,
        "route": "GET /a",
        "method": "GET",
        "path": "/a?page=1",
        "live_status": 200,
        "shadow_status": 200,
        "live_ms": 2.0,
        "shadow_ms": 30.0,
        "differences": differences,
        "cut": False,
        "hint": "",
        "after_drop": False,
        "request_headers": [("Accept", "*/*")],
        "request_body": "",
        "live_headers": [("Content-Type", "application/json")],
        "live_body": '{"price": 19.9, "name": "lamp"}',
        "shadow_headers": [("Content-Type", "application/json")],
        "shadow_body": '{"price": 21, "name": "lamp"}',
    }
    return DivergenceRecord(**(usual | fields))
