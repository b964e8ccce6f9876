"""The middleware: sync and async in one class, under WSGI and ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from shadow_middleware.django.configured import configured
from shadow_middleware.django.exchange import (
    DjangoExchange,
    LateDesk,
    begin_scope,
    looked_at,
)
from shadow_middleware.django.listing import list_routes
from shadow_middleware.live import LiveSide
from shadow_middleware.runtime import live_side
from shadow_middleware.settings import Settings
from shadow_middleware.wsgi.environ import Plans
from shadow_middleware.wsgi.request import SEEN, begin

__all__ = ["ShadowMiddleware"]

Answer = HttpResponseBase | Awaitable[HttpResponseBase]


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
        if not self.settings.mirrored_methods:
            raise MiddlewareNotUsed("shadow_middleware is disabled, or its rate is 0")
        self.get_response = get_response
        self.live = live_side(self.settings)
        self.live.meeting = lambda occasion: list_routes
        self._mark = id(self)
        self._plans = Plans()
        self._late = _needs_user(self.settings)
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Answer:
        """Answer as the rest of the project does."""
        exchange = None
        if request.method in self.live.methods and SEEN not in request.META:
            exchange = self._begin(request)
        if exchange is None:
            census = self.live.census
            if census is not None and (number := census.due()):
                return self._look_at(request, number)
            return self.get_response(request)
        if self._async:
            return self._answer_async(request, exchange)
        try:
            response: Any = self.get_response(request)
        except BaseException as error:
            exchange.raised(error)
            raise
        exchange.watch(response)
        return response  # type: ignore[no-any-return]

    async def _answer_async(
        self, request: HttpRequest, exchange: DjangoExchange
    ) -> HttpResponseBase:
        answer: Any = self.get_response(request)
        try:
            response = await answer
        except asyncio.CancelledError:
            exchange.cancelled()
            raise
        except BaseException as error:
            exchange.raised(error)
            raise
        exchange.watch(response)
        return response  # type: ignore[no-any-return]

    def _look_at(self, request: HttpRequest, number: int) -> Answer:
        """Answer a request that is not mirrored, and count what route it used."""
        if request.META.get(SEEN, self._mark) != self._mark:  # another one's, within us
            return self.get_response(request)
        if self._async:
            return self._look_at_async(request, number)
        status = 0
        try:
            response: Any = self.get_response(request)
            status = getattr(response, "status_code", 0)
        finally:
            looked_at(self.live, request, status, number)
        return response  # type: ignore[no-any-return]

    async def _look_at_async(
        self, request: HttpRequest, number: int
    ) -> HttpResponseBase:
        answer: Any = self.get_response(request)
        status = 0
        try:
            response = await answer
            status = getattr(response, "status_code", 0)
        finally:
            looked_at(self.live, request, status, number)
        return response  # type: ignore[no-any-return]

    def _begin(self, request: Any) -> DjangoExchange | None:
        environ = request.META
        try:
            environ[SEEN] = self._mark
            desk = LateDesk(self.live, request) if self._late else None
            if hasattr(request, "scope"):
                return begin_scope(self.live, request, desk)
            return begin(DjangoExchange, self.live, self._plans, environ, request, desk)
        except Exception as error:  # noqa: BLE001 -- nothing of ours reaches the app
            self.live.fault("django request", error)
            return None


def _needs_user(settings: Settings) -> bool:
    """Whether selection can look at what is only there when live has answered."""
    return settings.key == "user" or callable(settings.key)
