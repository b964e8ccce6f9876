"""
OpenTelemetry: HTTP logs and server spans as lines of OTLP JSON.

What the collector's `file` exporter writes, with the attributes of the semantic
conventions for HTTP, https://opentelemetry.io/docs/specs/semconv/http/, old and new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from shadow_middleware.exchange import Request, Response, Timing
from shadow_middleware.traffic.importers.lines import Line, lines
from shadow_middleware.traffic.importers.making import (
    BODILESS,
    Maker,
    first_value,
    known,
    unknown,
)
from shadow_middleware.traffic.importers.options import Options, Unreadable
from shadow_middleware.traffic.importers.request_line import (
    Asked,
    asked_of,
    version_of,
)
from shadow_middleware.traffic.recorded import BadRecord, Missing, Recorded

__all__ = ["read"]

_SERVER: Final = (2, "SPAN_KIND_SERVER")
_METHOD: Final = ("http.request.method", "http.method")
_STATUS: Final = ("http.response.status_code", "http.status_code")
_CLIENT: Final = ("client.address", "http.client_ip", "net.sock.peer.addr")
_USER: Final = ("enduser.id", "user.id", "session.id")
_AGENT: Final = ("user_agent.original", "http.user_agent")
_ASKING: Final = "http.request.header."
_ANSWERING: Final = "http.response.header."

_Attributes = dict[str, Any]


class _Attribute(msgspec.Struct):
    key: str
    value: dict[str, Any] | None = None


class _Entry(msgspec.Struct, rename="camel"):
    """A log record or a span."""

    attributes: list[_Attribute] = []
    time_unix_nano: str | int = 0
    observed_time_unix_nano: str | int = 0
    start_time_unix_nano: str | int = 0
    end_time_unix_nano: str | int = 0
    kind: int | str = 0


class _Scope(msgspec.Struct, rename="camel"):
    log_records: list[_Entry] = []
    spans: list[_Entry] = []


class _Resource(msgspec.Struct, rename="camel"):
    scope_logs: list[_Scope] = []
    scope_spans: list[_Scope] = []


class _Export(msgspec.Struct, rename="camel"):
    resource_logs: list[_Resource] = []
    resource_spans: list[_Resource] = []


_DECODER: Final = msgspec.json.Decoder(_Export)


def read(chunks: Iterable[bytes], options: Options) -> Iterator[Recorded | BadRecord]:
    """
    Return the exchanges of an export, one for each log record or server span.

    What is no HTTP, such as a span of a database, is passed over.
    """
    maker = Maker(options)
    for line in lines(chunks, options.max_record):
        if not line.data.strip():
            continue
        try:
            entries = list(_entries(_export(line)))
        except Unreadable as problem:
            yield maker.bad(line.number, str(problem), line.data)
            continue
        for at, (entry, attributes) in enumerate(entries, start=1):
            place = line.number if len(entries) == 1 else f"{line.number}.{at}"
            try:
                yield _record(maker, place, entry, attributes)
            except Unreadable as problem:
                yield maker.bad(place, str(problem))


def _export(line: Line) -> _Export:
    if not line.whole:
        raise Unreadable(f"the line has {line.length} bytes, more than is read")
    try:
        return _DECODER.decode(line.data)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise Unreadable(f"no line of OTLP JSON: {problem}") from None


def _entries(export: _Export) -> Iterator[tuple[_Entry, _Attributes]]:
    for resource in (*export.resource_logs, *export.resource_spans):
        for scope in (*resource.scope_logs, *resource.scope_spans):
            servers = [each for each in scope.spans if each.kind in _SERVER]
            for entry in (*scope.log_records, *servers):
                attributes = {each.key: _plain(each.value) for each in entry.attributes}
                if _first(attributes, _METHOD):
                    yield entry, attributes


def _plain(value: dict[str, Any] | None) -> Any:
    """Return what an AnyValue holds: its one member, whatever it is called."""
    found = next(iter((value or {}).values()), None)
    if isinstance(found, dict):
        inner = found.get("values")
        if isinstance(inner, list):
            return [_plain(each) for each in inner if isinstance(each, dict)]
    return found


def _record(
    maker: Maker, place: int | str, entry: _Entry, attributes: _Attributes
) -> Recorded:
    missing = {Missing.REQUEST_HEADERS}
    request = _request(attributes, missing)
    response = _response(attributes, request.method, missing)
    at, timing = _times(entry, attributes)
    return maker.record(
        place,
        at,
        request,
        response,
        timing=timing,
        missing=missing,
        user=_bytes(_first(attributes, _USER)),
        client=_bytes(_first(attributes, _CLIENT)),
        route=_text(attributes.get("http.route")),
    )


def _request(attributes: _Attributes, missing: set[Missing]) -> Request:
    ask = _asked(attributes)
    headers = _headers(attributes, _ASKING)
    agent = _first(attributes, _AGENT)
    if agent and not first_value(headers, b"user-agent"):
        headers.append((b"user-agent", _bytes(agent)))
    host = ask.host or _host(attributes)
    if host and not first_value(headers, b"host"):
        headers.insert(0, (b"host", host))
    scheme = ask.scheme or _text(_first(attributes, ("url.scheme", "http.scheme")))
    length = _number(_first(attributes, ("http.request.body.size",)))
    body = known(b"")
    if length or (length is None and ask.method not in BODILESS):
        missing.add(Missing.REQUEST_BODY)
        body = unknown(length or 0)
    return Request(
        ask.method,
        ask.path,
        ask.query,
        headers,
        body,
        scheme if scheme in ("http", "https") else "http",
        ask.version,
    )


def _asked(attributes: _Attributes) -> Asked:
    method = _bytes(
        attributes.get("http.request.method_original") or _first(attributes, _METHOD)
    )
    version = version_of(
        _bytes(_first(attributes, ("network.protocol.version", "http.flavor")))
    )
    path = _bytes(attributes.get("url.path"))
    if path:
        query = _bytes(attributes.get("url.query"))
        return asked_of(method, path, version)._replace(query=query)
    target = _first(attributes, ("http.target", "url.full", "http.url"))
    if not target:
        raise Unreadable("neither url.path nor url.full says what was asked for")
    return asked_of(method, _bytes(target), version)


def _host(attributes: _Attributes) -> bytes:
    host = _bytes(_first(attributes, ("server.address", "http.host", "net.host.name")))
    port = _number(_first(attributes, ("server.port", "net.host.port")))
    if host and port and port not in (80, 443) and b":" not in host:
        return host + b":%d" % port
    return host


def _response(
    attributes: _Attributes, method: str, missing: set[Missing]
) -> Response | None:
    status = _number(_first(attributes, _STATUS))
    if status is None or not 100 <= status <= 599:
        return None
    length = _number(attributes.get("http.response.body.size"))
    missing.add(Missing.RESPONSE_HEADERS)
    body = known(b"")
    if method != "HEAD" and length != 0:
        missing.add(Missing.RESPONSE_BODY)
        body = unknown(length or 0)
    return Response(status, _headers(attributes, _ANSWERING), body)


def _times(entry: _Entry, attributes: _Attributes) -> tuple[float, Timing | None]:
    start, end = _nano(entry.start_time_unix_nano), _nano(entry.end_time_unix_nano)
    if start:
        took = max(0, end - start) if end else None
        return start / 1e9, None if took is None else Timing(0, took, took)
    at = _nano(entry.time_unix_nano) or _nano(entry.observed_time_unix_nano)
    if not at:
        raise Unreadable("no timeUnixNano, which says when it was")
    spent = attributes.get("http.server.request.duration")
    if isinstance(spent, int | float) and 0 <= spent < 86_400:
        took = int(spent * 1e9)
        return (at - took) / 1e9, Timing(0, took, took)
    return at / 1e9, None


def _headers(attributes: _Attributes, prefix: str) -> list[tuple[bytes, bytes]]:
    made: list[tuple[bytes, bytes]] = []
    for key, value in attributes.items():
        if key.startswith(prefix):
            name = key.removeprefix(prefix).replace("_", "-").encode()
            values = value if isinstance(value, list) else [value]
            made.extend((name, _bytes(each)) for each in values)
    return made


def _first(attributes: _Attributes, names: tuple[str, ...]) -> Any:
    return next((attributes[name] for name in names if attributes.get(name)), None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _bytes(value: Any) -> bytes:
    if value is None or isinstance(value, dict | list):
        return b""
    return str(value).encode("utf-8", "surrogatepass")


def _nano(value: str | int) -> int:
    found = _number(value)
    return found if found is not None and 0 <= found < 2**63 else 0


def _number(value: Any) -> int | None:
    """Return a number, which OTLP writes as a string where it has 64 bits."""
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:20])
    return None
