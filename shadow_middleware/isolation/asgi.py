"""
The door for ASGI apps: FastAPI, Starlette, Litestar, Quart, Django.

    app.add_middleware(Isolation, secret="...")
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from shadow_middleware.isolation.context import ShadowRequest, entered
from shadow_middleware.isolation.door import FORBIDDEN, MAX_AGE, Door, refusal
from shadow_middleware.isolation.memory import Memory
from shadow_middleware.transform.marker import MARKER_HEADER, REFUSED_HEADER

__all__ = ["Isolation"]

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class Isolation:
    """
    Serves copies as copies: `is_shadow()` is true, and what they did is undone.

    It is undone when the app has returned: after the last byte of a stream, and after
    background tasks. Put it outside of what writes.

    Raises:
        ConfigurationError: there is no secret, or something else is no use.
    """

    def __init__(
        self,
        app: ASGIApp,
        /,
        *,
        secret: str = "",
        only_shadow: bool = False,
        open_paths: Iterable[str] = (),
        max_age: float = MAX_AGE,
        memory: Memory | str | None = None,
    ) -> None:
        self.app = app
        self._door = Door(
            secret,
            only_shadow=only_shadow,
            open_paths=open_paths,
            max_age=max_age,
            memory=memory,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        markers = [value for name, value in scope["headers"] if name == MARKER_HEADER]
        request = self._door.admit(markers) if scope["type"] == "http" else None
        if self._door.refuses(request, scope["path"]):
            return await _forbid(scope, send)
        if request is None:
            return await self.app(scope, receive, send)
        await self._serve(request, scope, receive, send)

    async def _serve(
        self, request: ShadowRequest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        told = _Told(request, send)
        with entered(request):
            try:
                await self.app(scope, receive, told)
            except Exception:
                if not request.refused or told.started:
                    raise
                await told.refuse()
            finally:
                # A client that goes away must not leave a transaction open.
                await asyncio.shield(request.aend())


class _Told:
    """The `send` of a copy; says so where a write of it was refused."""

    def __init__(self, request: ShadowRequest, send: Send) -> None:
        self._request = request
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            if self._request.refused:
                message = {**message, "headers": self._headers(message)}
        await self._send(message)

    async def refuse(self) -> None:
        """Answer in the place of an app that failed over what was refused."""
        status, body = refusal(self._request)
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        start = {"type": "http.response.start", "status": status, "headers": headers}
        await self(start)
        await self._send({"type": "http.response.body", "body": body})

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        told = (REFUSED_HEADER, self._request.refused.encode("ascii"))
        return [*message.get("headers", ()), told]


async def _forbid(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": FORBIDDEN.encode()})
