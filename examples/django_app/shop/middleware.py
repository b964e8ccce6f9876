"""Gives each answer an id of its own, as most production apps do."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

__all__ = ["request_id"]

Handler = Callable[[HttpRequest], HttpResponseBase]
AsyncHandler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def request_id(get_response: Handler | AsyncHandler) -> Handler | AsyncHandler:
    """Set `X-Request-Id` under WSGI and ASGI alike."""
    if iscoroutinefunction(get_response):
        get_later = cast("AsyncHandler", get_response)

        async def answer_later(request: HttpRequest) -> HttpResponseBase:
            return _marked(await get_later(request))

        return answer_later
    get_now = cast("Handler", get_response)
    return lambda request: _marked(get_now(request))


def _marked(response: HttpResponseBase) -> HttpResponseBase:
    response["X-Request-Id"] = str(uuid.uuid4())
    return response
