"""
HTTP Archives: their parts, and a divergence as entries, one for live, one for the shadow.

http://www.softwareishard.com/blog/har-12-spec/; what is ours begins with `_`, as the
format asks of what others need not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from shadow_middleware.evidence import DivergenceRecord, StoredDivergence
from shadow_middleware.report.differences import described

__all__ = [
    "Fields",
    "archive",
    "entries_of",
    "entry_of",
    "first_of",
    "request_of",
    "response_of",
]

Fields = Sequence[tuple[str, str]]


def archive(entries: Iterable[dict[str, Any]], creator: str) -> Iterator[str]:
    """Return the text of an archive, piece by piece."""
    head = {"name": "shadow-middleware", "version": creator or "unknown"}
    yield f'{{"log":{{"version":"1.2","creator":{json.dumps(head)},"entries":['
    comma = ""
    for entry in entries:
        yield f"{comma}\n{json.dumps(entry)}"
        comma = ","
    yield "\n]}}\n"


def entry_of(
    at: float,
    ms: float,
    request: dict[str, Any],
    response: dict[str, Any],
    *,
    first_byte_ms: float | None = None,
    comment: str = "",
    **own: Any,
) -> dict[str, Any]:
    """
    Return an entry.

    Args:
        at: When it began, in seconds since the epoch.
        ms: How long it took.
        first_byte_ms: How long the first byte took; None where nobody knows.
        own: What is ours, without the `_` that names it so.
    """
    wait = ms if first_byte_ms is None else first_byte_ms
    return {
        "startedDateTime": datetime.fromtimestamp(at, UTC).isoformat(),
        "time": ms,
        "request": request,
        "response": response,
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": ms - wait},
        "comment": comment,
        **{f"_{name}": value for name, value in own.items()},
    }


def request_of(
    method: str,
    url: str,
    headers: Fields,
    body: dict[str, Any] | None,
    version: str = "1.1",
) -> dict[str, Any]:
    """
    Return the request of an entry.

    Args:
        url: With scheme and host.
        body: What `postData` has besides its type: `text`, and `encoding` where the
            text is no text; None without a body.
    """
    query = parse_qsl(url.partition("?")[2], keep_blank_values=True)
    made: dict[str, Any] = {
        "method": method,
        "url": url,
        "httpVersion": f"HTTP/{version}",
        "cookies": [],
        "headers": _named(headers),
        "queryString": _named(query),
        "headersSize": -1,
        "bodySize": -1,
    }
    if body is not None:
        made["postData"] = {"mimeType": first_of(headers, "content-type"), **body}
    return made


def response_of(
    status: int | None, headers: Fields, content: dict[str, Any], version: str = "1.1"
) -> dict[str, Any]:
    """
    Return the response of an entry.

    Args:
        status: None where nobody answered.
        content: What `content` has besides its type: `size`, `text`, `encoding`.
    """
    return {
        "status": status or 0,
        "statusText": "",
        "httpVersion": f"HTTP/{version}",
        "cookies": [],
        "headers": _named(headers),
        "content": {"mimeType": first_of(headers, "content-type"), **content},
        "redirectURL": first_of(headers, "location"),
        "headersSize": -1,
        "bodySize": -1,
    }


def first_of(fields: Fields, wanted: str) -> str:
    """Return the first value of a header, its name in lower case; '' without one."""
    return next((value for name, value in fields if name.lower() == wanted), "")


def entries_of(item: StoredDivergence) -> list[dict[str, Any]]:
    """Return live's entry and, where the shadow answered, its own."""
    record = item.record
    live = _answer(record.live_status, record.live_headers, record.live_body)
    entries = [_entry(item, "live", record.live_ms, live)]
    if record.shadow_status is not None:
        shadow = _answer(
            record.shadow_status, record.shadow_headers, record.shadow_body
        )
        entries.append(_entry(item, "shadow", record.shadow_ms or 0.0, shadow))
    return entries


def _entry(
    item: StoredDivergence, leg: str, ms: float, response: dict[str, Any]
) -> dict[str, Any]:
    record = item.record
    return entry_of(
        record.at,
        ms,
        _request(record),
        response,
        comment=f"{leg}: {'; '.join(map(described, record.differences))}",
        leg=leg,
        divergence=item.id,
        exchange=record.exchange_id,
        target=record.target,
        route=record.route,
        groups=list(record.groups),
    )


def _request(record: DivergenceRecord) -> dict[str, Any]:
    host = first_of(record.request_headers, "host") or "live.invalid"
    return request_of(
        record.method,
        f"http://{host}{record.path}",
        record.request_headers,
        {"text": record.request_body} if record.request_body else None,
    )


def _answer(status: int | None, headers: Fields, body: str) -> dict[str, Any]:
    size = len(body.encode("utf-8", "replace"))
    return response_of(status, headers, {"size": size, "text": body})


def _named(fields: Fields) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in fields]
