"""
The shadow of a drill: counts which request it got how often, and behaves as ordered.

    python -m benchmarks.drill.shadow HOST PORT
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

from benchmarks.drill.app import PIECE, answer
from benchmarks.drill.ledger import Ledger, number_in, size_in

__all__ = ["main"]

UNLIKE: Final = 100
"""Every so many-th answer is another than live's."""
_LINGER_NONE: Final = struct.pack("ii", 1, 0)


class Conversation(asyncio.Protocol):
    """One connection of an agent's."""

    def __init__(self, ledger: Ledger, newest: dict[bytes, int]) -> None:
        self._ledger = ledger
        self._newest = newest
        self._data = bytearray()
        self._writable = asyncio.Event()
        self._writable.set()
        self._task: asyncio.Task[None] | None = None
        # What is not here never answers.
        self._behaviours: dict[str, Callable[[bytes], None]] = {
            "answering": self._say,
            "slow": self._say_late,
            "failing": self._fail,
            "lying_long": self._say_less,
            "lying_short": self._say_more,
            "garbage": self._babble,
            "resetting": self._reset,
            "endless": self._say_on,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        """End whatever is still being said."""
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """Say no more for now."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Take in whatever part of whatever request has come."""
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._data[:end])
            length = int(_field(head, b"content-length") or 0)
            if len(self._data) < end + 4 + length:
                return
            del self._data[: end + 4 + length]
            self._take(head)

    def _take(self, head: bytes) -> None:
        target = head.split(b" ", 2)[1]
        number = number_in(target)
        self._ledger.got(number, time.monotonic())
        user = _field(head, b"x-user")
        if user:
            # A safe request may come again after later ones: the first time counts.
            first = number < 0 or self._ledger.copies[number] == 1
            if first and self._newest.get(user, -1) > number:
                self._ledger.reordered += 1
            self._newest[user] = max(number, self._newest.get(user, -1))
        size = size_in(target)
        if size:
            self._task = asyncio.ensure_future(self._pour(size))
            return
        self._behave(number)

    def _behave(self, number: int) -> None:
        said = answer(number)
        if number % UNLIKE == 0:
            said = said.replace(b'"text":"x', b'"text":"y')
        behave = self._behaviours.get(self._ledger.behaviour)
        if behave is not None:
            behave(said)

    def _say(self, said: bytes) -> None:
        self._transport.write(_head(len(said)) + said)

    def _say_late(self, said: bytes) -> None:
        asyncio.get_running_loop().call_later(self._ledger.delay, self._say, said)

    def _fail(self, said: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
        )

    def _say_less(self, said: bytes) -> None:
        self._transport.write(_head(len(said) + 1000) + said)
        self._transport.close()

    def _say_more(self, said: bytes) -> None:
        self._transport.write(_head(2) + said)

    def _babble(self, said: bytes) -> None:
        self._transport.write(b"\x00\xff\x16\x03\x01 not http at all\r\n\r\n")
        self._transport.close()

    def _reset(self, said: bytes) -> None:
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        self._transport.abort()

    def _say_on(self, said: bytes) -> None:
        self._task = asyncio.ensure_future(self._pour(1 << 60))

    async def _pour(self, size: int) -> None:
        """Say so many bytes, as fast as they are taken."""
        with suppress(OSError):
            self._transport.write(_head(size))
            while size > 0 and not self._transport.is_closing():
                self._transport.write(PIECE[:size])
                size -= len(PIECE)
                await self._writable.wait()


def _head(length: int) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n" % length
    )


def _field(head: bytes, name: bytes) -> bytes:
    """Return the value of the first field of this name; empty without one."""
    at = head.lower().find(b"\r\n" + name + b":")
    if at < 0:
        return b""
    return head[at + len(name) + 3 :].split(b"\r\n", 1)[0].strip()


async def serve(host: str, port: int) -> None:
    """Serve until the process ends."""
    ledger, newest = Ledger.of_environment(), dict[bytes, int]()
    server = await asyncio.get_running_loop().create_server(
        lambda: Conversation(ledger, newest), host, port, backlog=1024
    )
    async with server:
        await server.serve_forever()


def main(host: str, port: str) -> None:
    """Serve, on uvloop: the shadow is to be no fault of its own."""
    import uvloop

    uvloop.run(serve(host, int(port)))


if __name__ == "__main__":
    main(*sys.argv[1:])
