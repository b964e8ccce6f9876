"""How a connection to a target is made: its addresses in turn, then TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

__all__ = ["Dialler", "in_beats"]

Made = TypeVar("Made", bound=asyncio.BaseProtocol)
Result = TypeVar("Result")

_REMEMBERED: Final = 10.0
"""Seconds for which the addresses of a name are used again."""
_PORTS: Final = {"http": 80, "https": 443}

Address = tuple[Any, Any, int, str, Any]


class Dialler:
    """
    Connects to one origin. No proxy, whatever the environment says.

    Args:
        origin: `http://host:port`, without a path.
        ssl_context: For https.
    """

    def __init__(self, origin: str, ssl_context: ssl.SSLContext | None) -> None:
        url = urlsplit(origin)
        self._host = url.hostname or ""
        self._port = url.port or _PORTS.get(url.scheme, 80)
        self._ssl = ssl_context
        self._addresses = _numeric(self._host, self._port)
        self._until = float("inf") if self._addresses else 0.0

    async def connect(self, protocol: Callable[[], Made]) -> Made:
        """
        Return the protocol of a new connection.

        Raises:
            OSError: for the first address, where none of them can be reached.
        """
        loop = asyncio.get_running_loop()
        sock = await self._reached(loop)
        _, made = await loop.create_connection(
            protocol,
            sock=sock,
            ssl=self._ssl,
            server_hostname=self._host if self._ssl is not None else None,
        )
        return made

    async def _reached(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        first: OSError | None = None
        for family, kind, protocol, _, address in await self._resolved(loop):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setblocking(False)
                await loop.sock_connect(sock, address)
            except OSError as error:
                sock.close()
                first = first or error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise first or OSError(f"no address for {self._host!r}")

    async def _resolved(self, loop: asyncio.AbstractEventLoop) -> list[Address]:
        if loop.time() >= self._until:
            self._addresses = await loop.getaddrinfo(
                self._host, self._port, type=socket.SOCK_STREAM
            )
            self._until = loop.time() + _REMEMBERED
        return self._addresses


async def in_beats(
    work: Coroutine[Any, Any, Result], seconds: float, beat: float = 0.1
) -> Result:
    """
    Return what the work returns within so many seconds in which this loop attends to it.

    A loop that stands still, or gets no processor, counts one beat however long it was:
    a handshake takes a few turns of the loop, and it is not the server's fault if these
    are seconds apart.

    Raises:
        TimeoutError: it takes longer; the work is cancelled.
    """
    task = asyncio.ensure_future(work)
    try:
        for _ in range(max(1, round(seconds / beat))):
            await asyncio.wait((task,), timeout=min(beat, seconds))
            if task.done():
                return task.result()
    finally:
        task.cancel()
    raise TimeoutError


def _numeric(host: str, port: int) -> list[Address]:
    """Return the address of a host that is one; nothing for a name."""
    try:
        return socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, UnicodeError):
        return []
