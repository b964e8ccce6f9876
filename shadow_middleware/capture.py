"""
The tap that all adapters share: what passes by is kept, up to a cap.

Pure: it holds references and counts bytes. Clock, hand-over and the fence around
our own mistakes are the `LiveSide` that created it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from hashlib import _Hash

    from shadow_middleware.exchange import Headers

__all__ = ["Capture", "Collector", "Desk", "Ledger", "Record"]

Record = tuple[object, ...]
"""An exchange as it crosses the wall; `handoff.codec` names the places."""


class Desk(Protocol):
    """Where a capture goes when it is done. Nothing here raises or blocks."""

    ledger: Ledger

    def now(self) -> int:
        """Return monotonic nanoseconds."""
        ...

    def admits_type(self, headers: Headers) -> bool:
        """Whether a response with this head is mirrored."""
        ...

    def hand_over(self, capture: Capture) -> None:
        """Take the finished capture, or drop and count it."""
        ...

    def defer(self, work: Callable[[], None]) -> None:
        """Have this done soon, on another thread; the one way for a finaliser."""
        ...

    def fault(self, where: str, error: BaseException) -> None:
        """Count an exception of our own code, and log it once in a while."""
        ...


class Ledger:
    """
    How much the bodies that are still being collected hold, all together.

    An entry for each, and no total: entries are replaced whole, so threads need no
    lock and a finaliser may strike one out.
    """

    def __init__(self, room: Callable[[], int]) -> None:
        self._held: dict[int, int] = {}
        self._room = room

    def admits(self, owner: Collector, length: int) -> bool:
        """Account for what the owner would hold; whether there is room for that."""
        self._held[id(owner)] = length
        return sum(list(self._held.values())) <= self._room()

    def strike(self, owner: Collector) -> None:
        """Forget an owner that is gone."""
        self._held.pop(id(owner), None)


class Collector:
    """
    Keeps the first `cap` bytes of a body; beyond them, length and SHA-256.

    Where the ledger has no room it keeps no more from there on, as at the cap.
    """

    __slots__ = ("_cap", "_chunks", "_hash", "_ledger", "length")

    def __init__(self, cap: int, ledger: Ledger | None = None) -> None:
        self._cap = cap
        self._ledger = ledger
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
        elif self._ledger is not None and not self._ledger.admits(self, self.length):
            self._overflow(data, 0)
        elif self.length <= self._cap:
            self._chunks.append(data)
        else:
            self._overflow(data, self._cap - (self.length - len(data)))

    def _overflow(self, data: bytes, room: int) -> None:
        self._hash = hashlib.sha256()
        for chunk in self._chunks:
            self._hash.update(chunk)
        self._hash.update(data)
        self._chunks.append(data[:room])

    def __del__(self) -> None:
        if self._ledger is not None:
            self._ledger.strike(self)

    @property
    def data(self) -> bytes:
        """The bytes that were kept."""
        chunks = self._chunks
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    @property
    def parts(self) -> tuple[bytes, int, bytes | None]:
        """Kept bytes, length and digest."""
        return self.data, self.length, self.digest

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

    __slots__ = (
        *("_caps", "_odd", "_request", "_response", "desk", "done", "ended"),
        *("first_byte", "headers", "method", "path", "query", "response_headers"),
        *("route", "started", "status"),
    )

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
        self.response_headers: Headers = ()
        self.route = ""
        self.done = False
        self.first_byte = self.ended = self.status = 0
        self._caps = caps
        # A body that came in one piece is kept as that piece.
        self._request: Collector | bytes | None = None
        self._response: Collector | bytes | None = None
        self._odd: dict[str, object] | None = None
        self.started = desk.now()

    def note(self, name: str, value: object) -> None:
        """Take note of something that few exchanges have; see `handoff.codec.Odd`."""
        if self._odd is None:
            self._odd = {}
        self._odd[name] = value

    def request_chunk(self, data: bytes) -> None:
        """Take note of request bytes that the app has just read."""
        try:
            self._request = _fed(self._request, data, self._caps[0], self.desk.ledger)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.desk.fault("request body", error)
            self.request_incomplete()

    def request_incomplete(self) -> None:
        """Say that the app did not read the whole request body."""
        self.note("request_cut", True)

    def response_started(
        self, status: int, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        """Take note of the response's head; a later call replaces it."""
        try:
            self.status = int(status)
            # A copy: layers around us may change the list in place.
            self.response_headers = kept = tuple(headers)
            if not self.desk.admits_type(kept):
                self.leave()
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.broken("response head", error)

    def response_chunk(self, data: bytes) -> None:
        """Take note of response bytes that the server has just been given."""
        if self.done:
            return
        try:
            if not self.first_byte and data:
                self.first_byte = self.desk.now()
            self._response = _fed(self._response, data, self._caps[1], self.desk.ledger)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.broken("response body", error)

    def response_whole(self, data: bytes) -> None:
        """Take note of a response body that comes in one piece, just before the end."""
        # Its first byte and its last come at once, so `ended` tells for both.
        if type(data) is bytes and len(data) <= self._caps[1]:
            self._response = data
        else:
            self.response_chunk(data)

    def broken(self, where: str, error: BaseException) -> None:
        """Say that a mistake of our own left the capture incomplete."""
        self.desk.fault(where, error)
        self.note("skip", "capture_failed")

    def failed(self, error: BaseException) -> None:
        """Say that the app raised."""
        self.note("error", type(error).__name__)

    def leave(self) -> None:
        """Forget the exchange: it turned out not to be one that is mirrored."""
        self.done = True
        self._request = self._response = None

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
        if self._odd is None or "skip" not in self._odd:
            self.note("skip", reason)
        self.finish(route)

    @property
    def key(self) -> str | None:
        """What keeps order and sampling sticky."""
        key = self._odd.get("key") if self._odd else None
        return key if isinstance(key, str) else None

    def record(self, number: int) -> Record:
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
            request.parts if isinstance(request, Collector) else request,
            self.status,
            self.response_headers,
            response.parts if isinstance(response, Collector) else response,
            self.route,
            self._odd,
        )


def _fed(
    body: Collector | bytes | None, data: bytes, cap: int, ledger: Ledger
) -> Collector | bytes | None:
    """Return the body with the next bytes in it."""
    if body is None and type(data) is bytes and len(data) <= cap:
        return data
    if not isinstance(body, Collector):
        first, body = body, Collector(cap, ledger)
        if first is not None:
            body.feed(first)
    body.feed(data)
    return body
