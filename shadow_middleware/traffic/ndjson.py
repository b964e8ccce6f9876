"""
One line of a capture file: a recorded exchange, a header, or an account, as JSON.

Pure, and described for people in docs/capture.md. Bytes stand as text where they are
UTF-8, else as base64, so that each comes back as it was. Nothing here can run code, and
whatever a line holds, reading it ends in a record or in a `DecodeError`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Final
from zlib import crc32

import msgspec

from shadow_middleware.errors import DecodeError
from shadow_middleware.exchange import (
    Body,
    Exchange,
    Headers,
    Request,
    Response,
    Timing,
)
from shadow_middleware.traffic.recorded import NO_TIMING, Missing, Recorded
from shadow_middleware.transform.secrets import TextRedactor

__all__ = [
    "VERSION",
    "Account",
    "Head",
    "NewerVersion",
    "decode",
    "encode",
    "encode_plain",
    "sample_of",
]

VERSION: Final = 1
"""The version of the format that is written. It is raised only where a reader of the
version before would misread a line; fields that are added do not raise it."""

_MAX_REASON: Final = 200
_SAMPLE: Final = 80
_MAX_STATUS: Final = 9999
"""Some apps answer with numbers that HTTP does not know; they are kept as they are."""
_TAIL: Final = len(b',"crc":"00000000"}')
_SEAL: Final = re.compile(rb',"crc":"([0-9a-f]{8})"\}\Z')


class NewerVersion(DecodeError):
    """The head of a file of a later version: what follows it cannot be read either."""


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a file says first: of which version it is, and who wrote it when."""

    capture: int
    """The version of the format."""
    software: str = ""
    created: float = 0.0
    """Seconds since the epoch."""
    host: str = ""
    process: str = ""
    """Unique to the writer: all files of one writer share it."""
    number: int = 0
    """Which of the writer's files it is, from 1."""


class Account(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the writer took since its last account, and what became of it."""

    taken: int
    """Sampled exchanges that reached the writer."""
    written: int
    not_written: dict[str, int] = {}
    """The others, by reason. `taken` is the sum of both."""
    closed: bool = False
    """Whether the file ends here, as it was meant to."""


class _Coded(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bytes that are no text, or a body that was cut."""

    text: str = ""
    base64: bytes = b""
    length: int | None = None
    """How many bytes passed in all, where it is not what is here."""
    sha256: str = ""
    """Digest of all bytes, in hexadecimal."""


_Text = str | _Coded
_Pairs = list[tuple[_Text, _Text]]


class _Request(msgspec.Struct, frozen=True, omit_defaults=True):
    method: str
    path: _Text
    query: _Text = ""
    headers: _Pairs = []
    body: _Text = ""
    scheme: str = "http"
    http_version: str = "1.1"


class _Response(msgspec.Struct, frozen=True, omit_defaults=True):
    status: int
    headers: _Pairs = []
    body: _Text = ""
    trailers: _Pairs = []


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """Every kind of line: what it has tells which it is."""

    id: str = ""
    at: float = 0.0
    route: str = ""
    key: str | None = None
    request: _Request | None = None
    response: _Response | None = None
    timing: Timing | None = None
    live_error: str | None = None
    skip: str | None = None
    withheld: tuple[str, ...] = ()
    after_drop: bool = False
    user: str | None = None
    visitor: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    capture: int | None = None
    software: str = ""
    created: float = 0.0
    host: str = ""
    process: str = ""
    number: int = 0
    account: Account | None = None


class _AccountLine(msgspec.Struct, frozen=True):
    account: Account


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(_Line)
_EMPTY: Final = Body()
_MISSING: Final = {each.value: each for each in Missing}


def encode(line: Recorded | Head | Account) -> bytes:
    """
    Return the line with its line feed, closed by a checksum of what stands before.

    Raises:
        ValueError: a text in it holds half a surrogate pair, which no JSON can hold.
    """
    text = _encoder.encode(_wire(line))
    return b'%b,"crc":"%08x"}\n' % (text[:-1], crc32(text[:-1]))


def encode_plain(line: Recorded | Head | Account) -> bytes:
    """Return the line as `encode` does but without a checksum, so that it may be edited."""
    return _encoder.encode(_wire(line)) + b"\n"


def decode(line: bytes, place: str = "") -> Recorded | Head | Account:
    """
    Return what a line says. Members that are not known are passed over.

    Args:
        line: With or without its line feed.
        place: What `Recorded.place` will be.

    Raises:
        NewerVersion: it is the head of a file that this version cannot read.
        DecodeError: it is damaged, or of no form that is known. Of both the message says
            so in a sentence for people.
    """
    _check_seal(line)
    try:
        wire = _decoder.decode(line)
        if wire.capture is not None:
            return _head(wire)
        if wire.account is not None:
            return wire.account
        return _recorded(wire, place)
    except RecursionError:
        raise DecodeError("it is nested too deeply to be a record") from None
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise DecodeError(f"it is no record: {str(error)[:_MAX_REASON]}") from None


def sample_of(line: bytes) -> str:
    """Return how a line begins, redacted, for `BadRecord.sample`."""
    text = _redact(line[: 8 * _SAMPLE].decode("utf-8", "replace"))
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return shown[:_SAMPLE]


_redact: Final = TextRedactor()


def _check_seal(line: bytes) -> None:
    body = line.rstrip()
    found = _SEAL.search(body, max(0, len(body) - _TAIL))
    if found and int(found[1], 16) != crc32(memoryview(body)[: found.start()]):
        raise DecodeError(
            "its checksum does not fit: it is damaged, or was edited; "
            'an edited line must lose its "crc"'
        )


# --- to JSON ------------------------------------------------------------------------


def _wire(line: Recorded | Head | Account) -> object:
    if isinstance(line, Head):
        return line
    if isinstance(line, Account):
        return _AccountLine(line)
    exchange = line.exchange
    timing = exchange.timing
    return _Line(
        id=exchange.id,
        at=exchange.at,
        route=exchange.route,
        key=exchange.key,
        request=_wire_request(exchange.request),
        response=_wire_response(exchange.response),
        timing=None if timing == NO_TIMING else timing,
        live_error=exchange.live_error,
        skip=exchange.skip,
        withheld=exchange.withheld,
        after_drop=exchange.after_drop,
        user=exchange.user,
        visitor=exchange.visitor,
        missing=tuple(sorted(line.missing)) if line.missing else (),
        masked=line.masked,
    )


def _wire_request(request: Request) -> _Request:
    return _Request(
        method=request.method,
        path=_text(request.path),
        query=_text(request.query),
        headers=_pairs(request.headers),
        body=_wire_body(request.body),
        scheme=request.scheme,
        http_version=request.http_version,
    )


def _wire_response(response: Response | None) -> _Response | None:
    if response is None:
        return None
    return _Response(
        status=response.status,
        headers=_pairs(response.headers),
        body=_wire_body(response.body),
        trailers=_pairs(response.trailers),
    )


def _pairs(headers: Headers) -> _Pairs:
    return [(_text(name), _text(value)) for name, value in headers]


def _text(data: bytes) -> _Text:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _Coded(base64=data)


def _wire_body(body: Body) -> _Text:
    data = _text(body.data)
    if body.length == len(body.data) and body.digest is None:
        return data
    digest = body.digest.hex() if body.digest is not None else ""
    text, raw = (data, b"") if isinstance(data, str) else ("", data.base64)
    return _Coded(text, raw, body.length, digest)


# --- from JSON ----------------------------------------------------------------------


def _head(wire: _Line) -> Head:
    version = wire.capture or 0
    if version < 1:
        raise DecodeError(f"it claims version {version} of the format; there is none")
    if version > VERSION:
        raise NewerVersion(
            f"it is of version {version} of the format, and this reads up to {VERSION}; "
            "upgrade shadow-middleware"
        )
    return Head(
        version, wire.software, wire.created, wire.host, wire.process, wire.number
    )


def _recorded(wire: _Line, place: str) -> Recorded:
    if wire.request is None:
        raise ValueError("it has no request")
    if not wire.id:
        raise ValueError("it has no id")
    if not math.isfinite(wire.at):
        raise ValueError("its time is not finite")
    exchange = Exchange(
        id=wire.id,
        at=wire.at,
        request=_request(wire.request),
        response=None if wire.response is None else _response(wire.response),
        timing=wire.timing or NO_TIMING,
        route=wire.route,
        key=wire.key,
        live_error=wire.live_error,
        skip=wire.skip,
        withheld=wire.withheld,
        after_drop=wire.after_drop,
        user=wire.user,
        visitor=wire.visitor,
    )
    # A reason of a later version is one that a reader of this one can pass over.
    missing = _known(wire.missing) if wire.missing else frozenset()
    return Recorded(exchange, missing, place, wire.masked)


def _known(names: Iterable[str]) -> frozenset[Missing]:
    return frozenset(_MISSING[name] for name in names if name in _MISSING)


def _request(wire: _Request) -> Request:
    if not wire.method:
        raise ValueError("it has no method")
    return Request(
        method=wire.method,
        path=_bytes(wire.path),
        query=_bytes(wire.query),
        headers=_headers(wire.headers),
        body=_body(wire.body),
        scheme=wire.scheme,
        http_version=wire.http_version,
    )


def _response(wire: _Response) -> Response:
    if not 0 < wire.status <= _MAX_STATUS:
        raise ValueError(f"a status of {wire.status}")
    return Response(
        status=wire.status,
        headers=_headers(wire.headers),
        body=_body(wire.body),
        trailers=_headers(wire.trailers),
    )


def _headers(pairs: _Pairs) -> Headers:
    return [(_bytes(name), _bytes(value)) for name, value in pairs]


def _bytes(text: _Text) -> bytes:
    if isinstance(text, str):
        return text.encode()
    return text.base64 or text.text.encode()


def _body(wire: _Text) -> Body:
    if not wire:
        return _EMPTY
    data = _bytes(wire)
    if isinstance(wire, str):
        return Body(data, len(data))
    length = len(data) if wire.length is None else wire.length
    if length < len(data):
        raise ValueError(f"a body of {len(data)} bytes that claims {length}")
    digest = bytes.fromhex(wire.sha256) if wire.sha256 else None
    return Body(data, length, digest)
