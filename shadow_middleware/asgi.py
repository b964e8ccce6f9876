"""
The ASGI adapter: a tap on `receive` and `send`, and nothing in between.

Messages pass as the very objects they are. `send` is a plain function that returns
the server's own awaitable, so a streamed chunk costs no extra coroutine.
"""

from __future__ import annotations

from asyncio import _get_running_loop  # the only look at the loop that never raises
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
            tap: _Tap | None = self.live.begin(  # type: ignore[assignment]
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
            tap.trailing = tap.unread = False
        return tap


class _Tap(Capture):
    """The capture of one ASGI exchange; `send` and `receive` are what the app gets."""

    __slots__ = ("inner_receive", "inner_send", "scope", "trailing", "unread")

    desk: LiveSide
    scope: Scope
    inner_send: Send
    inner_receive: Receive

    def announces_body(self) -> bool:
        """Whether a request with a method that has no body comes with one."""
        if self.scope["http_version"] not in ("1.1", "1.0"):
            return True
        for name, _ in self.headers:
            if name == b"content-length" or name == b"transfer-encoding":
                return True
        return False

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
        if self.done:
            return self.inner_send(message)
        try:
            kind = message["type"]
            if kind == "http.response.body":
                return self._send_body(message)
            if kind == "http.response.start":
                headers = message.get("headers", ())
                if type(headers) is not list:
                    message, headers = _rereadable(message, headers)
                self.status = message["status"]
                # A copy: layers around us may change the list in place.
                self.response_headers = tuple(headers)
                self.trailing = message.get("trailers", False)
                if not self.desk.any_type:
                    self._check_type()
            elif kind in _RARE:
                return self._send_rare(kind, message)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.broken("send", error)
        return self.inner_send(message)

    def _send_body(self, message: Message) -> Awaitable[None]:
        body = message.get("body")
        more = message.get("more_body")
        if more and self._response is None and self.desk.any_type:
            # Only a stream can be an event stream, so only streams are asked.
            self._check_type()
        if body:
            if more or self._response is not None:
                self.response_chunk(body)
            else:
                self.response_whole(body)
        if more or self.trailing:
            return self.inner_send(message)
        return self._send_last(message)

    def _send_last(self, message: Message) -> Awaitable[None]:
        if _get_running_loop() is None:
            return self._send_then_end(message)
        # On asyncio what is handed over leaves this process with a later event, when
        # the server has long been given the last byte; that saves a coroutine.
        self.end()
        return self.inner_send(message)

    async def _send_then_end(self, message: Message) -> None:
        await self.inner_send(message)
        self.end()

    def _check_type(self) -> None:
        if not self.desk.admits_type(self.response_headers):
            self.leave()

    def _send_rare(self, kind: str, message: Message) -> Awaitable[None]:
        if kind == "http.response.trailers":
            message, headers = _rereadable(message, message.get("headers", ()))
            self.note("trailers", tuple(headers))
            more = message.get("more_trailers")
        else:
            self.note("skip", "sent_by_server")
            more = message.get("more_body")
        return self.inner_send(message) if more else self._send_last(message)

    def end(self) -> None:
        """Hand over; the last byte is with the server, or all but."""
        if self.unread:
            self.request_incomplete()
        try:
            route = _route(self.scope)
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
            self.note("skip", "aborted")
        self.end()

    def app_returned(self) -> None:
        """Note that the app stopped before it had answered."""
        self.note("skip", "aborted")
        self.end()


_RARE: Final = frozenset(
    {
        "http.response.trailers",
        "http.response.pathsend",
        "http.response.zerocopysend",
    }
)


def _rereadable(message: Message, headers: Any) -> tuple[Message, Any]:
    """Return the message itself, or one like it whose headers can be read twice."""
    if iter(headers) is not headers:
        return message, headers
    # ASGI allows any iterable: a generator that we read would be empty for the server.
    headers = list(headers)
    return {**message, "headers": headers}, headers


def _route(scope: Scope) -> str:
    """Return the framework's own template for the path, if it left one in the scope."""
    route = scope.get("route")
    if route is not None:
        path = str(getattr(route, "path_format", None) or getattr(route, "path", ""))
        base = scope.get("app_root_path")  # starlette keeps it when an app is mounted
        return path if base is None else _mount(scope, base) + path
    template = scope.get("path_template")  # Litestar
    if template is not None:
        return str(template)
    return UNROUTED if "router" in scope else ""


def _mount(scope: Scope, base: str) -> str:
    root = str(scope.get("root_path", ""))
    return root.removeprefix(base)


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
