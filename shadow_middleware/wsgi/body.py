"""What the app answers: its iterable, walked once by the server and never by us."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from functools import partial
from itertools import chain

from shadow_middleware.wsgi.exchange import WsgiExchange

__all__ = ["wrapped"]


def wrapped(result: Iterable[bytes], exchange: WsgiExchange) -> Iterable[bytes]:
    """Return an iterable that looks to the server as much like `result` as needed."""
    wrapper = exchange.context.get("wsgi.file_wrapper")
    if (exchange.file is not None and result is exchange.file) or (
        isinstance(wrapper, type) and isinstance(result, wrapper)
    ):
        # The server sends the file itself, past everybody: no bytes to compare.
        exchange.end("sendfile")
        return result
    if type(result) is list:
        whole = _ListBody(result)
        whole.exchange = exchange
        whole.iterator = None
        return whole
    kind = _SizedBody if hasattr(result, "__len__") else _Body
    body = kind(_walk(result, exchange))
    body.exchange = exchange
    body.result = result
    return body


def _walk(
    result: Iterable[bytes], exchange: WsgiExchange
) -> Generator[bytes, None, None]:
    """Yield what the app's iterable yields, and take note of it."""
    live = exchange.live
    try:
        for chunk in result:
            size = exchange.length
            if (
                size is not None
                and type(chunk) is bytes
                and len(chunk) == size <= live.short
                and not (exchange.sent or exchange.done or exchange.method == "HEAD")
            ):
                # The first byte comes with the last, so `ended` tells for both.
                exchange.response = chunk
                exchange.sent = size
            else:
                exchange.passed(chunk)
            yield chunk
    except GeneratorExit:  # nobody asks for more
        raise
    except BaseException as error:
        exchange.failed(error)
        raise
    exchange.exhausted = True
    # Where the client has its last byte already; else with `close()`.
    if exchange.length is not None and exchange.sent >= exchange.length:
        exchange.end()


class _Body(chain[bytes]):
    """The app's iterable, walked once by the server and never by us."""

    # A chain of one, for its `__next__` is none of Python's functions, and goes on
    # where another left off. Nor is there an `__init__`: `wrapped` sets what there is.
    __slots__ = ("exchange", "result")

    exchange: WsgiExchange
    result: Iterable[bytes]

    def close(self) -> None:
        """Forward the server's close once, then hand the exchange over."""
        if self.exchange.closed:
            return
        self.exchange.closed = True
        close = getattr(self.result, "close", None)
        try:
            if close is not None:
                close()
        except BaseException as error:
            self.exchange.failed(error)
            raise
        finally:
            if not self.exchange.done:
                self.exchange.end(self.exchange.why_cut())

    def __del__(self) -> None:
        # A caller that never closes, as tests do, must not lose the exchange.
        exchange = self.exchange
        if not exchange.done:
            exchange.desk.defer(partial(exchange.end, exchange.why_cut()))


class _SizedBody(_Body):
    """One with a length: from a length of one, servers make a Content-Length."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self.result)  # type: ignore[arg-type]


class _ListBody(list[bytes]):
    """A list stays a list, for servers and callers that look."""

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
