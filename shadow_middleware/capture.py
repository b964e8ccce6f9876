"""
The tap that all adapters share: what passes by is kept, up to a cap.

Pure: it holds references and counts bytes. Clock, hand-over and the fence around
our own mistakes are the `LiveSide` that created it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from hashlib import _Hash

    from shadow_middleware.exchange import Headers

__all__ = ["Capture", "Collector", "Desk", "Ledger", "Record"]

Record = tuple[object, ...]
"""An exchange as it crosses the wall; `handoff.codec` names the places but the first."""


class Desk(Protocol):
    """Where a capture goes when it is done. Nothing here raises or blocks."""

    @property
    def ledger(self) -> Ledger:
        """Where bodies that are being collected account for what they hold."""
        ...

    @property
    def caps(self) -> tuple[int, int]:
        """Bytes to keep of a request body and of a response body."""
        ...

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


class Ledger(Protocol):
    """How much the bodies that are still being collected may hold, all together."""

    def take(self, size: int) -> bool:
        """Hold `size` bytes more, if there is room for them."""
        ...

    def give(self, size: int) -> None:
        """Hold `size` bytes less. For finalisers too: it takes no lock."""
        ...


class Collector:
    """
    Keeps the first `cap` bytes of a body; beyond them, length and SHA-256.

    Where the ledger has no room it keeps no more from there on, as at the cap.
    """

    __slots__ = ("_cap", "_chunks", "_hash", "_held", "_ledger", "length")

    def __init__(self, cap: int, ledger: Ledger) -> None:
        self._cap = cap
        self._ledger = ledger
        self._chunks: list[bytes] = []
        self._hash: _Hash | None = None
        self._held = 0
        self.length = 0

    def feed(self, data: bytes) -> None:
        """Take note of the next bytes. Mutable buffers are copied."""
        if type(data) is not bytes:
            data = bytes(data)
        self.length += len(data)
        if self._hash is not None:
            self._hash.update(data)
            return
        kept = data[: self._cap - self._held]
        if not self._ledger.take(len(kept)):
            kept = b""
        self._held += len(kept)
        if len(kept) < len(data):
            self._overflow(data)
        self._chunks.append(kept)

    def _overflow(self, data: bytes) -> None:
        self._hash = hashlib.sha256()
        for chunk in self._chunks:
            self._hash.update(chunk)
        self._hash.update(data)

    def __del__(self) -> None:
        self._ledger.give(self._held)

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


class Capture(msgspec.Struct, eq=False):
    """
    One exchange while it happens; the adapter feeds it and ends it once.

    Every method may be called at any time in any order and never raises, so an
    adapter needs no fence of its own around them.
    """

    # A Struct, because its constructor fills in the defaults without Python code.

    desk: Desk
    method: str
    path: bytes
    query: bytes
    headers: Headers
    started: int
    odd: dict[str, object] | None = None
    """What few exchanges have, by name; see `handoff.codec.Odd`."""
    response_headers: Headers = ()
    route: str = ""
    done: bool = False
    first_byte: int = 0
    ended: int = 0
    status: int = 0
    # A body that came in one piece is kept as that piece.
    request: Collector | bytes | None = None
    response: Collector | bytes | None = None

    def note(self, name: str, value: object) -> None:
        """Take note of something that few exchanges have; see `handoff.codec.Odd`."""
        if self.odd is None:
            self.odd = {}
        self.odd[name] = value

    def request_chunk(self, data: bytes) -> None:
        """Take note of request bytes that the app has just read."""
        if self.done:
            return
        try:
            self.request = _fed(self.request, data, self.desk.caps[0], self.desk.ledger)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.desk.fault("request body", error)
            self.request_incomplete()

    def request_incomplete(self) -> None:
        """Say that the app did not read the whole request body."""
        self.note("request_cut", True)

    def response_chunk(self, data: bytes) -> None:
        """Take note of response bytes that the server has just been given."""
        if self.done:
            return
        try:
            if not self.first_byte and data:
                self.first_byte = self.desk.now()
            self.response = _fed(
                self.response, data, self.desk.caps[1], self.desk.ledger
            )
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.broken("response body", error)

    def response_whole(self, data: bytes) -> None:
        """Take note of a response body that comes in one piece, just before the end."""
        # Its first byte and its last come at once, so `ended` tells for both.
        if type(data) is bytes and len(data) <= self.desk.caps[1]:
            self.response = data
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
        self.request = self.response = None

    def finish(self, route: str = "") -> None:
        """Hand the exchange over, once the last byte is with the server."""
        if self.done:
            return
        self.done = True
        self.ended = self.ended or self.desk.now()
        self.route = route
        self.desk.hand_over(self)

    def abandon(self, reason: str, route: str = "") -> None:
        """Hand it over as one that is counted but not replayed, and why."""
        if self.odd is None or "skip" not in self.odd:
            self.note("skip", reason)
        self.finish(route)

    def has_body(self) -> None:
        """Take note that the request's headers announce a body."""

    @property
    def occasion(self) -> object:
        """Where the app's router may be found, for an adapter that looks there."""
        return None

    def record(self) -> Record:
        """
        Return the exchange in the order of `handoff.codec.FIELDS`, but its number.

        A first byte of 0 says that it came with the last. Bodies may be collectors.
        """
        return (
            self.started,
            self.first_byte,
            self.ended,
            self.method,
            self.path,
            self.query,
            self.headers,
            self.request,
            self.status,
            self.response_headers,
            self.response,
            self.route,
            self.odd,
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
