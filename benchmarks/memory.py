"""
How much memory do the live process and the agent take while the shadow never answers?

    python -m benchmarks.memory [REQUESTS]

A bare app and a wrapped one get the same load, half of it 1 MiB uploads and half 1 MiB
downloads, over eight connections. The resident size of each process is read from
outside. What the wrapped app grows by more than the bare one is ours; it may be its
buffer cap and 10 MiB.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from shadow_middleware.asgi import ShadowMiddleware
from shadow_middleware.settings import Settings
from shadow_middleware.testing import ShadowServer, frozen

ROOT = Path(__file__).parents[1]
MIB = 2**20
BODY = bytes(MIB)
CONNECTIONS = 8
BUFFER = Settings.__struct_defaults__[
    Settings.__struct_fields__.index("buffer_bytes")
    - len(Settings.__struct_fields__)
    + len(Settings.__struct_defaults__)
]
ALLOWED = BUFFER + 10 * MIB
AGENT_ALLOWED = 256 * MIB
"""The agent's queue of 64 MiB, what is in flight, and its own libraries."""


# --- the app, in a process of its own -------------------------------------------------


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Read an upload to its end, or answer with 1 MiB."""
    if scope["type"] != "http":
        return
    body = BODY
    if scope["method"] == "POST":
        body = b"ok"
        while (await receive()).get("more_body"):
            pass
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


def make_app() -> Callable[..., Awaitable[None]]:
    """Return the app, wrapped where a shadow is named."""
    url = os.environ.get("MEMORY_SHADOW_URL")
    if not url:
        return bare
    return ShadowMiddleware(bare, shadow_url=url, methods=("GET", "POST"), store_url="")


# --- the measurement ------------------------------------------------------------------


class Growth(NamedTuple):
    """Resident bytes of one process before the load and at their highest."""

    start: int
    peak: int

    @property
    def grown(self) -> int:
        return self.peak - self.start

    def __str__(self) -> str:
        sizes = (
            f"{size / MIB:7.1f} MiB" for size in (self.start, self.peak, self.grown)
        )
        return " start {}  peak {}  grown {}".format(*sizes)


class Watch:
    """Reads the resident size of a process and of its children, all the time."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._done = threading.Event()
        self.live = Growth(process.memory_info().rss, 0)
        self.agent = Growth(0, 0)
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._done.wait(0.05):
            self.live = higher(self.live, self._process.memory_info().rss)
            for child in self._process.children(recursive=True):
                try:
                    self.agent = higher(self.agent, child.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._done.set()
        self._thread.join()


def higher(growth: Growth, rss: int) -> Growth:
    """Return the growth with a later reading in it."""
    return Growth(growth.start or rss, max(growth.peak, rss))


@contextmanager
def live_app(shadow_url: str) -> Iterator[tuple[int, psutil.Process]]:
    """Start the app under uvicorn; give its port and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = f"uvicorn memory:make_app --factory --port {port} --log-level warning"
    process = subprocess.Popen(
        [sys.executable, "-m", *command.split(), "--no-access-log"],
        cwd=Path(__file__).parent,
        env=os.environ | {"MEMORY_SHADOW_URL": shadow_url, "PYTHONPATH": str(ROOT)},
    )
    try:
        wait_for_port(port)
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def wait_for_port(port: int) -> None:
    """Return when somebody listens."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(port)


async def load(port: int, requests: int) -> None:
    """Send the requests over a few connections, each as fast as it is answered."""
    share = requests // CONNECTIONS
    await asyncio.gather(*(converse(port, share) for _ in range(CONNECTIONS)))


async def converse(port: int, requests: int) -> None:
    """Alternate uploads and downloads on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4 * MIB)
    head = b" / HTTP/1.1\r\nhost: live\r\ncontent-length: %d\r\n\r\n"
    for number in range(requests):
        body = BODY if number % 2 else b""
        writer.write((b"POST" if body else b"GET") + head % len(body))
        writer.write(body)
        await writer.drain()
        answer = await reader.readuntil(b"\r\n\r\n")
        length = answer.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        await reader.readexactly(int(length))
    writer.close()
    await writer.wait_closed()


def measure(requests: int, shadow_url: str = "") -> tuple[Growth, Growth]:
    """Return the growth of live and of the agent under this many requests."""
    with live_app(shadow_url) as (port, process):
        asyncio.run(load(port, CONNECTIONS))
        with Watch(process) as watch:
            asyncio.run(load(port, requests))
        return watch.live, watch.agent


def main() -> int:
    """Measure, print, and judge; 1 if a bound is broken."""
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    alone, _ = measure(requests)
    with ShadowServer(frozen) as shadow:
        live, agent = measure(requests, shadow.url)
    ours = live.grown - alone.grown
    print(f"{requests} requests with 1 MiB bodies, the shadow never answers")
    print(f"bare app    {alone}")
    print(f"wrapped app {live}")
    print(f"agent       {agent}")
    print(f"ours: {ours / MIB:.1f} MiB of {ALLOWED / MIB:.0f} MiB allowed")
    return int(ours > ALLOWED or agent.peak > AGENT_ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
