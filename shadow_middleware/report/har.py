"""
A divergence as entries of an HTTP Archive: one for live, one for the shadow.

http://www.softwareishard.com/blog/har-12-spec/; what is ours begins with `_`, as the
format asks of what others need not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from shadow_middleware.evidence import DivergenceRecord, StoredDivergence
from shadow_middleware.report.differences import described

__all__ = ["entries_of"]

_Fields = Sequence[tuple[str, str]]


def entries_of(item: StoredDivergence) -> list[dict[str, Any]]:
    """Return live's entry and, where the shadow answered, its own."""
    record = item.record
    entries = [
        _entry(
            item,
            "live",
            record.live_ms,
            _response(record.live_status, record.live_headers, record.live_body),
        )
    ]
    if record.shadow_status is not None:
        shadow = _response(
            record.shadow_status, record.shadow_headers, record.shadow_body
        )
        entries.append(_entry(item, "shadow", record.shadow_ms or 0.0, shadow))
    return entries


def _entry(
    item: StoredDivergence, leg: str, ms: float, response: dict[str, Any]
) -> dict[str, Any]:
    record = item.record
    return {
        "startedDateTime": datetime.fromtimestamp(record.at, UTC).isoformat(),
        "time": ms,
        "request": _request(record),
        "response": response,
        "cache": {},
        "timings": {"send": 0, "wait": ms, "receive": 0},
        "comment": f"{leg}: {'; '.join(map(described, record.differences))}",
        "_leg": leg,
        "_divergence": item.id,
        "_exchange": record.exchange_id,
        "_target": record.target,
        "_route": record.route,
        "_groups": list(record.groups),
    }


def _request(record: DivergenceRecord) -> dict[str, Any]:
    query = record.path.partition("?")[2]
    pairs = parse_qsl(query, keep_blank_values=True)
    made: dict[str, Any] = {
        "method": record.method,
        "url": f"http://{_host(record.request_headers)}{record.path}",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _named(record.request_headers),
        "queryString": _named(pairs),
        "headersSize": -1,
        "bodySize": -1,
    }
    if record.request_body:
        mime = _first(record.request_headers, "content-type")
        made["postData"] = {"mimeType": mime, "text": record.request_body}
    return made


def _response(status: int | None, headers: _Fields, body: str) -> dict[str, Any]:
    return {
        "status": status or 0,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _named(headers),
        "content": {
            "size": len(body.encode("utf-8", "replace")),
            "mimeType": _first(headers, "content-type"),
            "text": body,
        },
        "redirectURL": _first(headers, "location"),
        "headersSize": -1,
        "bodySize": -1,
    }


def _named(fields: _Fields) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in fields]


def _first(fields: _Fields, wanted: str) -> str:
    return next((value for name, value in fields if name.lower() == wanted), "")


def _host(fields: _Fields) -> str:
    return _first(fields, "host") or "live.invalid"
