"""
Targets that are apps: imported by the agent and called, without a network between.

An ASGI app gets its lifespan with the first request, a WSGI app runs on threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from asgiref.wsgi import WsgiToAsgi

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.replay.client import httpx
from shadow_middleware.replay.importing import imported

__all__ = ["app_transport"]

Message = MutableMapping[str, Any]
ASGIApp = Callable[..., Awaitable[None]]

STOP_TIMEOUT = 5.0
"""Seconds that an app may take to shut down."""


def app_transport(url: str) -> httpx.AsyncBaseTransport:
    """
    Return the transport to the app that `url` names.

    Raises:
        ConfigurationError: it cannot be imported, or is nothing that can be called.
    """
    kind, _, path = url.partition(":")
    app = imported(path, "target")
    if not callable(app):
        raise ConfigurationError(
            f"target: {url!r} is a {type(app).__name__}, not an app"
        )
    return AppTransport(app if kind == "asgi" else _as_asgi(app))


class AppTransport(httpx.AsyncBaseTransport):
    """Calls an ASGI app on the agent's own loop. What it raises is a 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._lifespan = lifespan = _Lifespan(app)

        async def call(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": {**lifespan.state}}, receive, send)

        self._inner = httpx.ASGITransport(call, raise_app_exceptions=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the app's whole answer."""
        await self._lifespan.start()
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Shut the app down. Calling it twice is harmless."""
        await self._lifespan.stop()


class _Lifespan:
    """Starts an app once, whoever asks first, and stops it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.state: dict[str, Any] = {}
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._started = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failure = ""

    async def start(self) -> None:
        """Wait until the app has started; raise what keeps it from it."""
        if self._task is None:
            self._inbox.put_nowait({"type": "lifespan.startup"})
            self._task = asyncio.create_task(self._run())
        await self._started.wait()
        if self._failure:
            raise httpx.ConnectError(f"the app did not start: {self._failure}")

    async def stop(self) -> None:
        """Let the app shut down, for a while."""
        if self._task is None or self._task.done():
            return
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.wait([self._task], timeout=STOP_TIMEOUT)
        self._task.cancel()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}
        try:
            await self._app(scope, self._inbox.get, self._send)
        except Exception:  # noqa: BLE001 -- an app without lifespan may say so like this
            pass
        finally:
            self._started.set()

    async def _send(self, message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            # Often a traceback; what was raised is its last line.
            lines = message.get("message", "").split("\n")
            self._failure = next((x for x in reversed(lines) if x), "no reason given")
        self._started.set()


def _as_asgi(app: Callable[..., Any]) -> ASGIApp:
    served: ASGIApp = WsgiToAsgi(app)  # type: ignore[no-untyped-call]

    async def call(scope: Any, receive: Any, send: Any) -> None:
        # A context of its own, or all requests would wait for one thread.
        async with ThreadSensitiveContext():
            await served(scope, receive, send)

    return call
