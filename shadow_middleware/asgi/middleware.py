"""
The ASGI adapter: a tap on `receive` and `send`, and nothing in between.

Messages pass as the very objects they are. `send` is a plain function that returns
the server's own awaitable, so a streamed chunk costs no extra coroutine.
"""

from __future__ import annotations

import logging
import sys
from asyncio import (
    _get_running_loop,  # the only look at the loop that never raises
    sleep,
)
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, NoReturn
from urllib.parse import quote

from shadow_middleware.asgi.listing import lister_of
from shadow_middleware.asgi.route import Scope, route_of
from shadow_middleware.capture import Capture, Collector
from shadow_middleware.errors import ShadowMiddlewareError
from shadow_middleware.live import Key, LiveSide, odd_of
from shadow_middleware.runtime import live_side
from shadow_middleware.selection import OWN, SKIPPED
from shadow_middleware.settings import Settings, load

__all__ = ["ShadowMiddleware"]

logger = logging.getLogger("shadow_middleware")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

TURN: Final = 256 * 1024
"""Bytes beyond a cap that are digested at once: a sixth of a millisecond."""


class ShadowMiddleware:
    """
    Mirror requests of an ASGI app to a shadow, after the client has its answer.

    Takes every setting of `shadow_middleware.settings.Settings` as a keyword::

        app.add_middleware(ShadowMiddleware, shadow_url="http://127.0.0.1:8001")

    Raises:
        ConfigurationError: a setting is wrong. Only here, never at a request.
        MissingExtraError: a setting asks for a package that is not installed. Likewise.

    Inside an event loop, where Starlette and FastAPI make their middleware, the app's
    lifespan fails with either of them instead, and so does the start of the server.
    """

    def __init__(self, app: ASGIApp, /, **settings: Any) -> None:
        self.app = app
        self._mistake: ShadowMiddlewareError | None = None
        try:
            self.live = live_side(load(settings))
            self.live.meeting = lambda occasion: lister_of(app, occasion)
        except ShadowMiddlewareError as error:
            if not _in_event_loop():
                raise
            # Starlette would raise it again at each request, as an answer of 500.
            logger.error("nothing is mirrored: %s", error)
            self._mistake = error
            self.live = live_side(Settings(enabled=False))

    async def __call__(  # noqa: C901 -- few functions; _Tap says why
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve one connection as the app alone would."""
        live = self.live
        tap = None
        try:
            if scope["type"] == "http" and scope["method"] in live.methods:
                # A copy: layers within may change the list in place.
                headers = tuple(scope["headers"])
                path = scope.get("raw_path") or quote(scope["path"]).encode()
                key: Key = None
                if (
                    live.plain
                    or (key := live.select(path, headers, scope)) is not SKIPPED
                ) and not (live.handoff.paused_until and live.refuses()):
                    scheme = scope.get("scheme", "http")
                    version = scope.get("http_version", "1.1")
                    tap = _Tap(
                        live,
                        scope["method"],
                        path,
                        scope["query_string"],
                        headers,
                        live.now(),
                        None
                        if key is None and scheme == "http" and version == "1.1"
                        else odd_of(key, scheme, version),
                        live=live,
                        scope=scope,
                        inner_receive=receive,
                        inner_send=send,
                    )
                    for name, _ in headers:
                        if name not in live.innocent:
                            tap = tap if live.clears(tap) else None
                            break
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            live.fault("scope", error)
        if tap is None:
            if live.census is not None and scope["type"] == "http":
                if number := live.census.due():
                    return await self._look_at(scope, receive, send, number)
            elif scope["type"] == "lifespan":
                send = await self._watched(scope, receive, send)
            return await self.app(scope, receive, send)
        try:
            await self.app(scope, tap.receive, tap.send)
        except BaseException as error:
            tap.app_raised(error)
            raise
        if not tap.done:
            tap.app_returned()

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> Send:
        """Return the lifespan's send; where a setting is wrong, have the start fail."""
        if self._mistake is not None:
            await _fail(self._mistake, receive, send)
        return _Lifespan(self.live, scope, send)

    async def _look_at(
        self, scope: Scope, receive: Receive, send: Send, number: int
    ) -> None:
        """Serve a request that is not mirrored, and count what route it used."""
        look = _Look(self.live, send)
        try:
            await self.app(scope, receive, look)
        finally:
            look.ended(scope, number)


def _in_event_loop() -> bool:
    trio: Any = sys.modules.get("trio")
    return _get_running_loop() is not None or (
        trio is not None and trio.lowlevel.in_trio_run()
    )


async def _fail(error: Exception, receive: Receive, send: Send) -> NoReturn:
    """Have the server not start; the only thing that ends it under every server."""
    await receive()
    await send({"type": "lifespan.startup.failed", "message": str(error)})
    raise error


class _Tap(Capture, kw_only=True):
    """The capture of one ASGI exchange; `send` and `receive` are what the app gets."""

    # In a busy server nothing of ours is in the processor's caches when its turn comes,
    # so each function, and each object, that a request meets costs up to half a
    # microsecond. Hence few functions: what most responses need stands in `send`, and
    # their records are encoded later, many in a row.

    live: LiveSide
    scope: Scope
    inner_receive: Receive
    inner_send: Send
    short: bool = True
    """Whether a body message that is the last finds nothing noted but a head."""
    unread: bool = False
    """Whether the request has more body than the app has read."""
    trailing: bool = False

    async def receive(self) -> Message:
        """Pass on what the server received."""
        message = await self.inner_receive()
        if message["type"] == "http.request":
            body = message.get("body")
            if body:
                self.short = False
                self.request_chunk(body)
            self.unread = message.get("more_body", False)
        return message

    def send(self, message: Message) -> Awaitable[None]:  # noqa: C901 -- see above
        """Pass on what the app sends; the very same object, at once."""
        if self.done:
            return self.inner_send(message)
        try:
            kind = message["type"]
            if kind == "http.response.body":
                body = message.get("body", b"")
                live = self.live
                if (
                    not self.short
                    or message.get("more_body")
                    or type(body) is not bytes
                    or len(body) > live.short
                    # The question costs a system call, so it is asked once a timer.
                    or not (live.handoff.timed or _get_running_loop())
                ):
                    return self._send_piece(message, body)
                # What is added leaves this process with a later event of the loop, when
                # the server has long been given the last byte; no need to wait for it.
                self.done = True
                ended = live.now()
                route = route_of(self.scope, live)
                if route is not OWN:
                    live.handoff.add(
                        (
                            self.started,
                            0,
                            ended,
                            self.method,
                            self.path,
                            self.query,
                            self.headers,
                            None,
                            self.status,
                            self.response_headers,
                            body,
                            route,
                            self.odd,
                        )
                    )
            elif kind == "http.response.start":
                headers = message.get("headers", ())
                if type(headers) is not list:
                    message, headers = _rereadable(message, headers)
                self.status = message["status"]
                # A copy: layers around us may change the list in place.
                self.response_headers = tuple(headers)
                if message.get("trailers") or not self.live.any_response:
                    self._look_at_head(message)
            elif kind in _RARE:
                return self._send_rare(kind, message)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self.broken("send", error)
        return self.inner_send(message)

    def _look_at_head(self, message: Message) -> None:
        if message.get("trailers"):
            self.trailing, self.short = True, False
        if not self.live.any_type:
            self._check_type()
        if not self.live.any_route:
            self.short = False

    def _send_piece(self, message: Message, body: Any) -> Awaitable[None]:
        more = message.get("more_body")
        if more and self.response is None and self.live.any_type:
            # Only a stream can be an event stream, so only streams are asked.
            self._check_type()
        self.short = False
        if body:
            if self._is_long(body):
                return self._send_in_turns(message, body)
            if more or self.response is not None:
                self.response_chunk(body)
            else:
                self.response_whole(body)
        if more or self.trailing:
            return self.inner_send(message)
        return self._send_last(message)

    def _is_long(self, body: Any) -> bool:
        """Whether to digest what is beyond the cap has taken, or takes, a whole turn."""
        had = self.response
        before = had.length if isinstance(had, Collector) else len(had or b"")
        after = before + len(body)
        return (
            after > self.desk.caps[1]
            and before // TURN < after // TURN
            and type(body) is bytes
            and _get_running_loop() is not None
        )

    async def _send_in_turns(self, message: Message, body: bytes) -> None:
        """Pass it on, then look at it piece by piece, and let others go on between."""
        # A server that is never kept waiting by its client waits for nothing in `send`:
        # an app that streams would keep the loop until its last byte, and digests of
        # ours are what lets the client keep up.
        self.first_byte = self.first_byte or self.live.now()
        await self.inner_send(message)
        ended = self.live.now()
        for at in range(0, len(body), TURN):
            self.response_chunk(body[at : at + TURN])
            await sleep(0)
        if not message.get("more_body") and not self.trailing:
            self.ended = ended
            self.end()

    def _send_last(self, message: Message) -> Awaitable[None]:
        if _get_running_loop() is None:
            return self._send_then_end(message)
        self.end()
        return self.inner_send(message)

    async def _send_then_end(self, message: Message) -> None:
        await self.inner_send(message)
        self.end()

    def _check_type(self) -> None:
        if not self.desk.admits_type(self.response_headers):
            self.leave()
            route = route_of(self.scope, self.live)
            self.live.passed(self.method, route, self.path, self.status)

    def _send_rare(self, kind: str, message: Message) -> Awaitable[None]:
        if kind == "http.response.trailers":
            message, headers = _rereadable(message, message.get("headers", ()))
            self.note("trailers", tuple(headers))
            more = message.get("more_trailers")
        else:
            self.note("skip", "sent_by_server")
            more = message.get("more_body")
        return self.inner_send(message) if more else self._send_last(message)

    @property
    def occasion(self) -> Scope:
        """Where the app's router may be found."""
        return self.scope

    def has_body(self) -> None:
        """Take note that the request's headers announce a body."""
        self.unread, self.short = True, False

    def end(self) -> None:
        """Hand over; the last byte is with the server, or all but."""
        if self.unread:
            self.request_incomplete()
        route = route_of(self.scope, self.live)
        if route is OWN:
            self.leave()
        else:
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


class _Look:
    """The `send` of a request that is not mirrored; it takes note of the status."""

    __slots__ = ("_live", "_send", "_status")

    def __init__(self, live: LiveSide, send: Send) -> None:
        self._live = live
        self._send = send
        self._status = 0

    def __call__(self, message: Message) -> Awaitable[None]:
        """Pass on what the app sends; the very same object, at once."""
        try:
            if message["type"] == "http.response.start":
                self._status = message["status"]
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            self._live.fault("look", error)
        return self._send(message)

    def ended(self, scope: Scope, number: int) -> None:
        """Count the request, for itself and others that nobody looked at."""
        live = self._live
        try:
            if live.counts(scope["headers"]):
                path = scope.get("raw_path") or quote(scope["path"]).encode()
                route = route_of(scope, live)
                live.passed(scope["method"], route, path, self._status, number)
        except Exception as error:  # noqa: BLE001 -- the fence of the live side
            live.fault("look", error)


class _Lifespan:
    """Has an agent ready when the app starts, and nothing left when it stops."""

    def __init__(self, live: LiveSide, scope: Scope, send: Send) -> None:
        self._live = live
        self._scope = scope
        self._send = send

    async def __call__(self, message: Message) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self._live.start()
            self._live.meet(self._scope)
        elif kind.startswith("lifespan.shutdown"):
            # The server may end the process by signal right after this.
            self._live.flush()
        await self._send(message)
