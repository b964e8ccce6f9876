"""
From the fields of an access log to an exchange, whatever server wrote them.

The words for fields: `request` (the whole line) or `method` with `target` (raw) or
`decoded` (path) and `query`; `protocol`, `scheme`, `host`, `server`, `client`, `user`,
`status`, `sent` (bytes that the answer took), `body` (of the request); `h:NAME` and
`r:NAME` for headers, `c:NAME` for cookies; `begin.*` and `end.*` for times, with `s`,
`ms`, `us`, `clf`, `iso`, `as:FORMAT` and `part.ms`; `took.*` and `first.*`, times since
the beginning. A log has some of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.exchange import Body, Request, Response, Timing
from shadow_middleware.traffic.importers.clock import Clock
from shadow_middleware.traffic.importers.layout import Layout, Parse
from shadow_middleware.traffic.importers.lines import Line, lines
from shadow_middleware.traffic.importers.making import BODILESS, Maker, known, unknown
from shadow_middleware.traffic.importers.options import Options, Unreadable
from shadow_middleware.traffic.importers.request_line import (
    Asked,
    asked,
    asked_of,
    version_of,
)
from shadow_middleware.traffic.recorded import BadRecord, Missing, Recorded

__all__ = ["Fields", "check", "read_lines"]

Fields = dict[str, bytes]

_UNITS: Final = {"s": 1.0, "ms": 1e3, "us": 1e6}
_PARTS: Final = {"part.ms": 1e3, "part.us": 1e6}
_NEVER: Final = frozenset({Missing.REQUEST_HEADERS, Missing.RESPONSE_HEADERS})
"""What no log has: it names the headers that somebody chose."""
_WEEK_MS: Final = 7 * 86_400_000.0


def check(layout: Layout) -> Layout:
    """
    Return the layout, if exchanges can be read by it.

    Raises:
        ConfigurationError: its lines would say neither what was asked nor when.
    """
    names = {field.name for field in layout.fields}
    if not names & {"request", "target", "decoded"}:
        raise ConfigurationError(
            "the log format has no request; add $request (nginx) or %r (Apache)"
        )
    if not any(name.startswith(("begin.", "end.")) for name in names):
        raise ConfigurationError(
            "the log format has no time; add $msec (nginx) or %t (Apache)"
        )
    return layout


def read_lines(
    chunks: Iterable[bytes], options: Options, parse: Parse, what: str
) -> Iterator[Recorded | BadRecord]:
    """
    Return a record for each line that is not empty.

    Args:
        parse: What takes a line apart.
        what: The name of the format, for bad lines: `the combined format`.
    """
    maker = Maker(options)
    entries = _Entries(maker, options)
    for line in lines(chunks, options.max_record):
        if not line.data:
            continue
        try:
            yield entries.entry(line.number, _fields(line, parse, what))
        except Unreadable as problem:
            yield maker.bad(line.number, str(problem), line.data)


def _fields(line: Line, parse: Parse, what: str) -> Fields:
    if not line.whole:
        raise Unreadable(f"the line has {line.length} bytes, more than is read")
    fields = parse(line.data)
    if fields is None:
        if b"\x00" in line.data:
            raise Unreadable("there are NUL bytes in it, as a crash leaves them")
        if not line.ended:
            raise Unreadable("the file ends within this line")
        raise Unreadable(f"it does not fit {what}")
    return fields


class _Entries:
    """Makes exchanges of fields."""

    def __init__(self, maker: Maker, options: Options) -> None:
        self._maker = maker
        self._clock = Clock(options.zone)
        self._host = options.host.encode("utf-8")

    def entry(self, number: int, fields: Fields) -> Recorded:
        ask, decoded = _asked(fields)
        missing = set(_NEVER)
        if decoded:
            missing.add(Missing.EXACT_TARGET)
        timing = _timing(fields)
        headers, response_headers = self._headers(fields, ask)
        request = Request(
            ask.method,
            ask.path,
            ask.query,
            headers,
            _request_body(fields, ask.method, missing),
            _scheme(fields, ask),
            ask.version,
        )
        status = _status(fields)
        response = None
        if status:
            body = _sent(fields, ask.method, missing)
            response = Response(status, response_headers, body)
        return self._maker.record(
            number,
            self._at(fields, timing),
            request,
            response,
            timing=timing,
            missing=missing if response else missing - _OF_RESPONSE,
            user=fields.get("user", b""),
            client=fields.get("client", b""),
        )

    def _headers(
        self, fields: Fields, ask: Asked
    ) -> tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]]:
        asking = [
            (name[2:].encode(), value)
            for name, value in fields.items()
            if name[:2] == "h:"
        ]
        answering = [
            (name[2:].encode(), value)
            for name, value in fields.items()
            if name[:2] == "r:"
        ]
        cookies = [
            name[2:].encode() + b"=" + value
            for name, value in fields.items()
            if name[:2] == "c:"
        ]
        if cookies and "h:cookie" not in fields:
            asking.append((b"cookie", b"; ".join(cookies)))
        if "h:host" not in fields:
            host = ask.host or fields.get("host") or self._host
            host = host or fields.get("server", b"")
            if host:
                asking.insert(0, (b"host", host))
        return asking, answering

    def _at(self, fields: Fields, timing: Timing | None) -> float:
        for edge in ("begin.", "end."):
            found, exact = self._moment(fields, edge)
            if found is None:
                continue
            if edge == "end." and exact and timing:
                found -= timing.ended / 1e9
            if math.isfinite(found):
                return found
        raise Unreadable("it says no time")

    def _moment(self, fields: Fields, edge: str) -> tuple[float | None, bool]:
        """Return the moment, and whether it is finer than a second."""
        told = {
            name.removeprefix(edge): value
            for name, value in fields.items()
            if name.startswith(edge)
        }
        for unit, in_seconds in _UNITS.items():
            if unit in told:
                fine = unit != "s" or b"." in told[unit]
                return _number(told[unit]) / in_seconds, fine
        whole = self._whole(told)
        if whole is None:
            return None, False
        for part, in_seconds in _PARTS.items():
            if part in told:
                return whole + _number(told[part]) / in_seconds, True
        return whole, whole % 1 > 0

    def _whole(self, told: Fields) -> float | None:
        if "clf" in told:
            return self._clock.clf(told["clf"])
        if "iso" in told:
            return self._clock.iso(told["iso"])
        forms = [kind for kind in told if kind.startswith("as:")]
        if not forms:
            return None
        text = b"\n".join(told[form] for form in forms)
        return self._clock.formatted(text, "\n".join(form[3:] for form in forms))


_OF_RESPONSE: Final = frozenset({Missing.RESPONSE_HEADERS, Missing.RESPONSE_BODY})


def _asked(fields: Fields) -> tuple[Asked, bool]:
    """Return what was asked for, and whether its path had been decoded."""
    line = fields.get("request")
    if line is not None:
        return asked(line), False
    method = fields.get("method", b"GET")
    version = version_of(fields.get("protocol", b""))
    target = fields.get("target")
    if target is not None:
        return asked_of(method, target, version), False
    decoded = fields.get("decoded")
    if decoded is None:
        raise Unreadable("it says no request: the client sent none, or no whole one")
    query = fields.get("query") or fields.get("?query", b"")[1:]
    plain = asked_of(method, _encoded(decoded), version)
    return plain._replace(query=query), True


def _encoded(path: bytes) -> bytes:
    """Return a decoded path as one that can be sent, though not as it came."""
    return b"".join(
        bytes((byte,))
        if 0x21 <= byte < 0x7F and byte not in b'%?#"'
        else b"%%%02X" % byte
        for byte in path
    )


def _scheme(fields: Fields, ask: Asked) -> str:
    scheme = ask.scheme or fields.get("scheme", b"").decode("latin-1").lower()
    return scheme if scheme in ("http", "https") else "http"


def _request_body(fields: Fields, method: str, missing: set[Missing]) -> Body:
    logged = fields.get("body", b"")
    length = _length(fields.get("h:content-length", b""))
    if logged and len(logged) >= length:
        return known(logged)
    if length or (method not in BODILESS and "h:content-length" not in fields):
        missing.add(Missing.REQUEST_BODY)
        return Body(logged, length) if logged else unknown(length)
    return known(b"")


def _sent(fields: Fields, method: str, missing: set[Missing]) -> Body:
    """
    Return the answer's body, which no log has.

    How much was sent counts chunk sizes on some servers, so only nothing is sure.
    """
    if method == "HEAD" or fields.get("sent") == b"0":
        return known(b"")
    missing.add(Missing.RESPONSE_BODY)
    return unknown(_length(fields.get("r:content-length", b"")))


def _status(fields: Fields) -> int:
    try:
        status = int(fields.get("status", b"0"))
    except ValueError:
        raise Unreadable("the status is no number") from None
    # 499 and 0 are nginx's and HAProxy's own, for a client that went away.
    return status if 100 <= status <= 599 and status != 499 else 0


def _timing(fields: Fields) -> Timing | None:
    whole = _ms(fields, "took.")
    if whole is None:
        return None
    first = _ms(fields, "first.")
    ended = int(whole * 1e6)
    begun = ended if first is None else min(ended, int(first * 1e6))
    return Timing(0, begun, ended)


def _ms(fields: Fields, edge: str) -> float | None:
    for unit, in_seconds in _UNITS.items():
        value = fields.get(edge + unit)
        if value is None:
            continue
        last = value.replace(b":", b",").rpartition(b",")[2].strip()
        if last in (b"", b"-"):
            return None
        spent = _number(last) / in_seconds * 1e3
        return spent if 0 <= spent <= _WEEK_MS else None
    return None


def _number(text: bytes) -> float:
    try:
        found = float(text)
    except ValueError:
        shown = text[:40].decode("utf-8", "replace")
        raise Unreadable(f"{shown!r} is no number") from None
    if not math.isfinite(found):
        raise Unreadable("a number is out of range")
    return found


def _length(text: bytes) -> int:
    return int(text) if text.isdigit() and len(text) < 16 else 0
