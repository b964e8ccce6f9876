"""
The fast transport: aiohttp's connections behind the HTTP client's interface.

httpx-aiohttp is not used, because it reads the headers as a mapping: duplicates
become one value joined by commas, and names lose their case. What aiohttp would not
send byte for byte as it was captured goes out through the fallback instead; whether
it would is asked of yarl for each request, not guessed.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
import yarl
from aiohttp.client_middlewares import ClientHandlerType
from multidict import CIMultiDict

from shadow_middleware.replay.client import httpx

__all__ = ["AiohttpTransport"]

_RETRIED: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LARGE: Final = 512 * 1024
"""Bytes from which a body goes out in pieces; aiohttp warns from 1 MiB on."""
_MAX_LINE: Final = 64 * 1024
"""Bytes of one response header; aiohttp's own 8 KiB refuses some real cookies."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """
    Sends through a session of its own: no cookies, no proxies, nothing added.

    Args:
        origin: `http://host:port`, without a path.
        connect_timeout: Seconds.
        read_timeout: Seconds without a byte; None sets no timer.
        limit: Connections open at once.
        ssl_context: For https.
        fallback: Gets the requests that aiohttp would change.
    """

    def __init__(
        self,
        origin: str,
        *,
        connect_timeout: float,
        read_timeout: float | None,
        limit: int,
        ssl_context: ssl.SSLContext | None,
        fallback: httpx.AsyncBaseTransport,
    ) -> None:
        self._origin = origin
        self._fallback = fallback
        self._limit = limit
        self._ssl = ssl_context
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=connect_timeout, sock_read=read_timeout
        )
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request as it is; its target is the extension `target`."""
        headers = _as_text(request.headers.raw)
        url = self._url(request.extensions["target"])
        if headers is None or url is None or request.method != request.method.upper():
            return await self._fallback.handle_async_request(request)
        try:
            response = await self._open().request(
                request.method,
                url,
                data=_data(request),
                allow_redirects=False,
                middlewares=(_Exactly(headers),),
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _translated(error) from error
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=_Stream(response),
        )

    async def aclose(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        await self._fallback.aclose()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(
                    limit=self._limit,
                    ssl=True if self._ssl is None else self._ssl,
                    keepalive_timeout=30,
                    happy_eyeballs_delay=None,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Content-Type",),
                auto_decompress=False,
                trust_env=False,
                timeout=self._timeout,
                max_line_size=_MAX_LINE,
                max_field_size=_MAX_LINE,
            )
        return self._session

    def _url(self, target: bytes) -> yarl.URL | None:
        """Return the URL that aiohttp sends as exactly `target`, if there is one."""
        try:
            text = target.decode("utf-8")
            url = yarl.URL(self._origin + text, encoded=True)
        except ValueError:
            return None
        return url if url.raw_path_qs == text else None


class _Connector(aiohttp.TCPConnector):
    """A connector that can tell a used connection from a fresh one."""

    async def connect(self, req: Any, *args: Any, **kwargs: Any) -> Any:
        connection = await super().connect(req, *args, **kwargs)
        protocol: Any = connection.protocol
        req.on_used_connection = getattr(protocol, "has_been_used", False)
        protocol.has_been_used = True
        return connection


class _Exactly:
    """
    A middleware of aiohttp's, for one request: exactly these headers, at most twice.

    aiohttp's own way with headers adds some and merges `X-A` with `x-a`; its own
    repetition takes fresh connections for stale and sends PUT and DELETE again.
    """

    __slots__ = ("_headers",)

    def __init__(self, headers: CIMultiDict[str]) -> None:
        self._headers = headers

    async def __call__(
        self, request: aiohttp.ClientRequest, send: ClientHandlerType
    ) -> aiohttp.ClientResponse:
        request.headers = self._headers
        try:
            return await send(request)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            stale = getattr(request, "on_used_connection", False)
            if not stale or request.body or request.method not in _RETRIED:
                raise _Broken(str(error)) from error
        try:
            return await send(request)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            raise _Broken(str(error)) from error


class _Broken(aiohttp.ClientError):
    """The connection broke before the answer; of a class that aiohttp does not retry."""


class _Stream(httpx.AsyncByteStream):
    """The body of a response, in the pieces in which it came."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._response.content
        try:
            while chunk := await content.readany():
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise _translated(error) from error

    async def aclose(self) -> None:
        """Give the connection back, or close it if there is more to read."""
        self._response.close()


def _as_text(headers: list[tuple[bytes, bytes]]) -> CIMultiDict[str] | None:
    """Return the headers as aiohttp wants them, or None if it would change them."""
    try:
        text = CIMultiDict([(name.decode(), value.decode()) for name, value in headers])
    except UnicodeDecodeError:
        return None
    return text if "host" in text else None


def _data(request: httpx.Request) -> bytes | io.BytesIO | None:
    body = request.extensions["body"]
    return io.BytesIO(body) if len(body) > _LARGE else body or None


def _translated(error: Exception) -> httpx.HTTPError:
    """Return the client's own name for what went wrong."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout(str(error))
    if isinstance(error, asyncio.TimeoutError):
        return httpx.ReadTimeout(str(error))
    if isinstance(error, aiohttp.ClientConnectorError):
        return httpx.ConnectError(str(error))
    if isinstance(error, (aiohttp.InvalidURL, ValueError)):
        return httpx.LocalProtocolError(str(error))
    return httpx.RemoteProtocolError(str(error))
