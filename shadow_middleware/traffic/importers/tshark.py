"""
Packet captures, through the export of tshark: HTTP/1.1 byte for byte.

    tshark -r FILE.pcap -Y "http.request or http.response" -T ek \
      -e frame.time_epoch -e tcp.stream -e ip.src -e ipv6.src \
      -e tcp.payload -e tcp.reassembled.data \
      -e http.request.method -e http.response.code

tshark puts the segments together and says where messages end; the bytes of the messages
are read here, since its own fields lose what is no text. `-T json` is read as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from shadow_middleware.exchange import Request, Response, Timing
from shadow_middleware.traffic.importers.clock import iso_seconds
from shadow_middleware.traffic.importers.elements import elements
from shadow_middleware.traffic.importers.lines import lines
from shadow_middleware.traffic.importers.making import Maker, check_time, lacking
from shadow_middleware.traffic.importers.message import (
    Message,
    message,
    request_of,
    response_of,
)
from shadow_middleware.traffic.importers.options import Options, Unreadable
from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = ["COMMAND", "read"]

COMMAND: Final = (
    'tshark -r FILE.pcap -Y "http.request or http.response" -T ek'
    " -e frame.time_epoch -e tcp.stream -e ip.src -e ipv6.src -e tcp.payload"
    " -e tcp.reassembled.data -e http.request.method -e http.response.code"
)
"""What makes an export that can be read."""
_STREAMS: Final = 10_000
"""Connections with a request that waits for its answer."""
_WEEK: Final = 7 * 86_400.0
_EARLY: Final = 1_000
"""Connections with an answer whose request is not whole yet."""
_ALONE: Final = "an answer to a request that is not in the file"
_PIPELINED: Final = 100
"""Requests of one connection that wait."""
_WAITING_BYTES: Final = 64 * 1024 * 1024
"""Of bodies of requests that wait, and as many of answers that came early."""

_SOURCES: Final = {"tcp_payload", "tcp_reassembled_data"}

_Layers = dict[str, list[str]]


class _Piece(NamedTuple):
    number: int
    data: bytes
    length: int


class _Asked(NamedTuple):
    number: int
    at: float
    client: bytes
    request: Request


class _Answer(NamedTuple):
    """A packet in which answers end."""

    number: int
    at: float
    layers: _Layers

    @property
    def size(self) -> int:
        """Characters of what it was told in."""
        return sum(len(text) for texts in self.layers.values() for text in texts)


def read(chunks: Iterable[bytes], options: Options) -> Iterator[Recorded | BadRecord]:
    """Return the exchanges of an export, in the order in which they were answered."""
    streams = _Streams(Maker(options))
    for piece in _pieces(chunks, options.max_record):
        try:
            if piece.length != len(piece.data):
                raise Unreadable(f"a packet of {piece.length} bytes: more than is read")
            layers = _layers(piece.data)
            if layers is not None:
                yield from streams.take(piece.number, layers)
        except Unreadable as problem:
            yield streams.maker.bad(piece.number, str(problem), piece.data)
    yield from streams.rest()


def _pieces(chunks: Iterable[bytes], limit: int) -> Iterator[_Piece]:
    """Return the packets: elements of an array, or lines."""
    rest = iter(chunks)
    head = b""
    while not head.strip():
        more = next(rest, None)
        if more is None:
            return
        head += more
    if head.lstrip()[:1] == b"[":
        for one in elements(_joined(head, rest), (), limit):
            yield _Piece(one.number, one.data, one.length)
    else:
        for line in lines(_joined(head, rest), limit):
            if line.data.strip():
                yield _Piece(line.number, line.data, line.length)


def _joined(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _layers(data: bytes) -> _Layers | None:
    """Return the fields of a packet by name; None for a line that names an index."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Unreadable("no JSON of tshark, or not to its end") from None
    if isinstance(found, dict) and "index" in found:
        return None
    source: Any = found.get("_source", found) if isinstance(found, dict) else None
    layers: Any = source.get("layers") if isinstance(source, dict) else None
    if not isinstance(layers, dict):
        raise Unreadable("no packet of tshark")
    named = {
        name.replace(".", "_"): value
        for name, value in layers.items()
        if isinstance(value, list) and all(isinstance(each, str) for each in value)
    }
    if "tcp_stream" not in named or not _SOURCES & named.keys():
        raise Unreadable(
            "no tcp.payload and tcp.stream; export with -e as the documentation says"
        )
    return named


class _Streams:
    """The connections, each with its requests that wait for an answer."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        self._waiting: dict[str, deque[_Asked]] = {}
        self._bytes = 0
        self._early: dict[str, _Answer] = {}
        self._early_bytes = 0

    def take(self, number: int, layers: _Layers) -> Iterator[Recorded]:
        at = _seconds(layers.get("frame_time_epoch", [""])[0])
        stream = layers["tcp_stream"][0]
        if methods := layers.get("http_request_method"):
            client = (layers.get("ip_src") or layers.get("ipv6_src") or [""])[0]
            for found in _messages(layers, len(methods), None):
                self._wait(
                    stream, _Asked(number, at, client.encode(), request_of(found))
                )
            if early := self._early.pop(stream, None):
                self._early_bytes -= early.size
                yield from self._answers(stream, early)
            yield from self._overflow(stream)
        elif codes := layers.get("http_response_code"):
            if all(code[:1] == "1" and code != "101" for code in codes):
                return
            answer = _Answer(number, at, layers)
            if stream in self._waiting:
                yield from self._answers(stream, answer)
            elif self._has_room(stream, answer):
                # Some servers answer before they have all of the request.
                self._early[stream] = answer
                self._early_bytes += answer.size
            else:
                raise Unreadable(_ALONE)
        else:
            raise Unreadable("neither a request nor an answer of HTTP/1")

    def _has_room(self, stream: str, answer: _Answer) -> bool:
        few = len(self._early) < _EARLY and stream not in self._early
        return few and self._early_bytes + answer.size <= _WAITING_BYTES

    def _wait(self, stream: str, asked: _Asked) -> None:
        self._waiting.setdefault(stream, deque()).append(asked)
        self._bytes += len(asked.request.body.data)

    def _next(self, stream: str) -> _Asked:
        """Return the request of a connection that waits the longest, no more waiting."""
        waiting = self._waiting[stream]
        asked = waiting.popleft()
        self._bytes -= len(asked.request.body.data)
        if not waiting:
            del self._waiting[stream]
        return asked

    def rest(self) -> Iterator[Recorded | BadRecord]:
        """Return the requests whose answers never came, and what is left of answers."""
        while self._waiting:
            yield self._record(self._next(next(iter(self._waiting))))
        for answer in self._early.values():
            yield self.maker.bad(answer.number, _ALONE)

    def _answers(self, stream: str, answer: _Answer) -> Iterator[Recorded]:
        waiting = self._waiting[stream]
        count = len(answer.layers["http_response_code"])
        for found in _messages(answer.layers, count, waiting):
            response = response_of(found)
            if response.status < 200 and response.status != 101:
                continue
            yield self._record(self._next(stream), response, answer.at)
            if not waiting:
                return

    def _overflow(self, stream: str) -> Iterator[Recorded]:
        while len(self._waiting.get(stream, ())) > _PIPELINED:
            yield self._record(self._next(stream))
        while len(self._waiting) > _STREAMS or self._bytes > _WAITING_BYTES:
            yield self._record(self._next(next(iter(self._waiting))))

    def _record(
        self, asked: _Asked, response: Response | None = None, ended: float = 0.0
    ) -> Recorded:
        timing = None
        if response is not None and 0 <= ended - asked.at < _WEEK:
            took = int((ended - asked.at) * 1e9)
            timing = Timing(0, took, took)
        return self.maker.record(
            asked.number,
            asked.at,
            asked.request,
            response,
            timing=timing,
            missing=lacking(asked.request, response),
            client=asked.client,
        )


def _messages(
    layers: _Layers, count: int, waiting: deque[_Asked] | None
) -> Iterator[Message]:
    """Return the messages that end in a packet: what was put together, then the rest."""
    sources = layers.get("tcp_reassembled_data", [])
    if count > len(sources):
        # A packet that ends a connection has no bytes of its own.
        sources = [*sources, *layers.get("tcp_payload", [])]
    for source in sources[:count]:
        data = _bytes(source)
        while data.strip(b"\r\n") and count > 0:
            asked_by = waiting[0].request.method if waiting else None
            found = message(data, asked_by=asked_by)
            count -= 1
            yield found
            data = found.rest


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text.replace(":", ""))
    except ValueError:
        raise Unreadable("the bytes of a packet are no hexadecimal numbers") from None


def _seconds(text: str) -> float:
    """Return the time of a packet, which newer tsharks write as ISO 8601 in JSON."""
    try:
        return check_time(float(text))
    except ValueError:
        pass
    try:
        return check_time(iso_seconds(text))
    except (ValueError, OverflowError):
        raise Unreadable("no frame.time_epoch, which says when it was") from None
