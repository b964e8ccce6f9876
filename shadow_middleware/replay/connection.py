"""One HTTP/1.1 connection to a target: a request out as it is given, its answer back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic_ns
from typing import cast

from shadow_middleware.errors import ReplayError, ReplayProtocolError
from shadow_middleware.exchange import Timing
from shadow_middleware.replay.answer_reader import AnswerReader
from shadow_middleware.replay.base import Answer

__all__ = ["Connection"]


class Connection(asyncio.Protocol):
    """
    Carries one exchange after the other, never two at once.

    Args:
        cap: Bytes of a body that are kept; one that goes on ends the connection.
        loop: Where it lives.
        lost: Told once, when it is closed.
    """

    def __init__(
        self,
        cap: int,
        loop: asyncio.AbstractEventLoop,
        lost: Callable[[Connection], None],
    ) -> None:
        self._loop = loop
        self._lost = lost
        self._reader = AnswerReader(cap, monotonic_ns)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._started = 0
        self.is_open = False
        """Whether another exchange may go over it, once it is free."""
        self.is_answering = False
        """Whether a byte of an answer has come: without one, a used one may be stale."""
        self.deadline = 0.0
        """When the exchange under way is to end, by the loop's clock."""
        self.silent_since = 0.0
        """When a byte came or went last, by the loop's clock."""

    @property
    def is_busy(self) -> bool:
        """Whether an exchange is under way."""
        return self._waiter is not None

    def ask(
        self, head: bytes, body: bytes, *, head_only: bool, started: int
    ) -> asyncio.Future[Answer]:
        """
        Send a request; what is returned holds the answer, or a `ReplayError`.

        Args:
            head: Request line and header fields, to the blank line.
            body: As it is.
            head_only: Whether the answer has no body, as one to HEAD.
            started: When the exchange began, in nanoseconds of the monotonic clock.
        """
        assert self._transport is not None
        waiter = self._waiter = self._loop.create_future()
        self._reader.begin(head_only=head_only)
        self._started = started
        self.is_answering = False
        self.silent_since = self._loop.time()
        self._transport.write(head)
        if body:
            self._transport.write(body)
        return waiter

    def fail(self, error: ReplayError) -> None:
        """End what is under way with this error, and the connection with it."""
        waiter, self._waiter = self._waiter, None
        self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    def abort(self) -> None:
        """Close it at once."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Take in a piece of the answer."""
        if self._waiter is None:
            self.abort()  # nobody has asked: a server that says goodbye, or worse
            return
        self.is_answering = True
        self.silent_since = self._loop.time()
        try:
            is_whole = self._reader.feed(data)
        except ReplayProtocolError as error:
            self.fail(error)
        else:
            if is_whole:
                self._answered(keeps=self._reader.keeps)

    def connection_lost(self, error: Exception | None) -> None:
        """End; an answer that ends with its connection is whole now."""
        self._transport = None
        self.is_open = False
        if self._waiter is not None:
            if error is None and self._reader.end():
                self._answered(keeps=False)
            else:
                self.fail(self._broken(error))
        self._lost(self)

    def _answered(self, *, keeps: bool) -> None:
        waiter, self._waiter = self._waiter, None
        reader = self._reader
        timing = Timing(self._started, reader.first, monotonic_ns())
        # What of the request is still unsent would come before the next one.
        if not keeps or self._unsent():
            self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_result(Answer(reader.response(), timing))

    def _unsent(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport else 0

    def _broken(self, error: Exception | None) -> ReplayError:
        if error is None:
            return ReplayProtocolError(
                "the connection was closed before the end of the answer"
            )
        reset = isinstance(error, (ConnectionResetError, BrokenPipeError))
        text = f"{type(error).__name__}: {error}"[:300]
        return ReplayProtocolError(text, reason="reset" if reset else "protocol")
