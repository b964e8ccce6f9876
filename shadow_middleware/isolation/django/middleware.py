"""The door for Django projects, with its databases: sync and async in one class."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from shadow_middleware.errors import ConfigurationError, IsolationError
from shadow_middleware.isolation.context import ShadowRequest, current, entered
from shadow_middleware.isolation.django.configured import configured
from shadow_middleware.isolation.django.rollback import (
    Transactions,
    abandoned,
    guard_connections,
    unfit,
)
from shadow_middleware.isolation.door import FORBIDDEN, REFUSED_HEADER, refusal
from shadow_middleware.isolation.installing import install
from shadow_middleware.isolation.options import Stubs
from shadow_middleware.isolation.wsgi import MARKER_KEY

__all__ = ["IsolationMiddleware"]

Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class IsolationMiddleware:
    """
    Serves copies as copies, and undoes what they did; first in `MIDDLEWARE`.

    Its settings are the dict `SHADOW_ISOLATION`. What a copy wrote is rolled back when
    its answer is closed, after the last byte of a stream.

    Raises:
        ConfigurationError: there is no secret, a setting is wrong, or a database
            cannot be rolled back; when Django loads it.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Answer]) -> None:
        self.config = configured()
        self._door = self.config.door()
        self.get_response = get_response
        self._aliases: tuple[str, ...] = ()
        if self.config.database != "leave":
            self._aliases = tuple(self.config.databases or connections)
            if why := unfit(self._aliases):
                raise ConfigurationError(" ".join(why))
            guard_connections(self._aliases)
        if self.config.stubs:
            stubs = self.config.stubs
            install(stubs if isinstance(stubs, Stubs) else Stubs())
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Answer:
        """Answer as the rest of the project does."""
        copy = current()
        if copy is None:  # else a door further out has let it in
            value = request.META.get(MARKER_KEY)
            copy = self._door.admit(
                [] if value is None else [value.encode("latin-1", "replace")]
            )
        if self._async:
            return self._aserve(copy, request)
        if self._door.refuses(copy, request.path_info):
            return _forbidden()
        abandoned(self._aliases)
        if copy is None:
            return self.get_response(request)
        return self._serve(copy, request)

    def _serve(self, copy: ShadowRequest, request: HttpRequest) -> HttpResponseBase:
        with entered(copy):
            try:
                self._begin(copy)
                answer: Any = self.get_response(request)
            except BaseException as error:
                copy.end()
                if isinstance(error, IsolationError):
                    return self._told(copy, _refusal(copy))
                raise
        return self._told(copy, self._ending(copy, answer))

    async def _aserve(
        self, copy: ShadowRequest | None, request: HttpRequest
    ) -> HttpResponseBase:
        if self._door.refuses(copy, request.path_info):
            return _forbidden()
        if copy is None:
            answer: Any = self.get_response(request)
            return await answer  # type: ignore[no-any-return]
        with entered(copy):
            try:
                await sync_to_async(self._begin)(copy)
                answer = self.get_response(request)
                response: HttpResponseBase = await answer
            except BaseException as error:
                # The thread is the one of the view, which ends first.
                await asyncio.shield(sync_to_async(copy.end)())
                if isinstance(error, IsolationError):
                    return self._told(copy, _refusal(copy))
                raise
            if not response.streaming:
                await asyncio.shield(sync_to_async(copy.end)())
                return self._told(copy, response)
        return self._told(copy, self._ending(copy, response))

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Answer for a view that failed over a write that was refused."""
        copy = current()
        return _refusal(copy) if copy is not None and copy.refused else None

    def _begin(self, copy: ShadowRequest) -> None:
        if not self._aliases:
            return
        read_only = self.config.database == "read_only"
        transactions = Transactions(copy, self._aliases, read_only=read_only)
        transactions.begin()
        copy.at_end(transactions.roll_back)

    def _ending(
        self, copy: ShadowRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Undo everything now, or after the last byte of a stream."""
        if not response.streaming:
            copy.end()
            return response
        stream: Any = response
        stream.streaming_content = (
            _within_async(copy, stream.streaming_content)
            if stream.is_async
            else _within(copy, stream.streaming_content)
        )
        stream._resource_closers.append(copy.end)
        return response

    def _told(
        self, copy: ShadowRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Say so where a write was refused; an app's own error page tells nothing."""
        if copy.refused and response.status_code >= 500:
            return _refusal(copy)
        if copy.refused:
            response[REFUSED_HEADER] = copy.refused
        return response


def _within(copy: ShadowRequest, chunks: Iterator[bytes]) -> Iterator[bytes]:
    while True:
        with entered(copy):
            try:
                chunk = next(chunks)
            except StopIteration:
                return
        yield chunk


async def _within_async(
    copy: ShadowRequest, chunks: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    try:
        while True:
            with entered(copy):
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
            yield chunk
    finally:
        # In the thread that has the transaction, wherever the answer is closed.
        await asyncio.shield(sync_to_async(copy.end)())


def _refusal(copy: ShadowRequest) -> HttpResponse:
    status, body = refusal(copy)
    response = HttpResponse(body, status=status, content_type="text/plain")
    response[REFUSED_HEADER] = copy.refused
    return response


def _forbidden() -> HttpResponse:
    return HttpResponse(FORBIDDEN, status=403, content_type="text/plain")
