"""
The tap that all adapters share: what passes by is kept, up to a cap.

Pure: it holds references and counts bytes. Clock, hand-over and the fence around
our own mistakes are the `LiveSide` that created it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from hashlib import _Hash

    from shadow_middleware.exchange import Headers

__all__ = ["Capture", "Collector", "Desk", "Record"]

Record = tuple[object, ...]
"""An exchange as it crosses the wall; `handoff.codec` names the places."""

RECORD_OVERHEAD: Final = 1024
"""Bytes that the headers and bookkeeping of one record are taken to weigh."""


class Desk(Protocol):
    """Where a capture goes when it is done. Nothing here raises or blocks."""

    def now(self) -> int:
        """Return monotonic nanoseconds."""
        ...

    def hand_over(self, capture: Capture) -> None:
        """Take the finished capture, or drop and count it."""
        ...

    def fault(self, where: str, error: BaseException) -> None:
        """Count an exception of our own code, and log it once in a while."""
        ...


class Collector:
    """Keeps the first `cap` bytes of a body; beyond them, length and SHA-256."""

    __slots__ = ("_cap", "_chunks", "_hash", "length")

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._chunks: list[bytes] = []
        self._hash: _Hash | None = None
        self.length = 0

    def feed(self, data: bytes) -> None:
        """Take note of the next bytes. Mutable buffers are copied."""
        if type(data) is not bytes:
            data = bytes(data)
        self.length += len(data)
        if self._hash is not None:
            self._hash.update(data)
        elif self.length <= self._cap:
            self._chunks.append(data)
        else:
            self._overflow(data)

    def _overflow(self, data: bytes) -> None:
        self._hash = hashlib.sha256(b"".join(self._chunks))
        self._hash.update(data)
        room = self._cap - (self.length - len(data))
        self._chunks.append(data[:room])

    @property
    def data(self) -> bytes:
        """The bytes that were kept."""
        chunks = self._chunks
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    @property
    def digest(self) -> bytes | None:
        """SHA-256 of every byte; None while `data` holds them all."""
        return None if self._hash is None else self._hash.digest()


class Capture:
    """
    One exchange while it happens; the adapter feeds it and ends it once.

    Every method may be called at any time in any order and never raises, so an
    adapter needs no fence of its own around them.
    """

    # Defaults live on the class: a plain GET sets only what it has.
    scheme = "http"
    http_version = "1.1"
    key: str | None = None
    first_byte = 0
    ended = 0
    status = 0
    response_headers: Headers = ()
    trailers: Headers = ()
    withheld: tuple[str, ...] = ()
    error: str | None = None
    skip: str | None = None
    done = False
    _request: Collector | None = None
    _response: Collector | None = None
    _request_cut = False

    def __init__(
        self,
        desk: Desk,
        method: str,
        path: bytes,
        query: bytes,
        headers: Headers,
        caps: tuple[int, int],
    ) -> None:
        self.desk = desk
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self._caps = caps
        self.started = desk.now()
        self.route = ""

    def request_chunk(self, data: bytes) -> None:
        """Take note of request bytes that the app has just read."""
        try:
            if self._request is None:
                self._request = Collector(self._caps[0])
            self._request.feed(data)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.desk.fault("request body", error)
            self._request_cut = True

    def request_incomplete(self) -> None:
        """Say that the app did not read the whole request body."""
        self._request_cut = True

    def response_started(
        self, status: int, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        """Take note of the response's head; a later call replaces it."""
        try:
            self.status = int(status)
            self.response_headers = tuple(headers)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.desk.fault("response head", error)

    def response_chunk(self, data: bytes) -> None:
        """Take note of response bytes that the server has just been given."""
        try:
            if self._response is None:
                self._response = Collector(self._caps[1])
            if not self.first_byte and data:
                self.first_byte = self.desk.now()
            self._response.feed(data)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.desk.fault("response body", error)
            self.skip = "capture_failed"

    def failed(self, error: BaseException) -> None:
        """Say that the app raised."""
        self.error = type(error).__name__

    def finish(self, route: str = "") -> None:
        """Hand the exchange over, once the last byte is with the server."""
        if self.done:
            return
        self.done = True
        self.ended = self.desk.now()
        self.route = route
        self.desk.hand_over(self)

    def abandon(self, reason: str, route: str = "") -> None:
        """Hand it over as one that is counted but not replayed, and why."""
        self.skip = self.skip or reason
        self.finish(route)

    @property
    def size(self) -> int:
        """About how many bytes the record weighs."""
        size = RECORD_OVERHEAD
        if self._request is not None:
            size += min(self._request.length, self._caps[0])
        if self._response is not None:
            size += min(self._response.length, self._caps[1])
        return size

    def record(self, number: int, *, after_drop: bool = False) -> Record:
        """Return the exchange in the order of `handoff.codec.FIELDS`."""
        request, response = self._request, self._response
        return (
            number,
            self.started,
            self.first_byte or self.ended,
            self.ended,
            self.method,
            self.path,
            self.query,
            self.headers,
            None if request is None else (request.data, request.length, request.digest),
            self.status,
            self.response_headers,
            None
            if response is None
            else (response.data, response.length, response.digest),
            self.trailers,
            self.route,
            self.key,
            self.scheme,
            self.http_version,
            self.error,
            self.skip,
            self.withheld,
            self._request_cut,
            after_drop,
        )
