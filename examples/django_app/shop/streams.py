"""Streams that suit the server: plain iterators for WSGI, asynchronous for ASGI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

__all__ = ["stream"]


def stream(
    request: HttpRequest, chunks: Iterable[str], content_type: str, pause: float = 0.0
) -> StreamingHttpResponse:
    """Answer with the chunks one by one, with a pause after each."""
    asynchronous = isinstance(request, ASGIRequest)
    parts = _slowly_async(chunks, pause) if asynchronous else _slowly(chunks, pause)
    return StreamingHttpResponse(parts, content_type=content_type)


def _slowly(chunks: Iterable[str], pause: float) -> Iterator[str]:
    for chunk in chunks:
        yield chunk
        if pause:
            time.sleep(pause)


async def _slowly_async(chunks: Iterable[str], pause: float) -> AsyncIterator[str]:
    for chunk in chunks:
        yield chunk
        await asyncio.sleep(pause)
