"""
The lean sender: HTTP/1.1 over connections of our own, and nothing between.

An HTTP client is made to be convenient. What it adds, merges, normalises and repeats
has to be taken out again for a replay, and costs several times what sending does. Here
the request line and the header fields are the bytes that were captured.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import ssl
from time import monotonic_ns
from typing import Final

import msgspec

from shadow_middleware.errors import (
    ReplayConnectError,
    ReplayProtocolError,
    ReplayRefused,
)
from shadow_middleware.exchange import Request
from shadow_middleware.replay.base import Answer
from shadow_middleware.replay.connection import Connection
from shadow_middleware.replay.dialling import Dialler, in_beats
from shadow_middleware.replay.failures import timed_out, why_not_connected
from shadow_middleware.replay.framing import length_field, target_of
from shadow_middleware.settings import SAFE_METHODS

__all__ = ["Patience", "Wire"]

_CLOSING: Final = 1.0
"""Seconds that connections may take to close."""
_TICK: Final = 0.001
"""Seconds by which a loop's timer may ring too early."""
_STOOD_STILL: Final = 0.25
"""Seconds by which it rings too late only where the whole process stood still."""


class Patience(msgspec.Struct, frozen=True):
    """How long to wait, in seconds."""

    connect: float
    """For a connection, its TLS handshake included."""
    read: float
    """Without a byte."""
    total: float
    idle: float = 30.0
    """Until a connection that nobody uses is closed."""


class Wire:
    """
    The `Sender` for targets that speak HTTP/1.1, with or without TLS.

    A safe request without a body that met a connection which the server had just closed
    is sent once more, on a new one. Nothing else is ever sent twice.

    Args:
        origin: `http://host:port`, without a path.
        patience: How long to wait.
        cap: Bytes of a body that are read; a longer one ends its connection.
        limit: Connections that stay open while nobody uses them.
        ssl_context: For https.
    """

    def __init__(
        self,
        origin: str,
        patience: Patience,
        *,
        cap: int,
        limit: int,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._patience = patience
        self._cap = cap
        self._limit = limit
        self._dialler = Dialler(origin, ssl_context)
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = math.inf
        self._has_waited = False
        self._all_closed: asyncio.Event | None = None

    async def send(self, request: Request) -> Answer:
        """Return the target's answer; see `Sender`."""
        head = _head(request)
        loop = asyncio.get_running_loop()
        started, deadline = monotonic_ns(), loop.time() + self._patience.total
        connection = self._free()
        if connection is not None:
            try:
                return await self._exchange(
                    connection, request, head, started, deadline
                )
            except ReplayProtocolError:
                if connection.is_answering or not _may_be_repeated(request):
                    raise
        connection = await self._connect(loop, deadline)
        return await self._exchange(connection, request, head, started, deadline)

    async def aclose(self) -> None:
        """Close every connection. Calling it twice is harmless."""
        self._idle.clear()
        self._put_timer_off()
        if not self._open:
            return
        self._all_closed = asyncio.Event()
        for connection in tuple(self._open):
            connection.abort()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING):
                await self._all_closed.wait()

    async def _exchange(
        self,
        connection: Connection,
        request: Request,
        head: bytes,
        started: int,
        deadline: float,
    ) -> Answer:
        connection.deadline = deadline
        answer = connection.ask(
            head,
            request.body.data,
            head_only=request.method == "HEAD",
            started=started,
        )
        if (due := self._due(connection)) < self._looks_at:
            self._look_at(due)
        try:
            return await answer
        except asyncio.CancelledError:
            connection.abort()
            raise
        finally:
            self._put_back(connection)

    # --- connections --------------------------------------------------------------------

    def _free(self) -> Connection | None:
        """Return the connection that was used last, so that the others can close."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    def _put_back(self, connection: Connection) -> None:
        if not connection.is_open:
            return
        if len(self._idle) >= self._limit:
            connection.abort()
            return
        self._idle.append(connection)
        if (due := self._due(connection)) < self._looks_at:
            self._look_at(due)

    async def _connect(
        self, loop: asyncio.AbstractEventLoop, deadline: float
    ) -> Connection:
        left = deadline - loop.time()
        patience = self._patience
        try:
            made = await in_beats(
                self._dialler.connect(lambda: Connection(self._cap, loop, self._lost)),
                min(patience.connect, left),
            )
        except TimeoutError as error:
            if patience.connect < left:
                raise timed_out("connect", patience.connect) from error
            raise timed_out("total", patience.total) from error
        except (OSError, UnicodeError) as error:
            text = f"{type(error).__name__}: {error}"[:300]
            reason = why_not_connected(error)
            raise ReplayConnectError(text, reason=reason) from error
        self._open.add(made)
        return made

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        if not self._open and self._all_closed is not None:
            self._all_closed.set()

    # --- time ---------------------------------------------------------------------------

    def _due(self, connection: Connection) -> float:
        """Return when somebody has to look whether it was silent for too long."""
        if connection.is_busy:
            silent = connection.silent_since + self._patience.read
            return min(connection.deadline, silent)
        return connection.silent_since + self._patience.idle

    def _look_at(self, due: float) -> None:
        """Look at all connections then: one timer for all costs nothing for each."""
        self._put_timer_off()
        self._looks_at = due
        self._timer = asyncio.get_running_loop().call_at(due, self._look)

    def _look(self) -> None:
        """End what has taken too long, and look again when the next may have."""
        now = asyncio.get_running_loop().time()
        soon, late = now + _TICK, now - self._looks_at
        self._put_timer_off()
        if late > _STOOD_STILL and not self._has_waited:
            # Answers may lie in the sockets, unread: a loop looks at its timers first.
            self._has_waited = True
            self._look_at(soon)
            return
        self._has_waited = False
        for connection in tuple(self._open):
            if self._due(connection) > soon:
                continue
            if not connection.is_busy:
                connection.abort()
            elif connection.deadline <= soon:
                connection.fail(timed_out("total", self._patience.total))
            else:
                connection.fail(timed_out("read", self._patience.read))
        still_open = [one for one in self._open if one.is_open]
        if still_open:
            self._look_at(min(map(self._due, still_open)))

    def _put_timer_off(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._looks_at = None, math.inf


def _may_be_repeated(request: Request) -> bool:
    return request.method in SAFE_METHODS and not request.body.data


def _head(request: Request) -> bytes:
    """
    Return request line and fields as they go out.

    Raises:
        ReplayRefused: they would be another request, or none at all.
    """
    fields = request.headers
    if (length := length_field(request)) is not None:
        fields = [*fields, length]
    target = target_of(request)
    line = b"%b %b HTTP/1.1" % (request.method.encode("latin-1"), target)
    head = b"\r\n".join([line, *map(b": ".join, fields), b"", b""])
    # Whoever made the request has looked at each field; this is for whoever did not.
    breaks = len(fields) + 2
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
        raise ReplayRefused("a line break or NUL in the head of the request")
    if b" " in target or b"\r\nhost: " not in head.lower():
        raise ReplayRefused("a blank in the target, or no Host header")
    return head
