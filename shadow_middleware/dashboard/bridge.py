"""
Asks the dashboard on behalf of a host that calls functions: Flask, and Django.

An answer is a page, a file of the package or JSON, all of them short, so one is
collected whole. Where the host runs on a loop, that loop serves it; elsewhere a loop of
its own does, for this one request, so nothing lives on that a fork could break.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from asgiref.sync import async_to_sync
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Scope

__all__ = ["Answered", "Asked", "ask", "host_allows"]

_WHO: Final = "shadow_middleware.visitor"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request as a host knows it."""

    method: str
    scheme: str
    prefix: str
    """Where the dashboard is, without a slash at the end."""
    path: str
    """Below it, without a slash at the beginning; its escapes are taken off."""
    environ: Mapping[str, Any]
    """The query and the headers, under the names of WSGI."""
    body: bytes
    who: object
    """What the host's own permission said; anything falsy is no."""


class Answered(msgspec.Struct, frozen=True):
    """What the host is to send."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def host_allows(connection: HTTPConnection) -> object:
    """Return what the host's own permission said of a request that came by `ask`."""
    return connection.scope.get(_WHO)


def ask(app: ASGIApp, asked: Asked) -> Answered:
    """Return what an ASGI app answers. Blocks until it has; for any thread but a loop's."""
    return async_to_sync(_answered)(app, _scope_of(asked), asked.body)


async def _answered(app: ASGIApp, scope: Scope, body: bytes) -> Answered:
    given = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        if given:
            return given.pop()
        # Whoever asks waits: nobody hangs up before the answer is whole.
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *parts = sent
    if scope["method"] == "HEAD":
        parts = []  # not every server of a host takes it off
    return Answered(
        start["status"],
        [(k.decode("latin-1"), v.decode("latin-1")) for k, v in start["headers"]],
        b"".join(one.get("body", b"") for one in parts),
    )


def _scope_of(asked: Asked) -> Scope:
    environ = asked.environ
    path = f"{asked.prefix}/{asked.path}"
    server = (environ.get("SERVER_NAME", ""), int(environ.get("SERVER_PORT") or 80))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": asked.scheme,
        "path": path,
        "raw_path": path.encode(),
        "root_path": asked.prefix,
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "headers": _headers_of(environ),
        "server": server,
        "client": None,
        _WHO: asked.who,
    }


def _headers_of(environ: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    found = {
        name.removeprefix("HTTP_"): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    return [
        (name.replace("_", "-").lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in found.items()
    ]
