"""
HTTP Archives, as browsers, proxies and API clients save them.

http://www.softwareishard.com/blog/har-12-spec/. A browser keeps bodies as it shows them:
decompressed and as text, so an archive is not always byte for byte.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlencode

import msgspec

from shadow_middleware.exchange import Body, Headers, Request, Response, Timing
from shadow_middleware.traffic.importers.clock import Clock
from shadow_middleware.traffic.importers.elements import Element, elements
from shadow_middleware.traffic.importers.making import (
    Maker,
    first_value,
    known,
    unknown,
)
from shadow_middleware.traffic.importers.options import Options, Session, Unreadable
from shadow_middleware.traffic.importers.request_line import asked_of, version_of
from shadow_middleware.traffic.recorded import BadRecord, Missing, Recorded

__all__ = ["read"]

_DAY_MS: Final = 86_400_000.0


class _Pair(msgspec.Struct):
    name: str
    value: str | None = ""


class _Posted(msgspec.Struct, rename="camel"):
    mime_type: str | None = ""
    text: str | None = None
    encoding: str | None = ""
    params: list[_Pair] | None = None


class _Asked(msgspec.Struct, rename="camel"):
    method: str
    url: str
    http_version: str | None = ""
    headers: list[_Pair] | None = None
    post_data: _Posted | None = None
    body_size: float | None = -1


class _Content(msgspec.Struct, rename="camel"):
    size: float | None = -1
    mime_type: str | None = ""
    text: str | None = None
    encoding: str | None = ""


class _Answered(msgspec.Struct, rename="camel"):
    status: int | None = 0
    headers: list[_Pair] | None = None
    content: _Content | None = None
    body_size: float | None = -1


class _Timings(msgspec.Struct):
    wait: float | None = -1
    receive: float | None = -1


class _Entry(msgspec.Struct, rename="camel"):
    started_date_time: str
    request: _Asked
    response: _Answered | None = None
    time: float | None = None
    timings: _Timings | None = None
    route: str | None = msgspec.field(name="_route", default=None)
    missing: list[str] | None = msgspec.field(name="_missing", default=None)
    """What an archive of ours knows that it lacks."""


_DECODER: Final = msgspec.json.Decoder(_Entry)


def read(chunks: Iterable[bytes], options: Options) -> Iterator[Recorded | BadRecord]:
    """Return the exchanges of an archive. It is one session, if nothing else is said."""
    if options.session.kind == "auto":
        options = msgspec.structs.replace(options, session=Session("file"))
    maker = Maker(options)
    clock = Clock(options.zone)
    number = 0
    for element in elements(chunks, (b"log", b"entries"), options.max_record):
        number = element.number
        try:
            yield _record(maker, clock, number, _entry(element))
        except Unreadable as problem:
            yield maker.bad(number, str(problem), element.data)
    if not number:
        yield maker.bad(1, "no entries of an HTTP Archive: no log.entries is found")


def _entry(element: Element) -> _Entry:
    if element.length != len(element.data):
        raise Unreadable(f"an entry of {element.length} bytes, more than is read")
    if not element.ended:
        raise Unreadable("the file ends within this entry")
    try:
        return _DECODER.decode(element.data)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise Unreadable(f"no entry of an HTTP Archive: {problem}") from None


def _record(maker: Maker, clock: Clock, number: int, entry: _Entry) -> Recorded:
    missing = {lack for lack in Missing if lack in (entry.missing or ())}
    request = _request(entry.request, missing)
    response = _response(entry.response, request.method, missing)
    return maker.record(
        number,
        clock.iso(entry.started_date_time.encode()),
        request,
        response,
        timing=None if Missing.TIMING in missing else _timing(entry),
        missing=missing,
        route=entry.route or "",
    )


def _request(given: _Asked, missing: set[Missing]) -> Request:
    target = given.url.partition("#")[0].encode("utf-8", "surrogatepass")
    ask = asked_of(given.method.encode("utf-8", "replace"), target)
    headers = _headers(given.headers)
    if not headers:
        missing.add(Missing.REQUEST_HEADERS)
    if ask.host and not first_value(headers, b"host"):
        headers.insert(0, (b"host", ask.host))
    return Request(
        ask.method,
        ask.path,
        ask.query,
        headers,
        _posted(given, headers, missing),
        ask.scheme or "http",
        version_of((given.http_version or "").encode("utf-8", "replace")),
    )


def _posted(given: _Asked, headers: Headers, missing: set[Missing]) -> Body:
    posted = given.post_data
    mime = (posted.mime_type if posted else "") or ""
    if posted is not None and posted.text:
        return known(_bytes(posted.text, posted.encoding, mime))
    if posted is not None and posted.params and "urlencoded" in mime:
        pairs = [(each.name, each.value or "") for each in posted.params]
        return known(urlencode(pairs).encode())
    declared = first_value(headers, b"content-length")
    length = int(declared) if declared.isdigit() and len(declared) < 16 else 0
    length = length or max(0, int(given.body_size or 0))
    if length or (posted is not None and posted.params):
        missing.add(Missing.REQUEST_BODY)
        return unknown(length)
    return known(b"")


def _response(
    given: _Answered | None, method: str, missing: set[Missing]
) -> Response | None:
    if given is None or not given.status or not 100 <= given.status <= 599:
        return None
    headers = _headers(given.headers)
    if not headers:
        missing.add(Missing.RESPONSE_HEADERS)
    body = _content(given, method, missing)
    if body.data and first_value(headers, b"content-encoding"):
        headers = _decompressed(headers, body.data, missing)
    return Response(given.status, headers, body)


def _content(given: _Answered, method: str, missing: set[Missing]) -> Body:
    content = given.content or _Content()
    if content.text:
        return known(_bytes(content.text, content.encoding, content.mime_type or ""))
    size = max(int(content.size or 0), int(given.body_size or 0), 0)
    if method == "HEAD" or given.status in (204, 304) or content.size == 0:
        return known(b"")
    missing.add(Missing.RESPONSE_BODY)
    return unknown(size)


def _decompressed(
    headers: list[tuple[bytes, bytes]], body: bytes, missing: set[Missing]
) -> list[tuple[bytes, bytes]]:
    """Return the headers without those that a decompressed body makes untrue."""
    declared = first_value(headers, b"content-length")
    if body[:2] == b"\x1f\x8b" or body[:4] == b"\x28\xb5\x2f\xfd":
        return headers
    if declared.isdigit() and int(declared[:15]) == len(body):
        return headers
    missing.add(Missing.RESPONSE_HEADERS)
    gone = (b"content-encoding", b"content-length")
    return [field for field in headers if field[0].lower() not in gone]


def _headers(given: list[_Pair] | None) -> list[tuple[bytes, bytes]]:
    """Return header fields without the pseudo-headers of HTTP/2."""
    made: list[tuple[bytes, bytes]] = []
    for each in given or ():
        value = each.value or ""
        if each.name == ":authority":
            made.append((b"host", _field(value)))
        elif each.name and not each.name.startswith(":"):
            made.append((_field(each.name), _field(value)))
    return made


def _field(text: str) -> bytes:
    """Return the bytes of a header, which tools decode as latin-1 or as UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _bytes(text: str, encoding: str | None, mime: str) -> bytes:
    if encoding == "base64":
        try:
            return b64decode(text, validate=True)
        except (Base64Error, ValueError):
            raise Unreadable("a body that is said to be base64 and is none") from None
    charset = mime.lower().partition("charset=")[2].strip("\"' ;") or "utf-8"
    try:
        return text.encode(charset)
    except (LookupError, UnicodeError, ValueError):
        return text.encode("utf-8", "surrogatepass")


def _timing(entry: _Entry) -> Timing | None:
    took = entry.time
    if took is None or not 0 <= took <= _DAY_MS:
        return None
    received = entry.timings.receive if entry.timings else None
    first = took - received if received is not None and 0 <= received <= took else took
    return Timing(0, int(first * 1e6), int(took * 1e6))
