"""Serve one request with Django as a WSGI or an ASGI server would."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.util import setup_testing_defaults

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.test import override_settings

from shadow_middleware.handoff.codec import FIELDS
from tests.django.project import RECORDING, RecordingMiddleware
from tests.fakes import recorded

__all__ = ["ALL_METHODS", "asgi", "odd", "project", "seen", "wsgi"]

ALL_METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT"]
Answer = tuple[int, list[tuple[str, str]], bytes]


@contextmanager
def project(*others: str, ours: bool = True, **settings: Any) -> Iterator[None]:
    """Django's settings with our middleware in front of the others."""
    given = {"shadow_url": "http://shadow.test", "methods": ALL_METHODS} | settings
    middleware = [*([RECORDING] if ours else []), *others]
    with override_settings(MIDDLEWARE=middleware, SHADOW_MIDDLEWARE=given):
        yield


def seen() -> dict[str, Any]:
    """What was captured, by the names of the wire format; bodies as their bytes."""
    capture = RecordingMiddleware.handoff.only
    record = dict(zip(FIELDS, recorded(capture), strict=True))
    for side in ("request_body", "response_body"):
        body: Any = record[side]
        record[side] = body[0] if isinstance(body, tuple) else body
    return record


def odd(name: str) -> object:
    """What few captures have, None where this one has it not."""
    return (seen()["odd"] or {}).get(name)


def wsgi(
    method: str,
    target: str,
    body: bytes = b"",
    *,
    chunks: int = -1,
    environ: dict[str, Any] | None = None,
    **extra: str,
) -> Answer:
    """Serve under WSGI; `chunks` is how many the client waits for."""
    path, _, query = target.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "RAW_URI": target,
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        **extra,
        **(environ or {}),
    }
    setup_testing_defaults(environ)
    head: list[Any] = []
    result = get_wsgi_application()(environ, lambda *args: head.extend(args))  # type: ignore[arg-type]
    data = []
    try:
        for chunk in result:
            data.append(chunk)
            if len(data) == chunks:
                break
    finally:
        result.close()
    return int(head[0][:3]), head[1], b"".join(data)


def asgi(
    method: str, target: str, body: bytes = b"", *, chunks: int = -1, **headers: str
) -> Answer:
    """Serve under ASGI; `chunks` is after how many the client goes away."""
    return asyncio.run(_asgi(method, target, body, chunks, headers))


async def _asgi(
    method: str, target: str, body: bytes, chunks: int, extra: dict[str, str]
) -> Answer:
    path, _, query = target.partition("?")
    lines = {"Host": "live.test", "Content-Length": str(len(body))} | extra
    gone = asyncio.Event()
    if chunks == 0:  # gone before there is an answer
        asyncio.get_running_loop().call_later(0.05, gone.set)
    requests = iter([{"type": "http.request", "body": body}])
    sent: list[Any] = []

    async def receive() -> Any:
        for message in requests:
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if len(sent) - 1 == chunks > 0:
            gone.set()
            await asyncio.Event().wait()

    await get_asgi_application()(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "2",
            "method": method,
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [
                (k.replace("_", "-").lower().encode(), v.encode())
                for k, v in lines.items()
            ],
        },
        receive,
        send,
    )
    if not sent:
        return 0, [], b""
    headers = [(k.decode(), v.decode()) for k, v in sent[0]["headers"]]
    return (
        sent[0]["status"],
        headers,
        b"".join(message.get("body", b"") for message in sent[1:]),
    )
