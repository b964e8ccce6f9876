"""What the app answers: its iterable, walked once by the server and never by us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Protocol

from shadow_middleware.capture import Capture

__all__ = ["Exchange", "wrapped"]


class Exchange(Protocol):
    """The request that a body answers."""

    capture: Capture

    def note(self, data: bytes) -> None:
        """Take note of bytes that go to the server."""
        ...

    def failed(self, error: BaseException) -> None:
        """Take note of what the app raised."""
        ...

    def exhausted(self) -> None:
        """End now where the client has its last byte already."""
        ...

    def end(self, *, complete: bool) -> None:
        """Hand the exchange over, or abandon it where the client went away."""
        ...


def wrapped(result: Iterable[bytes], exchange: Exchange) -> Iterable[bytes]:
    """Return an iterable that looks to the server as much like `result` as needed."""
    if type(result) is list:
        return _ListBody(result, exchange)
    if hasattr(result, "__len__"):
        return _SizedBody(result, exchange)
    return _Body(result, exchange)


class _Body:
    """The app's iterable, walked once by the server and never by us."""

    __slots__ = ("_closed", "_exchange", "_exhausted", "_iterator", "_result")

    def __init__(self, result: Iterable[bytes], exchange: Exchange) -> None:
        self._result = result
        self._exchange = exchange
        self._iterator: Iterator[bytes] | None = None
        self._exhausted = False
        self._closed = False

    def __iter__(self) -> _Body:
        return self

    def __next__(self) -> bytes:
        try:
            if self._iterator is None:
                self._iterator = iter(self._result)
            chunk = next(self._iterator)
        except StopIteration:
            self._exhausted = True
            self._exchange.exhausted()
            raise
        except BaseException as error:
            self._exchange.failed(error)
            raise
        self._exchange.note(chunk)
        return chunk

    def close(self) -> None:
        """Forward the server's close once, then hand the exchange over."""
        if self._closed:
            return
        self._closed = True
        close = getattr(self._result, "close", None)
        try:
            if close is not None:
                close()
        except BaseException as error:
            self._exchange.failed(error)
            raise
        finally:
            self._exchange.end(complete=self._exhausted)

    def __del__(self) -> None:
        # A caller that never closes, as tests do, must not lose the exchange.
        capture = self._exchange.capture
        if not capture.done:
            end = partial(self._exchange.end, complete=self._exhausted)
            capture.desk.defer(end)


class _SizedBody(_Body):
    """One with a length: from a length of one, servers make a Content-Length."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self._result)  # type: ignore[arg-type]


class _ListBody(list[bytes]):
    """A list stays a list, for servers and callers that look."""

    __slots__ = ("_exchange", "_given")

    def __init__(self, result: list[bytes], exchange: Exchange) -> None:
        super().__init__(result)
        self._exchange = exchange
        self._given = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in super().__iter__():
            if not self._exchange.capture.done:
                self._exchange.note(chunk)
            self._given += 1
            yield chunk
        self._exchange.exhausted()

    def close(self) -> None:
        """Hand the exchange over; a list has nothing to close."""
        if not self._given:  # taken whole, as `b"".join` does
            for chunk in super().__iter__():
                self._exchange.note(chunk)
            self._given = len(self)
        self._exchange.end(complete=self._given >= len(self))

    def __del__(self) -> None:
        if not self._exchange.capture.done:
            self._exchange.capture.desk.defer(self.close)
