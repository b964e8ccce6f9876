"""
Files that GoReplay writes with `--output-file`: requests and answers byte for byte.

A payload is a line, `1 ID NANOSECONDS [NANOSECONDS]`, and what went over the wire;
payloads are parted by a line of three monkeys. 1 is a request, 2 the answer to it,
3 what GoReplay's own target answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from shadow_middleware.exchange import Request, Response, Timing
from shadow_middleware.traffic.importers.making import Maker, lacking
from shadow_middleware.traffic.importers.message import (
    message,
    request_of,
    response_of,
)
from shadow_middleware.traffic.importers.options import Options, Unreadable
from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = ["SEPARATOR", "read"]

SEPARATOR: Final = "\n🐵🙈🙉\n".encode()
_WEEK: Final = 7 * 86_400 * 10**9
_KEPT: Final = 200
"""Bytes of a payload over the limit that are kept to show how it begins."""
_WAITING: Final = 2_000
"""Requests whose answer may still come."""
_WAITING_BYTES: Final = 64 * 1024 * 1024


class _Payload(NamedTuple):
    number: int
    data: bytes
    length: int


class _Asked(NamedTuple):
    number: int
    at: float
    request: Request


def read(chunks: Iterable[bytes], options: Options) -> Iterator[Recorded | BadRecord]:
    """Return the exchanges of a file; a request whose answer is not there has none."""
    pairs = _Pairs(Maker(options), b"3" if options.replayed else b"2")
    for payload in _payloads(chunks, options.max_record):
        try:
            yield from pairs.take(payload)
        except Unreadable as problem:
            yield pairs.maker.bad(payload.number, str(problem), payload.data)
    yield from pairs.rest()


def _payloads(chunks: Iterable[bytes], limit: int) -> Iterator[_Payload]:
    number, held, over = 0, bytearray(), 0
    for chunk in chunks:
        seen = max(0, len(held) - len(SEPARATOR))
        held += chunk
        start = 0
        while (end := held.find(SEPARATOR, max(start, seen))) >= 0:
            number += 1
            length = end - start + over
            kept = end if length <= limit else min(end, start + _KEPT)
            yield _Payload(number, bytes(held[start:kept]), length)
            start, over = end + len(SEPARATOR), 0
        del held[:start]
        if len(held) > limit:
            # Keep how it begins, and what may be half of a separator.
            tail = held[-len(SEPARATOR) :]
            over += len(held) - _KEPT - len(tail)
            held = held[:_KEPT] + tail
    if held.strip():
        yield _Payload(number + 1, bytes(held), len(held) + over)


class _Pairs:
    """Joins answers to their requests, in the memory of those that still wait."""

    def __init__(self, maker: Maker, answers: bytes) -> None:
        self.maker = maker
        self._answers = answers
        self._waiting: dict[bytes, _Asked] = {}
        self._bytes = 0

    def take(self, payload: _Payload) -> Iterator[Recorded]:
        if payload.length != len(payload.data):
            raise Unreadable(f"a payload of {payload.length} bytes, more than is read")
        head, _, data = payload.data.lstrip(b"\r\n").partition(b"\n")
        words = head.split()
        if len(words) < 3 or words[0] not in (b"1", b"2", b"3"):
            raise Unreadable("no head of a payload, such as: 1 ID NANOSECONDS")
        kind, name, *numbers = words
        if kind == b"1":
            asked = self._request(payload.number, numbers, data)
            if name in self._waiting:
                yield self._record(self._pop(name))
            self._waiting[name] = asked
            self._bytes += len(asked.request.body.data)
            yield from self._overflow()
        elif kind == self._answers:
            yield from self._answer(name, numbers, data)

    def rest(self) -> Iterator[Recorded]:
        """Return the requests whose answers never came."""
        while self._waiting:
            yield self._record(self._pop(next(iter(self._waiting))))

    def _request(self, number: int, numbers: list[bytes], data: bytes) -> _Asked:
        return _Asked(number, _number(numbers[0]) / 1e9, request_of(message(data)))

    def _answer(
        self, name: bytes, numbers: list[bytes], data: bytes
    ) -> Iterator[Recorded]:
        if name not in self._waiting:
            raise Unreadable("an answer to a request that is not in the file")
        found = message(data, asked_by=self._waiting[name].request.method)
        response = response_of(found)
        if response.status < 200 and response.status != 101:
            return
        took = _number(numbers[1]) if len(numbers) > 1 else 0
        timing = Timing(0, took, took) if 0 < took < _WEEK else None
        yield self._record(self._pop(name), response, timing)

    def _overflow(self) -> Iterator[Recorded]:
        while len(self._waiting) > _WAITING or self._bytes > _WAITING_BYTES:
            yield self._record(self._pop(next(iter(self._waiting))))

    def _pop(self, name: bytes) -> _Asked:
        found = self._waiting.pop(name)
        self._bytes -= len(found.request.body.data)
        return found

    def _record(
        self,
        asked: _Asked,
        response: Response | None = None,
        timing: Timing | None = None,
    ) -> Recorded:
        return self.maker.record(
            asked.number,
            asked.at,
            asked.request,
            response,
            timing=timing,
            missing=lacking(asked.request, response),
        )


def _number(text: bytes) -> int:
    if not text.isdigit() or len(text) > 20:
        raise Unreadable("the head of a payload has no number where one belongs")
    return int(text)
