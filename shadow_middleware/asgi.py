"""
The ASGI adapter: a tap on `receive` and `send`, and nothing in between.

Messages pass as the very objects they are. `send` is a plain function that returns
the server's own awaitable, so a streamed chunk costs no extra coroutine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import quote

from shadow_middleware.capture import Capture
from shadow_middleware.live import LiveSide
from shadow_middleware.runtime import live_side
from shadow_middleware.settings import load

__all__ = ["ShadowMiddleware"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class ShadowMiddleware:
    """
    Mirror requests of an ASGI app to a shadow, after the client has its answer.

    Takes every setting of `shadow_middleware.settings.Settings` as a keyword::

        app.add_middleware(ShadowMiddleware, shadow_url="http://127.0.0.1:8001")

    Raises:
        ConfigurationError: a setting is wrong. Only here, never at a request.
    """

    def __init__(self, app: ASGIApp, /, **settings: Any) -> None:
        self.app = app
        self.live = live_side(load(settings))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as the app alone would."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                send = _Lifespan(self.live, send)
            return await self.app(scope, receive, send)
        tap = self._tap(scope)
        if tap is None:
            return await self.app(scope, receive, send)
        tap.inner_send = send
        if tap.method not in BODILESS or tap.announces_body():
            tap.inner_receive = receive
            receive = tap.receive
        try:
            await self.app(scope, receive, tap.send)
        except BaseException as error:
            tap.app_raised(error)
            raise
        if not tap.done:
            tap.app_returned()

    def _tap(self, scope: Scope) -> _Tap | None:
        try:
            tap = self.live.begin(
                scope["method"],
                scope.get("raw_path") or quote(scope["path"]).encode(),
                scope["query_string"],
                scope["headers"],
                scope.get("scheme", "http"),
                scope["http_version"],
                scope,
                _Tap,
            )
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.live.fault("scope", error)
            return None
        if tap is not None:
            tap.scope = scope
            tap.root_path = scope.get("root_path")
        return tap


class _Tap(Capture):
    """The capture of one ASGI exchange; `send` and `receive` are what the app gets."""

    scope: Scope
    root_path: str | None
    inner_send: Send
    inner_receive: Receive
    trailing = False
    unread = False

    def announces_body(self) -> bool:
        """Whether a request with a method that has no body comes with one."""
        if self.http_version not in ("1.1", "1.0"):
            return True
        return any(
            name in (b"content-length", b"transfer-encoding")
            for name, _ in self.headers
        )

    async def receive(self) -> Message:
        """Pass on what the server received."""
        message = await self.inner_receive()
        if message["type"] == "http.request":
            body = message.get("body")
            if body:
                self.request_chunk(body)
            self.unread = message.get("more_body", False)
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """Pass on what the app sends; the very same object, at once."""
        try:
            kind = message["type"]
            if kind == "http.response.body":
                body = message.get("body")
                if body:
                    self.response_chunk(body)
                if not message.get("more_body") and not self.trailing:
                    return self._send_last(message)
            elif kind == "http.response.start":
                message = _rereadable(message)
                self.response_started(message["status"], message.get("headers", ()))
                self.trailing = message.get("trailers", False)
            elif kind in _RARE:
                return self._send_rare(kind, message)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.desk.fault("send", error)
            self.skip = "capture_failed"
        return self.inner_send(message)

    async def _send_last(self, message: Message) -> None:
        await self.inner_send(message)
        self.end()

    def _send_rare(self, kind: str, message: Message) -> Awaitable[None]:
        if kind == "http.response.trailers":
            message = _rereadable(message)
            self.trailers = (*self.trailers, *message.get("headers", ()))
            if message.get("more_trailers"):
                return self.inner_send(message)
        elif kind == "http.response.zerocopysend" and message.get("more_body"):
            self.skip = "sent_by_server"
            return self.inner_send(message)
        else:
            self.skip = "sent_by_server"
        return self._send_last(message)

    def end(self) -> None:
        """Hand over; the last byte is with the server."""
        if self.unread:
            self.request_incomplete()
        try:
            route = _route(self.scope, self.root_path)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.desk.fault("route", error)
            route = ""
        self.finish(route)

    def app_raised(self, error: BaseException) -> None:
        """Note what the app raised, unless the client already had its answer."""
        if self.done:
            return
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self.failed(error)
        else:
            self.skip = self.skip or "aborted"
        self.end()

    def app_returned(self) -> None:
        """Note that the app stopped before it had answered."""
        self.skip = self.skip or "aborted"
        self.end()


_RARE: Final = frozenset(
    {
        "http.response.trailers",
        "http.response.pathsend",
        "http.response.zerocopysend",
    }
)


def _rereadable(message: Message) -> Message:
    """Return the message itself, or one like it whose headers can be read twice."""
    headers = message.get("headers", ())
    if type(headers) is list or iter(headers) is not headers:
        return message
    # ASGI allows any iterable: a generator that we read would be empty for the server.
    return {**message, "headers": list(headers)}


def _route(scope: Scope, root_path: str | None) -> str:
    """Return the framework's own template for the path, if it left one in the scope."""
    route = scope.get("route")
    if route is not None:
        path = str(getattr(route, "path_format", None) or getattr(route, "path", ""))
        mounted: str = scope.get("root_path") or ""
        return mounted.removeprefix(root_path or "") + path if mounted else path
    template = scope.get("path_template")  # Litestar
    if template is not None:
        return str(template)
    return UNROUTED if "router" in scope else ""


UNROUTED: Final = "(no route)"
"""The route of what the app's router did not know."""


class _Lifespan:
    """Has an agent ready when the app starts, and nothing left when it stops."""

    def __init__(self, live: LiveSide, send: Send) -> None:
        self._live = live
        self._send = send

    async def __call__(self, message: Message) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self._live.start()
        elif kind.startswith("lifespan.shutdown"):
            # The server may end the process by signal right after this.
            self._live.flush()
        await self._send(message)
