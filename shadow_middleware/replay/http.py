"""The sender: one request to one target over HTTP, and the whole answer back."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from shadow_middleware.addresses import is_app
from shadow_middleware.exchange import Request
from shadow_middleware.replay.base import Answer, Sender
from shadow_middleware.replay.client import httpx
from shadow_middleware.replay.client_sender import ClientSender
from shadow_middleware.replay.transports import AUTO, origin_of, ssl_context_for
from shadow_middleware.replay.wire import Patience, Wire
from shadow_middleware.settings import Settings, Target

__all__ = ["HttpSender"]


class HttpSender:
    """
    The `Sender` for targets that speak HTTP.

    With `transport="auto"` it is our own; every other goes through a client's interface.
    A body longer than `max_shadow_body` is not read to its end: the connection is
    closed, and the `Body` holds the first bytes, a `length` that is only known to be
    *at least* that, and no digest.

    Args:
        target: Where to send, and what it sets for itself.
        settings: Everything else.
        transport: Used in place of what the settings name.
    """

    def __init__(
        self,
        target: Target,
        settings: Settings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._sender: Sender
        name = target.transport or settings.transport
        if transport is None and name == AUTO and not is_app(target.url):
            self._sender = _wire(target, settings)
        else:
            self._sender = ClientSender(target, settings, transport=transport)

    def send(self, request: Request) -> Coroutine[Any, Any, Answer]:
        """Return the target's answer; see `Sender`."""
        return self._sender.send(request)

    async def aclose(self) -> None:
        """Close every connection. Calling it twice is harmless."""
        await self._sender.aclose()


def _wire(target: Target, settings: Settings) -> Wire:
    origin = origin_of(target)
    total = target.total_timeout or settings.total_timeout
    return Wire(
        origin,
        Patience(settings.connect_timeout, settings.read_timeout, total),
        cap=settings.max_shadow_body,
        limit=target.concurrency or settings.concurrency,
        ssl_context=ssl_context_for(origin),
    )
