"""However much there is of anything, what we hold has an end."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import pytest

from shadow_middleware import asgi, wsgi
from shadow_middleware.testing import (
    Behaviour,
    ShadowServer,
    answering,
    collect,
    lying_long,
    resetting,
)
from tests.agents import agents, only_own_agents
from tests.promises.staging import ALL_METHODS, serving

__all__ = ["only_own_agents"]

MIB = 2**20
CHUNKS = 512
"""Up and down as well: 1 GiB in all."""
ALLOWED = 24 * MIB


@contextmanager
def peak(seen: list[int]) -> Iterator[None]:
    """Note the most memory that was in use at once."""
    tracemalloc.start()
    try:
        yield
        seen.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def held_by_asgi(url: str) -> tuple[int, int]:
    """Return what went through an ASGI app, and the most that was held."""
    passed = [0, 0]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["more_body"]:
            passed[0] += len(message["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(CHUNKS):
            piece = {"type": "http.response.body", "body": bytes(MIB)}
            await send(piece | {"more_body": True})
        await send({"type": "http.response.body"})

    left = iter(range(CHUNKS))

    async def receive() -> dict[str, Any]:
        more = next(left, None) is not None
        body = bytes(MIB) if more else b""
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(message: MutableMapping[str, Any]) -> None:
        passed[1] += len(message.get("body", b""))

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [],
    }
    scope |= {"http_version": "1.1", "query_string": b""}
    wrapped = asgi.ShadowMiddleware(
        app, shadow_url=url, methods=ALL_METHODS, store_url=""
    )
    seen: list[int] = []
    with peak(seen):
        asyncio.run(wrapped(scope, receive, send))
    assert 1 == wrapped.live.state.selected
    return sum(passed), seen[0]


class Upload:
    """A `wsgi.input` that is long and never there as a whole."""

    def __init__(self) -> None:
        self._left = CHUNKS

    def read(self, size: int) -> bytes:
        """Return the next part."""
        self._left -= 1
        return bytes(MIB) if self._left >= 0 else b""


def held_by_wsgi(url: str) -> tuple[int, int]:
    """Return what went through a WSGI app, and the most that was held."""
    passed = [0, 0]

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        while data := environ["wsgi.input"].read(MIB):
            passed[0] += len(data)
        start_response("200 OK", [])
        yield from (bytes(MIB) for _ in range(CHUNKS))

    wrapped = wsgi.ShadowMiddleware(
        app, shadow_url=url, methods=ALL_METHODS, store_url=""
    )
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "SERVER_NAME": "live",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(CHUNKS * MIB),
        "wsgi.url_scheme": "http",
        "wsgi.input": Upload(),
    }
    seen: list[int] = []
    with peak(seen):
        answer: Any = wrapped(environ, lambda *_: lambda data: None)
        for piece in answer:
            passed[1] += len(piece)
        answer.close()
    assert 1 == wrapped.live.state.selected
    return sum(passed), seen[0]


@pytest.mark.parametrize("held", [held_by_asgi, held_by_wsgi])
def test_a_gigabyte_passes_without_being_held(held: Any) -> None:
    """W8: half of it an upload, half of it an answer; all of it arrives."""
    with ShadowServer() as shadow:
        passed, most = held(shadow.url)

    assert 2 * CHUNKS * MIB == passed
    assert most < ALLOWED


def test_no_descriptor_is_left_by_replays_of_any_kind() -> None:
    """W41: connections are the agent's own, as many as may be in flight."""
    at_once = 4
    kinds: list[Behaviour] = [answering(), resetting(), lying_long]
    with (
        ShadowServer() as shadow,
        collect() as outcomes,
        serving(
            shadow_url=shadow.url,
            store_url="",
            concurrency=at_once,
            breaker_failures=0,
            signal_rate=1e4,
        ) as live,
    ):
        used = []
        for number in range(1, 4 * len(kinds) + 1):
            shadow.become(kinds[number % len(kinds)])
            for _ in range(40):
                live.ask()
            outcomes.wait_for(40 * number)
            used.append(agents()[0].num_fds())

    assert max(used) - min(used) <= at_once
