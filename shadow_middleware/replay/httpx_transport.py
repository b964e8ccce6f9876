"""
The client's own transport, with one connection for each replay in flight.

Never one pool for all: httpcore's pool looks at every connection whenever a request
begins or ends, which makes a replay three times dearer at 32 in flight.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

from shadow_middleware.replay.client import httpx
from shadow_middleware.settings import SAFE_METHODS

__all__ = ["SlotTransport"]


class _Slot:
    """One transport with one connection, and whether that has been used before."""

    def __init__(self, transport: httpx.AsyncHTTPTransport) -> None:
        self.transport = transport
        self.used = False


class SlotTransport(httpx.AsyncBaseTransport):
    """
    Keeps as many single-connection transports as were ever in use at once.

    Args:
        limit: How many of them stay open while idle.
        ssl_context: For https; shared by all.
    """

    def __init__(self, *, limit: int, ssl_context: ssl.SSLContext | None) -> None:
        self._limit = limit
        self._verify = False if ssl_context is None else ssl_context
        self._idle: list[_Slot] = []
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request on a connection that nobody else uses meanwhile."""
        slot = self._idle.pop() if self._idle else self._new()
        try:
            response = await self._once_more(slot, request)
        except BaseException:
            await self._put_back(slot)
            raise
        slot.used = True
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Stream(response.stream, self, slot)
        return response

    async def aclose(self) -> None:
        """Close every idle connection; those in use close when their replay ends."""
        self._closed = True
        idle, self._idle = self._idle, []
        for slot in idle:
            await slot.transport.aclose()

    async def _once_more(self, slot: _Slot, request: httpx.Request) -> httpx.Response:
        """Send again, once, what met a connection that the server had just closed."""
        try:
            return await slot.transport.handle_async_request(request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            body = request.extensions["body"]
            if not slot.used or body or request.method not in SAFE_METHODS:
                raise
        return await slot.transport.handle_async_request(request)

    async def _put_back(self, slot: _Slot) -> None:
        if self._closed or len(self._idle) >= self._limit:
            await slot.transport.aclose()
        else:
            self._idle.append(slot)

    def _new(self) -> _Slot:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        return _Slot(httpx.AsyncHTTPTransport(verify=self._verify, limits=limits))


class _Stream(httpx.AsyncByteStream):
    """The body of a response; closing it gives the slot back."""

    def __init__(
        self, stream: httpx.AsyncByteStream, owner: SlotTransport, slot: _Slot
    ) -> None:
        self._stream = stream
        self._owner = owner
        self._slot: _Slot | None = slot

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        """Close the connection if there is more to read, and free the slot."""
        slot, self._slot = self._slot, None
        if slot is None:
            return
        try:
            await self._stream.aclose()
        finally:
            await self._owner._put_back(slot)
