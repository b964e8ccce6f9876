"""A whole stage for a promise: a live app over HTTP, a client, an agent, a count."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from shadow_middleware.asgi import ShadowMiddleware
from shadow_middleware.live import LiveSide
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.testing import Received, ShadowServer, asgi, refusing

ALL_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer 200 with what was uploaded, or `hello`."""
    body = bytearray()
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    head = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": bytes(body) or b"hello"})


class Live(NamedTuple):
    """A live app that is served over HTTP, with what reached its server."""

    server: ShadowServer
    side: LiveSide

    def ask(
        self,
        method: str = "GET",
        target: str = "/",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> tuple[int, bytes]:
        """Be a client: one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, 20)
        with closing(connection):
            connection.request(method, target, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()

    @property
    def received(self) -> list[Received]:
        """Every request that reached the live server, from whomever."""
        return self.server.received


@contextmanager
def serving(
    app: Any = echo, *, on: ShadowServer | None = None, **settings: Any
) -> Iterator[Live]:
    """
    Serve the app behind our middleware over real HTTP.

    Args:
        app: An ASGI app.
        on: A server that is up and refuses, where a target needs its address first.
    """
    wrapped = ShadowMiddleware(app, **settings)
    if on is not None:
        on.become(asgi(wrapped))
        yield Live(on, wrapped.live)
        return
    with ShadowServer(asgi(wrapped)) as server:
        yield Live(server, wrapped.live)


def reserved() -> ShadowServer:
    """Return a server whose address is known before what it serves."""
    return ShadowServer(refusing)


def until(condition: Callable[[], Any], seconds: float = 90.0) -> Any:
    """Return what the condition gives once it is true."""
    waiting = threading.Event()
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not become true in time"
        waiting.wait(0.01)
    return value


def counted(url: str) -> dict[tuple[str, str], int]:
    """Return what the store has counted, by target and outcome."""
    with closing(SqlStore(url)) as store:
        counts: dict[tuple[str, str], int] = {}
        for row in store.totals():
            key = row.target, str(row.outcome)
            counts[key] = counts.get(key, 0) + row.count
        return counts
