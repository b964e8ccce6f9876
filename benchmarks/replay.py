"""
What one replay costs: CPU in the sending process, for each transport.

    python -m benchmarks.replay [--count 4000] [--rounds 3] [--only auto,httpx]

A bare target answers 1 KB of JSON from another process. Each variant sends through
`HttpSender` in a process of its own, 1 and 32 at a time; the variants take turns, and
the table shows the median of the rounds. `aiohttp itself` and `one httpx pool` stand
beside them to show what the client's objects and a shared pool cost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import Any

from shadow_middleware.exchange import Request
from shadow_middleware.replay.client import httpx
from shadow_middleware.replay.http import HttpSender
from shadow_middleware.settings import Settings
from shadow_middleware.settings import Target as Whereto

BODY = json.dumps({"items": [{"id": n, "name": f"item {n}"} for n in range(32)]})[:1024]
ANSWER = (
    "HTTP/1.1 200 OK\r\nserver: bare\r\ncontent-type: application/json\r\n"
    f"content-length: {len(BODY)}\r\n\r\n{BODY}"
).encode()
HEADERS = [
    (b"Host", b"127.0.0.1"),
    (b"User-Agent", b"Mozilla/5.0 (X11; Linux x86_64)"),
    (b"Accept", b"application/json"),
    (b"Accept-Encoding", b"gzip, br"),
    (b"Accept-Language", b"en-GB,en;q=0.8"),
    (b"X-Request-Id", b"0123456789abcdef"),
    (b"X-Forwarded-Host", b"live.example"),
    (b"X-Shadow-Request", b"5f3a-1c;hop=1"),
]
REQUEST = Request("GET", b"/items/17", b"page=2&size=10", headers=HEADERS)

VARIANTS = {
    "auto": ("httpx", "auto"),
    "auto (httpx2)": ("httpx2", "auto"),
    "httpx": ("httpx", "httpx"),
    "httpx (httpx2)": ("httpx2", "httpx"),
    "pyreqwest": ("httpx", "pyreqwest"),
    "aiohttp itself": ("httpx", "aiohttp-itself"),
    "one httpx pool": ("httpx", "pool"),
}


class Target(asyncio.Protocol):
    """Answers every request head, pipelined or not, with the same bytes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(ANSWER * data.count(b"\r\n\r\n"))


def serve(ready: Connection) -> None:
    """Run the target until the process is ended, and tell its port."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Target, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def sender(kind: str, url: str) -> tuple[Callable[[], Awaitable[object]], Any]:
    """Return what sends one request, and what must be closed afterwards."""
    transport: httpx.AsyncBaseTransport | None = None
    if kind == "aiohttp-itself":
        return plain_aiohttp(url)
    if kind == "pool":
        transport, kind = httpx.AsyncHTTPTransport(), "httpx"
    if kind == "pyreqwest":
        transport, kind = pyreqwest(), "httpx"
    http = HttpSender(Whereto(url=url), Settings(transport=kind), transport=transport)
    return lambda: http.send(REQUEST), http


def pyreqwest() -> httpx.AsyncBaseTransport:
    """Return pyreqwest's transport; it rewrites header names and some URLs."""
    from pyreqwest.client import ClientBuilder
    from pyreqwest.compatibility.httpx import HttpxTransport

    plain = ClientBuilder().no_proxy().follow_redirects(False)
    return HttpxTransport(plain.gzip(False).brotli(False).zstd(False).build())


def plain_aiohttp(url: str) -> tuple[Callable[[], Awaitable[object]], Any]:
    """Return a sender without the client's objects and without ours."""
    import aiohttp

    session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
    headers = [(name.decode(), value.decode()) for name, value in HEADERS]

    async def send() -> object:
        async with session.get(
            url + "/items/17?page=2&size=10", headers=headers
        ) as got:
            return await got.read()

    session.aclose = session.close
    return send, session


async def measure(kind: str, url: str, count: int) -> dict[str, float]:
    """Return CPU microseconds for each request at 1 and 32 in flight."""
    send, closing = sender(kind, url)
    results = {}
    for flight in (1, 32):
        await together(send, flight, 200)
        cpu, wall = time.process_time(), time.perf_counter()
        await together(send, flight, count)
        results[f"cpu{flight}"] = (time.process_time() - cpu) / count * 1e6
        results[f"rate{flight}"] = count / (time.perf_counter() - wall)
    await closing.aclose()
    return results


async def together(
    send: Callable[[], Awaitable[object]], flight: int, count: int
) -> None:
    """Send `count` requests, `flight` at a time."""

    async def worker() -> None:
        for _ in range(count // flight):
            await send()

    await asyncio.gather(*(worker() for _ in range(flight)))


def in_child(variant: str, url: str, count: int) -> dict[str, float]:
    """Measure one variant in a fresh process with the client it asks for."""
    client, kind = VARIANTS[variant]
    command = [sys.executable, __file__, "--child", kind, "--url", url]
    environment = {**os.environ, "SHADOW_MIDDLEWARE_HTTP_CLIENT": client}
    done = subprocess.run(
        [*command, "--count", str(count)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        print(f"{variant}: not measured: {''.join(last)}", file=sys.stderr)
        return {}
    result: dict[str, float] = json.loads(done.stdout)
    return result


def table(rounds: dict[str, list[dict[str, float]]]) -> str:
    """Return the medians as a Markdown table, with ratios to `auto`."""
    lines = [
        "| transport | µs CPU, 1 in flight | µs CPU, 32 in flight | replays/s, 32 | to auto |",
        "|---|--:|--:|--:|--:|",
    ]
    middle = {
        name: {key: statistics.median(each[key] for each in runs) for key in runs[0]}
        for name, runs in rounds.items()
        if runs
    }
    base = middle.get("auto", next(iter(middle.values())))["cpu32"]
    for name, row in middle.items():
        lines.append(
            f"| {name} | {row['cpu1']:.0f} | {row['cpu32']:.0f} "
            f"| {row['rate32']:.0f} | {row['cpu32'] / base:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(VARIANTS))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(asyncio.run(measure(asked.child, asked.url, asked.count))))
        return
    here, there = multiprocessing.Pipe()
    target = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    target.start()
    url = f"http://127.0.0.1:{here.recv()}"
    rounds: dict[str, list[dict[str, float]]] = {
        name: [] for name in asked.only.split(",")
    }
    for _ in range(asked.rounds):
        for name, runs in rounds.items():
            if result := in_child(name, url, asked.count):
                runs.append(result)
    target.terminate()
    print(table(rounds))


if __name__ == "__main__":
    main()
