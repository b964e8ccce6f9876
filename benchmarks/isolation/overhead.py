"""
What isolation costs a request, in CPU, without a server and without a database.

    python -m benchmarks.isolation.overhead [--count 20000] [--rounds 5]

One small app is called again and again in this process: bare, and behind the middleware
for an ordinary request, for a copy with a signed marker, and for one whose signature is
wrong. The ways take turns, and the median of the rounds counts. What a transaction and
its rollback cost is in `python -m benchmarks.isolation`.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

from shadow_middleware.isolation.asgi import Isolation as AsgiIsolation
from shadow_middleware.isolation.wsgi import Isolation as WsgiIsolation
from shadow_middleware.transform.marker import make

SECRET = "the same on both sides"
WAYS = ("bare", "ordinary", "copy", "forged")


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Answer with nothing."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with nothing."""
    start_response("204 No Content", [])
    return ()


def marker_of(way: str, number: int) -> str:
    """Return the marker that a request of this way carries; none of it repeats."""
    if way in ("bare", "ordinary"):
        return ""
    secret = SECRET if way == "copy" else "another"
    return make(f"b-{number:x}", secret=secret, at=time.time()).decode()


def of_asgi(way: str, count: int) -> float:
    """Return the CPU microseconds of one request."""
    app: Any = asgi if way == "bare" else AsgiIsolation(asgi, secret=SECRET)
    markers = [marker_of(way, number).encode() for number in range(count)]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        pass

    async def run() -> float:
        began = time.process_time()
        for marker in markers:
            headers = [(b"host", b"shadow")]
            if marker:
                headers.append((b"x-shadow-request", marker))
            scope = {
                "type": "http", "method": "GET", "path": "/", "raw_path": b"/",
                "query_string": b"", "headers": headers, "http_version": "1.1",
            }  # fmt: skip
            await app(scope, receive, send)
        return time.process_time() - began

    return asyncio.run(run()) / count * 1e6


def of_wsgi(way: str, count: int) -> float:
    """Return the CPU microseconds of one request."""
    app: Any = wsgi if way == "bare" else WsgiIsolation(wsgi, secret=SECRET)
    markers = [marker_of(way, number) for number in range(count)]

    def start_response(status: str, headers: Any, error: Any = None) -> None:
        pass

    began = time.process_time()
    for marker in markers:
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": ""}
        if marker:
            environ["HTTP_X_SHADOW_REQUEST"] = marker
        body = app(environ, start_response)
        for _ in body:
            pass
        if hasattr(body, "close"):
            body.close()
    return (time.process_time() - began) / count * 1e6


def table(count: int, rounds: int) -> str:
    """Return what each way costs, and how much more than bare, as Markdown."""
    lines = ["| interface | request | µs CPU | more than bare |", "|---|---|--:|--:|"]
    measures: dict[str, Callable[[str, int], float]] = {
        "ASGI": of_asgi,
        "WSGI": of_wsgi,
    }
    for name, measure in measures.items():
        found: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way in WAYS:
                found[way].append(measure(way, count))
        middle = {way: statistics.median(each) for way, each in found.items()}
        lines += [
            f"| {name} | {way} | {us:.1f} | {us - middle['bare']:.1f} |"
            for way, us in middle.items()
        ]
    return "\n".join(lines)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description="What isolation costs a request.")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    print(table(asked.count, asked.rounds))


if __name__ == "__main__":
    main()
