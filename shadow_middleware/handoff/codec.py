"""
The format that crosses the wall: length-prefixed frames of MessagePack.

    frame  = length (4 bytes, big endian, of what follows) kind (1 byte) payload
    kinds  live to agent: HELLO, BATCH, WANTS, BYE, ROUTES, USES, COST
           agent to live: STATUS, EVENT

Either side passes over kinds that it does not know, so one may be newer than the other.
Pure. Nothing here can run code when it decodes. A record that does not decode is
counted, and costs no other record.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from shadow_middleware.capture import Collector, Record
from shadow_middleware.errors import DecodeError
from shadow_middleware.exchange import Body, Exchange, Given, Request, Response, Timing

__all__ = [
    "BATCH",
    "BYE",
    "COST",
    "EVENT",
    "FIELDS",
    "HELLO",
    "PROTOCOL",
    "ROUTES",
    "STATUS",
    "USES",
    "WANTS",
    "Batch",
    "BatchFrame",
    "Cost",
    "Event",
    "Frames",
    "Hello",
    "Odd",
    "Status",
    "Use",
    "decode_batch",
    "exchange_of",
    "frame",
]

HELLO, BATCH, WANTS, BYE, STATUS, EVENT, ROUTES, USES, COST = range(1, 10)

FIELDS: Final = (
    *("number", "started", "first_byte", "ended"),
    *("method", "path", "query", "headers", "request_body"),
    *("status", "response_headers", "response_body", "route", "odd"),
)
"""The places of a `capture.Record`, in order."""

MAX_FRAME: Final = 256 * 1024 * 1024
_HEAD: Final = struct.Struct(">IB")
_BATCH_HEAD: Final = struct.Struct(">IBBBI")
_ARRAY_OF_3, _ARRAY_32 = 0x93, 0xDD
"""How MessagePack begins an array of three, and one whose length takes four bytes."""


def _parts(body: Any) -> tuple[bytes, int, bytes | None]:
    """Encode the one thing in a record that is not a plain value."""
    if not isinstance(body, Collector):
        raise TypeError(f"a {type(body).__name__} cannot cross the wall")
    return body.parts


_encoder: Final = msgspec.msgpack.Encoder(enc_hook=_parts)


PROTOCOL: Final = 1
"""What both ends have to speak: another number where one could misread the other."""


class Hello(msgspec.Struct, frozen=True):
    """What a live process says first on a new connection."""

    version: int
    """`PROTOCOL`, as the live process has it."""
    session: str
    """Names the live process; every exchange id starts with it."""
    settings: bytes
    clock_offset: float
    """Unix time in seconds minus the monotonic clock, on the live host."""
    selected: int
    """How many exchanges this session has selected so far."""
    handed: int
    """How many of them were given to earlier agents that are gone."""
    wants: tuple[str, ...] = ()
    """Short names of the signals that somebody listens to."""
    lives: tuple[int, ...] = ()
    """What `handed` was when each of the last agents began, the latest last."""


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """Some records, and what has been dropped since the last batch."""

    records: list[msgspec.Raw]
    selected: int
    drops: dict[str, int]


class Status(msgspec.Struct, frozen=True):
    """What an agent says now and then: how far it has come."""

    ended: int
    waiting: int
    in_flight: int
    resting: bool = False
    """Whether nothing is to be captured until another status says so."""


class Event(msgspec.Struct, frozen=True):
    """One event for the signals of the live process."""

    name: str
    payload: dict[str, Any]


class Use(msgspec.Struct, frozen=True, array_like=True):
    """How often live traffic used a route without being mirrored."""

    route: str
    """`GET /users/{id}`, not redacted yet."""
    status_class: int
    count: int


class Cost(msgspec.Struct, frozen=True, array_like=True):
    """What a live process spent to encode and send exchanges, since it last said so."""

    ns: int
    """CPU time of its threads, in nanoseconds."""
    exchanges: int


_Pairs = list[tuple[bytes, bytes]]
_BodyParts = bytes | tuple[bytes, int, bytes | None] | None


class Odd(msgspec.Struct, frozen=True):
    """What few records have; by name, so that the others pay nothing for it."""

    key: str | None = None
    scheme: str = "http"
    http_version: str = "1.1"
    trailers: _Pairs = []
    error: str | None = None
    """Class name of what the app raised."""
    skip: str | None = None
    """Why it is counted but not replayed."""
    withheld: tuple[str, ...] = ()
    request_cut: bool = False
    """The app did not read the whole request body."""
    after_drop: bool = False
    given: Given | None = None
    """A candidate's answer, where the exchange is a function's call."""
    user: str | None = None
    """Whose request it is, where the settings ask for that."""
    visitor: tuple[str, ...] = ()
    """Pseudonyms of the cookies that its client sent, where sessions are kept."""


class _Fields(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A record, typed; the same places as FIELDS."""

    number: int
    started: int
    first_byte: int
    ended: int
    method: str
    path: bytes
    query: bytes
    headers: _Pairs
    request_body: _BodyParts
    status: int
    response_headers: _Pairs
    response_body: _BodyParts
    route: str
    odd: Odd | None


_decode_batch: Final = msgspec.msgpack.Decoder(Batch)
_decode_fields: Final = msgspec.msgpack.Decoder(_Fields)


def frame(kind: int, payload: object) -> bytearray:
    """Return one frame, ready to be sent."""
    buffer = bytearray(_HEAD.size)
    _encoder.encode_into(payload, buffer, _HEAD.size)
    _HEAD.pack_into(buffer, 0, len(buffer) - 4, kind)
    return buffer


class BatchFrame:
    """
    A BATCH frame that grows record by record.

    Each record is encoded as it comes, while what it holds is still in the cache.
    """

    __slots__ = ("count", "data")

    def __init__(self) -> None:
        self.data = bytearray(_BATCH_HEAD.size)
        self.count = 0

    def add(self, record: Record) -> bool:
        """Take one more record; False if it holds something that has no bytes."""
        size = len(self.data)
        try:
            _encoder.encode_into(record, self.data, -1)
        except (TypeError, ValueError, OverflowError):
            del self.data[size:]
            return False
        self.count += 1
        return True

    def seal(self, selected: int, drops: Mapping[str, int]) -> bytearray:
        """Return the finished frame; nothing can be added any more."""
        data = self.data
        _encoder.encode_into(selected, data, -1)
        _encoder.encode_into(dict(drops), data, -1)
        length = len(data) - 4
        _BATCH_HEAD.pack_into(
            data, 0, length, BATCH, _ARRAY_OF_3, _ARRAY_32, self.count
        )
        # The encoder leaves up to as much again unused, which nobody would count.
        return bytearray(data) if data.__alloc__() > length * 1.25 else data


class Frames:
    """Cuts a stream of bytes into frames. Feed it anything, in any pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """
        Yield the kind and payload of each frame that is now whole.

        Raises:
            DecodeError: the stream is not ours; nothing after it can be trusted.
        """
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= _HEAD.size:
            length, kind = _HEAD.unpack_from(self._buffer, start)
            if not 0 < length <= MAX_FRAME:
                raise DecodeError(
                    f"a frame claims {length} bytes, which cannot be ours"
                )
            if len(self._buffer) - start < length + 4:
                break
            yield kind, bytes(self._buffer[start + _HEAD.size : start + 4 + length])
            start += length + 4
        del self._buffer[:start]


def decode_batch(payload: bytes) -> Batch:
    """
    Return a batch with its records still raw.

    Raises:
        DecodeError: not a batch.
    """
    try:
        return _decode_batch.decode(payload)
    except msgspec.MsgspecError as error:
        raise DecodeError(f"a batch does not decode: {error}") from error


def exchange_of(raw: msgspec.Raw, session: str, clock_offset: float) -> Exchange:
    """
    Return the exchange of one raw record.

    Raises:
        DecodeError: the record is damaged; its batch's other records are not.
    """
    try:
        fields = _decode_fields.decode(raw)
    except msgspec.MsgspecError as error:
        raise DecodeError(f"a record does not decode: {error}") from error
    odd = fields.odd or _PLAIN
    return Exchange(
        id=f"{session}-{fields.number:x}",
        at=fields.started / 1e9 + clock_offset,
        request=Request(
            method=fields.method,
            path=fields.path,
            query=fields.query,
            headers=fields.headers,
            body=_request_body(fields, odd),
            scheme=odd.scheme,
            http_version=odd.http_version,
        ),
        response=_response(fields, odd),
        timing=Timing(fields.started, fields.first_byte or fields.ended, fields.ended),
        route=fields.route or fields.path.decode("latin-1"),
        key=odd.key,
        live_error=odd.error,
        skip=odd.skip,
        withheld=odd.withheld,
        after_drop=odd.after_drop,
        given=odd.given,
        user=odd.user,
        visitor=odd.visitor,
    )


_EMPTY: Final = Body()
_PLAIN: Final = Odd()


def _body(parts: _BodyParts) -> Body:
    if parts is None:
        return _EMPTY
    if isinstance(parts, bytes):
        return Body(parts, len(parts))
    return Body(*parts)


def _request_body(fields: _Fields, odd: Odd) -> Body:
    body = _body(fields.request_body)
    if not odd.request_cut:
        return body
    return Body(body.data, max(body.length, len(body.data) + 1), body.digest)


def _response(fields: _Fields, odd: Odd) -> Response | None:
    if not fields.status:
        return None
    return Response(
        fields.status,
        fields.response_headers,
        _body(fields.response_body),
        odd.trailers,
    )
