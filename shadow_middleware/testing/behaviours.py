"""The ways a shadow can behave, each an async callable of one request."""

from __future__ import annotations

import asyncio
import inspect
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from shadow_middleware.exchange import Headers
from shadow_middleware.testing.wire import Received, Reply, encode

__all__ = [
    "BEHAVIOURS",
    "Behaviour",
    "answering",
    "asgi",
    "endless",
    "failing",
    "frozen",
    "garbage",
    "lying_long",
    "lying_short",
    "refusing",
    "resetting",
    "slow",
]

Behaviour = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request. It may close or abort the writer; else the connection stays."""

Answerer = Callable[[Received], "Reply | Awaitable[Reply]"]


def answering(answer: Answerer | Reply | None = None) -> Behaviour:
    """Be healthy: send what `answer` returns; without one, an empty 200."""

    async def behave(received: Received, writer: asyncio.StreamWriter) -> None:
        reply = Reply() if answer is None else answer
        if not isinstance(reply, Reply):
            made = reply(received)
            reply = await made if inspect.isawaitable(made) else made
        writer.write(encode(reply, received.method))
        await writer.drain()

    return behave


def slow(seconds: float, answer: Answerer | Reply | None = None) -> Behaviour:
    """Answer properly, `seconds` late."""

    async def behave(received: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await answering(answer)(received, writer)

    return behave


def failing(status: int = 503) -> Behaviour:
    """Answer every request with this status."""
    return answering(Reply(status, ((b"content-type", b"text/plain"),), b"failing"))


def resetting(*, after_head: bool = False) -> Behaviour:
    """Reset the connection (RST), at once or after the head and half of the body."""

    async def behave(received: Received, writer: asyncio.StreamWriter) -> None:
        if after_head:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf ")
            await writer.drain()
        _reset(writer)

    return behave


async def endless(received: Received, writer: asyncio.StreamWriter) -> None:
    """Send a body that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        await writer.drain()


async def lying_long(received: Received, writer: asyncio.StreamWriter) -> None:
    """State a longer body than is sent, then close."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nshort")
    await writer.drain()
    writer.close()


async def lying_short(received: Received, writer: asyncio.StreamWriter) -> None:
    """State a shorter body than is sent, and keep the connection open."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nmuch more than that")
    await writer.drain()


async def garbage(received: Received, writer: asyncio.StreamWriter) -> None:
    """Send bytes that are not HTTP."""
    writer.write(b"\x00\xff\x16\x03\x01 not http at all\r\n\r\n")
    await writer.drain()
    writer.close()


async def frozen(received: Received, writer: asyncio.StreamWriter) -> None:
    """Take the request and never answer; the connection stays open."""
    await asyncio.Event().wait()


async def refusing(received: Received, writer: asyncio.StreamWriter) -> None:
    """Refuse connections: the port is closed while this is the behaviour."""
    _reset(writer)


def asgi(app: Callable[..., Awaitable[None]]) -> Behaviour:
    """Answer with an ASGI app, such as the live app itself or its rewrite."""

    async def answer(received: Received) -> Reply:
        path, _, query = received.target.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": received.method,
            "scheme": "http",
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in received.headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        call = _AppCall(received.body)
        await app(scope, call.receive, call.send)
        return Reply(call.status, call.headers, bytes(call.body))

    return answering(answer)


BEHAVIOURS: dict[str, Behaviour] = {
    "healthy": answering(),
    "slow": slow(5.0),
    "refusing": refusing,
    "resetting": resetting(),
    "resetting_after_head": resetting(after_head=True),
    "endless": endless,
    "lying_long": lying_long,
    "lying_short": lying_short,
    "garbage": garbage,
    "frozen": frozen,
    "failing": failing(),
}
"""Every way a shadow can behave, by name, for tests that go through them all."""


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN: a linger time of zero."""
    connection = writer.get_extra_info("socket")
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


class _AppCall:
    """One call of an ASGI app: the whole body in, the whole response out."""

    def __init__(self, body: bytes) -> None:
        self._events = [{"type": "http.request", "body": body, "more_body": False}]
        self.status = 500
        self.headers: Headers = ()
        self.body = bytearray()

    async def receive(self) -> dict[str, Any]:
        if not self._events:
            return {"type": "http.disconnect"}
        return self._events.pop()

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = tuple(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
