"""
The sender over an HTTP client's transport: what a user brings, or asks for by name.

It builds the client's request object and hands it to a transport directly. A client
object would follow redirects, keep cookies and read proxies from the environment,
and cost more than all the rest.
"""

from __future__ import annotations

import asyncio
from time import monotonic_ns
from typing import Any
from urllib.parse import unquote

from shadow_middleware.addresses import is_app
from shadow_middleware.errors import ReplayRefused
from shadow_middleware.exchange import Body, Request, Response, Timing
from shadow_middleware.replay.base import Answer
from shadow_middleware.replay.client import httpx
from shadow_middleware.replay.failures import replay_error, timed_out
from shadow_middleware.replay.framing import length_field, target_of
from shadow_middleware.replay.transports import OWN, origin_of, transport_for
from shadow_middleware.settings import Settings, Target

__all__ = ["ClientSender"]


class ClientSender:
    """
    The `Sender` through transports of the client's interface.

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
        origin = origin_of(target)
        ours = (
            transport is None
            and not is_app(target.url)
            and (target.transport or settings.transport) == OWN
        )
        self._base = httpx.URL(origin)
        self._origin = None if ours else origin
        self._transport = transport or transport_for(target, settings, origin)
        self._total = target.total_timeout or settings.total_timeout
        self._cap = settings.max_shadow_body
        self._timeouts = {
            "connect": settings.connect_timeout,
            "read": settings.read_timeout,
            "write": settings.read_timeout,
            "pool": self._total,
        }

    async def send(self, request: Request) -> Answer:
        """Return the target's answer; see `Sender`."""
        built = self._built(request)
        try:
            async with asyncio.timeout(self._total):
                return await self._answer(built)
        except TimeoutError as error:
            raise timed_out("total", self._total) from error
        except Exception as error:
            raise replay_error(error) from error

    async def aclose(self) -> None:
        """Close every connection. Calling it twice is harmless."""
        await self._transport.aclose()

    async def _answer(self, request: httpx.Request) -> Answer:
        started = monotonic_ns()
        response = await self._transport.handle_async_request(request)
        first_byte = monotonic_ns()
        stream: Any = response.stream
        try:
            body, first_chunk = await self._read(stream)
        finally:
            await stream.aclose()
        ended = monotonic_ns()
        return Answer(
            Response(response.status_code, response.headers.raw, body),
            Timing(started, first_chunk or first_byte, ended),
        )

    async def _read(self, stream: Any) -> tuple[Body, int]:
        """Return the body and when its first byte was there, 0 without one."""
        chunks: list[bytes] = []
        length = first = 0
        async for chunk in stream:
            if not length and chunk:
                first = monotonic_ns()
            length += len(chunk)
            chunks.append(chunk)
            if length > self._cap:
                return Body(b"".join(chunks)[: self._cap], length), first
        return Body(chunks[0] if len(chunks) == 1 else b"".join(chunks), length), first

    def _built(self, request: Request) -> httpx.Request:
        body, target = request.body.data, target_of(request)
        headers = [*request.headers]
        if (length := length_field(request)) is not None:
            headers.append(length)
        extensions: dict[str, Any] = {"timeout": self._timeouts}
        if self._origin is None:
            extensions |= {"target": target, "body": body}
        built = httpx.Request(
            request.method,
            self._base,
            headers=headers,
            stream=httpx.ByteStream(body),
            extensions=extensions,
        )
        built.method = request.method
        if self._origin is not None:
            # Not as the extension `target`: a proxy needs the whole URL in its place.
            built.url = _ExactURL(self._origin, target)
        return built


class _ExactURL(httpx.URL):
    """A URL whose raw path and query are what was captured, not what is usual."""

    def __init__(self, origin: str, target: bytes) -> None:
        try:
            super().__init__(origin + target.decode("latin-1"))
        except httpx.InvalidURL as error:
            raise ReplayRefused(f"no URL: {error}", reason="target") from error
        self._target = target

    @property
    def raw_path(self) -> bytes:
        return self._target

    @property
    def path(self) -> str:
        return unquote(self._target.partition(b"?")[0].decode("latin-1"))

    @property
    def query(self) -> bytes:
        return self._target.partition(b"?")[2]
