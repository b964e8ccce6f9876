"""
The clients of a drill: each sends its next request in time, and waits for the answer.

    python -m benchmarks.drill.load HOST PORT USERS [fresh]

Times are taken from when a request was due, so a live app that stands still shows in
every request that it kept waiting. `fresh` takes a new connection for each request.
Ends with its standard input.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from contextlib import suppress
from typing import Final

from benchmarks.drill.app import answer
from benchmarks.drill.ledger import SPECIAL, Ledger, is_write

__all__ = ["main"]

PATIENCE: Final = 30.0
"""Seconds after which a client gives up, and a request has failed."""


class Client:
    """One user: one request at a time, in the order of their numbers."""

    def __init__(
        self,
        ledger: Ledger,
        numbers: itertools.count[int],
        place: tuple[str, int, int],
        *,
        fresh: bool,
    ) -> None:
        self._ledger = ledger
        self._numbers = numbers
        self._host, self._port, self._user = place
        self._fresh = fresh
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, first: float, users: int, over: asyncio.Event) -> None:
        """Ask again and again until it is over."""
        due = first
        while not over.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            number = next(self._numbers)
            if number >= self._ledger.capacity - SPECIAL or over.is_set():
                return
            await self._once(number, due)
            due += users / self._ledger.rate
        self._part()

    async def _once(self, number: int, due: float) -> None:
        ledger = self._ledger
        ledger.sent[number] = due
        try:
            async with asyncio.timeout(PATIENCE):
                status, body = await self._ask(number)
        except (OSError, EOFError, TimeoutError, ValueError, IndexError):
            self._part()
        else:
            # Something else than it should be is as bad as nothing.
            ledger.status[number] = status if body == answer(number) else 0
        ledger.took[number] = time.monotonic() - due
        ledger.answered += 1

    async def _ask(self, number: int) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(request(number, self._user, close=self._fresh))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        if self._fresh or b"connection: close" in head.lower():
            self._part()
        return int(head.split(b" ", 2)[1]), body

    def _part(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def request(number: int, user: int, *, close: bool = False) -> bytes:
    """Return the bytes of a request: one of four methods, as its number says."""
    method, path, body = b"GET", b"/items?%d" % number, b""
    if is_write(number):
        body = b'{"order":%d}' % number
        if number % 10 < 9:
            method, path = b"POST", b"/orders?%d" % number
        elif number % 20 == 9:
            method = b"PUT"
        else:
            method, body = b"DELETE", b""
    return (
        b"%s %s HTTP/1.1\r\nhost: live\r\nx-user: u%d\r\naccept: */*\r\n"
        b"content-length: %d\r\n%s\r\n%s"
        % (method, path, user, len(body), b"connection: close\r\n" * close, body)
    )


async def load(host: str, port: int, users: int, *, fresh: bool) -> None:
    """Load until standard input ends."""
    ledger, numbers, over = Ledger.of_environment(), itertools.count(), asyncio.Event()
    begin = time.monotonic() + 0.1
    clients = [
        asyncio.ensure_future(
            Client(ledger, numbers, (host, port, user), fresh=fresh).run(
                begin + user / ledger.rate, users, over
            )
        )
        for user in range(users)
    ]
    await asyncio.to_thread(sys.stdin.read)
    over.set()
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*clients)


def main(host: str, port: str, users: str, *rest: str) -> None:
    """Load, on uvloop: the clients are to be no fault of their own."""
    import uvloop

    uvloop.run(load(host, int(port), int(users), fresh="fresh" in rest))


if __name__ == "__main__":
    main(*sys.argv[1:])
