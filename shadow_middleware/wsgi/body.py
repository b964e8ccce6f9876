"""What the app answers: its iterable, walked once by the server and never by us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from shadow_middleware.wsgi.exchange import WsgiExchange

__all__ = ["Body", "ListBody", "SizedBody"]


class Body(msgspec.Struct, eq=False):
    """The app's iterable, walked once by the server and never by us."""

    exchange: WsgiExchange
    result: Iterable[bytes]
    iterator: Iterator[bytes] | None = None
    exhausted: bool = False
    closed: bool = False

    def __iter__(self) -> Body:
        return self

    def __next__(self) -> bytes:
        try:
            if self.iterator is None:
                self.iterator = iter(self.result)
            chunk = next(self.iterator)
        except StopIteration:
            self.exhausted = True
            # Where the client has its last byte already; else with `close()`.
            exchange = self.exchange
            if exchange.length is not None and exchange.sent >= exchange.length:
                exchange.end()
            raise
        except BaseException as error:
            self.exchange.failed(error)
            raise
        self.exchange.passed(chunk)
        return chunk

    def close(self) -> None:
        """Forward the server's close once, then hand the exchange over."""
        if self.closed:
            return
        self.closed = True
        close = getattr(self.result, "close", None)
        try:
            if close is not None:
                close()
        except BaseException as error:
            self.exchange.failed(error)
            raise
        finally:
            if not self.exchange.done:
                self.exchange.end(complete=self.exhausted)

    def __del__(self) -> None:
        # A caller that never closes, as tests do, must not lose the exchange.
        exchange = self.exchange
        if not exchange.done:
            exchange.desk.defer(partial(exchange.end, complete=self.exhausted))


class SizedBody(Body, eq=False):
    """One with a length: from a length of one, servers make a Content-Length."""

    def __len__(self) -> int:
        return len(self.result)  # type: ignore[arg-type]


class ListBody(list[bytes]):
    """A list stays a list, for servers and callers that look."""

    # No `__init__`: whoever makes one sets both, at less than the cost of a call.
    __slots__ = ("exchange", "iterator")

    exchange: WsgiExchange
    iterator: Iterator[bytes] | None

    def __iter__(self) -> Iterator[bytes]:
        self.iterator = iterator = list.__iter__(self)
        yield from iterator
        # Where the client has its last byte already; else with `close()`.
        exchange = self.exchange
        if exchange.length is not None and not exchange.done:
            exchange.end_list(self[:], complete=True, early=True)

    def close(self) -> None:
        """Hand the exchange over; a list has nothing to close."""
        if self.exchange.done:
            return
        count = len(self)
        if self.iterator is not None:  # else it was taken whole, as `b"".join` does
            count -= self.iterator.__length_hint__()  # type: ignore[attr-defined]
        self.exchange.end_list(self[:count], complete=count == len(self))

    def __del__(self) -> None:
        if not self.exchange.done:
            self.exchange.desk.defer(self.close)
