"""The middleware: sync and async in one class, under WSGI and ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from shadow_middleware.capture import Capture
from shadow_middleware.django.configured import configured
from shadow_middleware.django.exchange import Exchange, LateDesk
from shadow_middleware.exchange import Headers
from shadow_middleware.live import LiveSide, odd_of
from shadow_middleware.runtime import live_side
from shadow_middleware.settings import Settings
from shadow_middleware.wsgi.environ import (
    is_websocket,
    request_headers,
    request_target,
)

__all__ = ["ShadowMiddleware"]

Answer = HttpResponseBase | Awaitable[HttpResponseBase]
Seen = tuple[str, bytes, bytes, Headers, str, str]
"""What `LiveSide.begin` is told: method, path, query, headers, scheme, version."""

_SEEN: Final = "shadow_middleware.seen"


class ShadowMiddleware:
    """
    Mirrors the project's requests to a shadow; first in `MIDDLEWARE`.

    Its settings are the dict `SHADOW_MIDDLEWARE`. Constructing it starts nothing.

    Raises:
        ConfigurationError: if the settings are wrong, when Django loads it.
        MiddlewareNotUsed: if they say that nothing is to be mirrored.
    """

    sync_capable = True
    async_capable = True

    live: LiveSide

    def __init__(self, get_response: Callable[[HttpRequest], Answer]) -> None:
        self.settings = configured()
        self._methods = self.settings.mirrored_methods
        if not self._methods:
            raise MiddlewareNotUsed("shadow_middleware is disabled, or its rate is 0")
        self.get_response = get_response
        self.live = live_side(self.settings)
        self._late = _needs_user(self.settings)
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Answer:
        """Answer as the rest of the project does."""
        exchange = self._begin(request)
        if exchange is None:
            return self.get_response(request)
        if self._async:
            return self._answer_async(request, exchange)
        return self._answer(request, exchange)

    def _answer(self, request: HttpRequest, exchange: Exchange) -> HttpResponseBase:
        try:
            response: Any = self.get_response(request)
        except BaseException as error:
            exchange.failed(error)
            raise
        exchange.watch(response)
        return response  # type: ignore[no-any-return]

    async def _answer_async(
        self, request: HttpRequest, exchange: Exchange
    ) -> HttpResponseBase:
        answer: Any = self.get_response(request)
        try:
            response = await answer
        except asyncio.CancelledError:
            exchange.cancelled()
            raise
        except BaseException as error:
            exchange.failed(error)
            raise
        exchange.watch(response)
        return response  # type: ignore[no-any-return]

    def _begin(self, request: HttpRequest) -> Exchange | None:
        if request.method not in self._methods or _SEEN in request.META:
            return None
        try:
            request.META[_SEEN] = True
            capture = self._capture(request)
            if capture is None:
                return None
            exchange = Exchange(self.live, capture, request)
            exchange.tap_request()
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self.live.fault("django request", error)
            return None
        return exchange

    def _capture(self, request: HttpRequest) -> Capture | None:
        if is_websocket(request.META):
            return None
        seen = _seen(request)
        if not self._late:
            return self.live.begin(*seen, request)

        method, path, query, headers, scheme, version = seen
        desk = LateDesk(self.live, request)
        odd = odd_of(None, scheme, version)
        capture = Capture(desk, method, path, query, headers, self.live.now(), odd)
        # The key may be in a header that stays at home, so it is looked for first.
        return capture


def _needs_user(settings: Settings) -> bool:
    """Whether selection can look at what is only there when live has answered."""
    return settings.key == "user" or callable(settings.key)


def _seen(request: Any) -> Seen:
    """Return the request as the server gave it, from its ASGI scope or environ."""
    scope = getattr(request, "scope", None)
    if scope is not None:
        return (
            request.method,
            scope.get("raw_path") or quote(scope["path"]).encode(),
            scope.get("query_string", b""),
            tuple((bytes(name), bytes(value)) for name, value in scope["headers"]),
            scope.get("scheme", "http"),
            scope.get("http_version", "1.1"),
        )
    environ = request.META
    path, query = request_target(environ)
    version = environ.get("SERVER_PROTOCOL", "HTTP/1.1")[5:]
    return (
        request.method,
        path,
        query,
        request_headers(environ),
        environ.get("wsgi.url_scheme", "http"),
        version,
    )
