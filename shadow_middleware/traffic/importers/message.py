"""HTTP/1.1 messages as they went over the wire: RFC 9112."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from shadow_middleware.exchange import Body, Headers, Request, Response
from shadow_middleware.traffic.importers.making import first_value
from shadow_middleware.traffic.importers.options import Unreadable
from shadow_middleware.traffic.importers.request_line import asked, version_of

__all__ = ["Message", "message", "request_of", "response_of"]

_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(rb"(HTTP/[0-9.]+) ([1-9][0-9]{2})(?: |\Z)")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]{0,4096})?\r?\n")
_MAX_HEAD: Final = 1024 * 1024
_NO_BODY: Final = frozenset({204, 304})


class Message(msgspec.Struct, frozen=True):
    """One message, its body freed from the chunks it came in."""

    start: bytes
    """The first line."""
    headers: Headers
    body: Body
    """Not complete where the bytes end before the message does."""
    trailers: Headers = ()
    rest: bytes = b""
    """What follows the message."""


def message(data: bytes, *, asked_by: str | None = None) -> Message:
    """
    Return the message that the bytes begin with.

    Args:
        data: Of one direction of a connection, from a message's first byte.
        asked_by: For an answer, the method that asked; None reads a request.

    Raises:
        Unreadable: it is no HTTP/1 message, or its head is not whole.
    """
    data = data.lstrip(b"\r\n")
    end = _END.search(data, 0, _MAX_HEAD)
    if end is None:
        raise Unreadable("no whole head of an HTTP/1 message")
    start, *fields = data[: end.start()].split(b"\n")
    headers = _headers(fields)
    start = start.rstrip(b"\r")
    body, trailers, rest = _body(start, headers, data[end.end() :], asked_by)
    return Message(start, headers, body, trailers, rest)


def request_of(found: Message) -> Request:
    """
    Return the message as a request.

    Raises:
        Unreadable: its first line asks for nothing.
    """
    ask = asked(found.start)
    headers = list(found.headers)
    if ask.host and not first_value(headers, b"host"):
        headers.insert(0, (b"Host", ask.host))
    return Request(
        ask.method,
        ask.path,
        ask.query,
        headers,
        found.body,
        ask.scheme or "http",
        version_of(found.start.rpartition(b" ")[2]),
    )


def response_of(found: Message) -> Response:
    """Return the message as an answer; 1xx ones are the caller's to pass over."""
    return Response(status_of(found.start), found.headers, found.body, found.trailers)


def status_of(start: bytes) -> int:
    """
    Return the status of a first line.

    Raises:
        Unreadable: it is no status line.
    """
    found = _STATUS.match(start)
    if found is None:
        raise Unreadable("no status line of HTTP/1")
    return int(found[2])


def _headers(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    made: list[tuple[bytes, bytes]] = []
    for raw in lines:
        line = raw.rstrip(b"\r")
        if line[:1] in (b" ", b"\t") and made:
            # A folded line, RFC 9112, 5.2: obsolete, but a part of the value.
            name, value = made[-1]
            made[-1] = (name, value + b" " + line.strip(b" \t"))
            continue
        name, colon, value = line.partition(b":")
        if not colon or not name:
            raise Unreadable("a header line without a colon")
        made.append((name, value.strip(b" \t")))
    return made


def _body(
    start: bytes, headers: Headers, data: bytes, asked_by: str | None
) -> tuple[Body, Headers, bytes]:
    if asked_by is not None:
        status = status_of(start)
        if asked_by == "HEAD" or status < 200 or status in _NO_BODY:
            return Body(), (), data
    if b"chunked" in first_value(headers, b"transfer-encoding").lower():
        return _unchunked(data)
    length = first_value(headers, b"content-length").strip()
    if length.isdigit() and len(length) < 16:
        whole = int(length)
        return Body(data[:whole], whole), (), data[whole:]
    if asked_by is None:
        return Body(), (), data
    return Body(data, len(data)), (), b""


def _unchunked(data: bytes) -> tuple[Body, Headers, bytes]:
    parts: list[bytes] = []
    at = 0
    while found := _CHUNK.match(data, at):
        size = int(found[1], 16)
        if not size:
            return _ended(parts, data[found.end() :])
        part = data[found.end() : found.end() + size]
        parts.append(part)
        if len(part) < size:
            return _cut(parts, size - len(part))
        at = found.end() + size
        at += 2 if data[at : at + 2] == b"\r\n" else 1
    return _cut(parts, 1)


def _cut(parts: list[bytes], lacking: int) -> tuple[Body, Headers, bytes]:
    """Return a body whose end is not there, at least so many bytes too short."""
    body = b"".join(parts)
    return Body(body, len(body) + lacking), (), b""


def _ended(parts: list[bytes], data: bytes) -> tuple[Body, Headers, bytes]:
    body = b"".join(parts)
    if data[:2] == b"\r\n" or data[:1] == b"\n":
        return Body(body, len(body)), (), data[2 if data[:1] == b"\r" else 1 :]
    end = _END.search(data, 0, _MAX_HEAD)
    if end is None:
        return Body(body, len(body)), (), b""
    try:
        trailers = _headers(data[: end.start()].split(b"\n"))
    except Unreadable:
        trailers = []
    return Body(body, len(body)), trailers, data[end.end() :]
