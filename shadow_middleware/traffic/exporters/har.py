"""Recorded exchanges as an HTTP Archive; bytes that are no text stand as base64."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

from shadow_middleware.exchange import (
    Exchange,
    Headers,
    Request,
    Response,
    header_values,
)
from shadow_middleware.report.har import (
    archive,
    entry_of,
    first_of,
    request_of,
    response_of,
)
from shadow_middleware.traffic.recorded import Missing, Recorded

__all__ = ["exported"]


def exported(records: Iterable[Recorded], creator: str) -> Iterator[str]:
    """
    Return the archive of the exchanges.

    Args:
        creator: The version that the archive names.
    """
    return archive(map(_entry, records), creator)


def _entry(recorded: Recorded) -> dict[str, Any]:
    exchange = recorded.exchange
    return entry_of(
        exchange.at,
        exchange.timing.total_ms,
        _request(exchange.request),
        _response(exchange.response, recorded.missing, exchange.request.http_version),
        first_byte_ms=exchange.timing.first_byte_ms,
        exchange=exchange.id,
        route=exchange.route,
        **_told(exchange, recorded),
    )


def _told(exchange: Exchange, recorded: Recorded) -> dict[str, Any]:
    own = {
        "session": exchange.key,
        "missing": sorted(recorded.missing),
        "masked": list(recorded.masked),
        "withheld": list(exchange.withheld),
    }
    return {name: value for name, value in own.items() if value}


def _request(request: Request) -> dict[str, Any]:
    headers = _fields(request.headers)
    host = first_of(headers, "host") or "live.invalid"
    return request_of(
        request.method,
        f"{request.scheme}://{host}{request.path_and_query.decode('latin-1')}",
        headers,
        _text(request.body.data, request.headers) if request.body.length else None,
        request.http_version,
    )


def _response(
    response: Response | None, missing: frozenset[Missing], version: str
) -> dict[str, Any]:
    if response is None:
        return response_of(None, (), {"size": -1}, version)
    return response_of(
        response.status,
        _fields(response.headers),
        _content(response, known=Missing.RESPONSE_BODY not in missing),
        version,
    )


def _content(response: Response, *, known: bool) -> dict[str, Any]:
    body = response.body
    if not body.complete:
        # Half a body would be taken for a whole one.
        return {"size": body.length}
    if not body.data:
        return {"size": 0 if known else -1}
    return {"size": body.length, **_text(body.data, response.headers)}


def _text(data: bytes, headers: Headers) -> dict[str, str]:
    """Return the text, where no reader could take it for other bytes."""
    kind = header_values(headers, b"content-type")
    charset = kind[0].lower().partition(b"charset=")[2] if kind else b""
    try:
        if charset.strip(b"\"' ;") not in (b"", b"utf-8", b"us-ascii"):
            raise UnicodeError
        return {"text": data.decode()}
    except UnicodeError:
        return {"text": b64encode(data).decode("ascii"), "encoding": "base64"}


def _fields(headers: Headers) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in headers
    ]
