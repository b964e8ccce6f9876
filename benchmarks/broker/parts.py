"""The parts of both measurements: exchanges, a producer, a target that notes arrivals."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from shadow_middleware.drivers import open_works
from shadow_middleware.exchange import Body, Exchange, Request, Response, Timing
from shadow_middleware.handoff import codec
from shadow_middleware.service import FLUSH_INTERVAL
from shadow_middleware.settings import load, to_wire

BODY = b'{"items": [' + b", ".join(b'{"id": %d}' % n for n in range(90)) + b"]}"
HEADERS = [
    (b"host", b"live.example"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64)"),
    (b"accept", b"application/json"),
    (b"content-type", b"application/json"),
]
FIELDS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(BODY)),
]
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
    % (len(BODY), BODY)
)
ASKED = re.compile(rb"(GET|POST) /k/(\d+)/(\d+)")
SESSION = "bench"
MOST_WAITING = 4_000


def exchanges(count: int, keys: int, writes: int) -> Iterator[Exchange]:
    """Yield exchanges; one of `writes` is a POST, 0 has none."""
    seen = [0] * keys
    sent = Body(b'{"n": 1}', 8)
    for n in range(1, count + 1):
        key = (n * 7919) % keys
        seen[key] += 1
        post = bool(writes) and n % writes == 0
        yield Exchange(
            f"{SESSION}-{n:x}",
            time.time(),
            Request(
                "POST" if post else "GET",
                b"/k/%d/%d" % (key, seen[key]),
                b"",
                HEADERS,
                sent if post else Body(),
            ),
            Response(200, FIELDS, Body(BODY, len(BODY))),
            Timing(0, 900_000, 1_000_000),
            "/k/{key}/{n}",
            key=f"user-{key}",
        )


async def produce(given: dict[str, Any], count: int, keys: int, writes: int) -> float:
    """Be an agent that is given so many exchanges; return its CPU seconds."""
    relay: Any = open_works(to_wire(load(given)))
    began = time.process_time()
    relay.start()
    relay.begin(codec.Hello(1, SESSION, b"", 0.0, 0, 0))
    flushed = time.monotonic()
    for n, exchange in enumerate(exchanges(count, keys, writes), 1):
        relay.accept(exchange, 3_000)
        if n % 64 == 0:
            relay.account(SESSION, n, {})
            while len(relay._outgoing) > MOST_WAITING:  # noqa: ASYNC110 -- nobody tells
                await asyncio.sleep(0.005)
            await asyncio.sleep(0)
        if time.monotonic() - flushed > FLUSH_INTERVAL:
            flushed = time.monotonic()
            relay.flush()
    relay.account(SESSION, count, {})
    await relay.close(60.0)
    return time.process_time() - began


class Target(asyncio.Protocol):
    """Answers everything alike, and notes in which order what came."""

    arrivals: list[tuple[bytes, int, int]] = []  # noqa: RUF012 -- one for the process

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head, after = data[:end], end + 4
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            after += int(length[1]) if length else 0
            if len(data) < after:
                break
            found = ASKED.match(head)
            if found:
                method, key, number = found.groups()
                self.arrivals.append((method, int(key), int(number)))
            self.transport.write(ANSWER)
            data = data[after:]
        self.rest = data


def serve(pipe: Connection) -> None:
    """Be a target until asked for what came."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Target, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        while True:
            await asyncio.to_thread(pipe.recv)
            pipe.send(Target.arrivals)

    asyncio.run(work())


@contextmanager
def target() -> Iterator[tuple[str, Connection]]:
    """Give the address of a target in a process of its own, and the way to ask it."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(theirs,), daemon=True
    )
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}", ours
    finally:
        process.kill()
        process.join()


def arrivals(pipe: Connection) -> list[tuple[bytes, int, int]]:
    """Return what came to a target so far: method, key, number within the key."""
    pipe.send("?")
    found: list[tuple[bytes, int, int]] = pipe.recv()
    return found
