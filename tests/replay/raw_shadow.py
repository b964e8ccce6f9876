"""A shadow made of a bare socket: it records bytes and answers what it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType

Connection = Callable[
    ["RawShadow", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]
]

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class RawShadow:
    """Listens on loopback while entered; `requests` holds what came, byte for byte."""

    def __init__(
        self,
        connection: Connection | None = None,
        answer: bytes = OK,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.closed = asyncio.Event()
        self.answer = answer
        self._connection = connection or keep_answering
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> RawShadow:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self._tls
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(
                ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
            ):
                await self._connection(self, reader, writer)
        finally:
            writer.close()
            self.closed.set()


async def read_request(shadow: RawShadow, reader: asyncio.StreamReader) -> bytes:
    """Read one request, body by its Content-Length, and record it."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    body = await reader.readexactly(length)
    shadow.requests.append(head + body)
    return head + body


async def keep_answering(
    shadow: RawShadow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer every request on the connection with `answer`."""
    while True:
        await read_request(shadow, reader)
        writer.write(shadow.answer)
        await writer.drain()
