"""The live app of a drill, as ASGI and as WSGI: answers with the request's number."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import Any, Final

from benchmarks.drill.ledger import Ledger, number_in, size_in

__all__ = ["PIECE", "SETTINGS", "answer"]

SETTINGS: Final = "DRILL_SETTINGS"
PIECE: Final = bytes(256 * 1024)
_REST: Final = b',"tags":["a","b","c","d","e","f"],"text":"' + b"x" * 250 + b'"}'


def answer(number: int) -> bytes:
    """Return what live says to a request; a shadow in order says the same."""
    return b'{"number":%d%s' % (number, _REST)


async def _asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        await _lifespan(receive, send)
        return
    while (await receive()).get("more_body"):
        pass
    target = b"?" + scope["query_string"]
    size, body = size_in(target), answer(number_in(target))
    head = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % (size or len(body))),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    for piece in _pieces(size):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"" if size else body})


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
    environ["wsgi.input"].read()
    body = answer(number_in(b"?" + environ["QUERY_STRING"].encode()))
    start_response(
        "200 OK",
        [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
    )
    return [body]


def _pieces(size: int) -> Iterator[bytes]:
    while size > 0:
        yield PIECE[:size]
        size -= len(PIECE)


def _settings() -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(os.environ[SETTINGS])
    return settings


def _note(ledger: Ledger, query: bytes) -> None:
    """Note that a request has come, before anything of ours has seen it."""
    if (number := number_in(b"?" + query)) >= 0:
        ledger.reached[number] = 1


def _noted_asgi(app: Any) -> Any:
    ledger = Ledger.of_environment()

    async def noted(scope: Any, receive: Any, send: Any) -> None:
        _note(ledger, scope.get("query_string", b""))
        await app(scope, receive, send)

    return noted


def _noted_wsgi(app: Any) -> Any:
    ledger = Ledger.of_environment()

    def noted(environ: Any, start_response: Any) -> Iterable[bytes]:
        _note(ledger, environ["QUERY_STRING"].encode())
        answered: Iterable[bytes] = app(environ, start_response)
        return answered

    return noted


def __getattr__(name: str) -> Any:
    """Make the app that a server asks for, mirrored as the environment says."""
    if name == "app":
        from shadow_middleware.asgi import ShadowMiddleware

        return _noted_asgi(ShadowMiddleware(_asgi, **_settings()))
    if name == "wsgi_app":
        from shadow_middleware.wsgi import ShadowMiddleware as ShadowWSGI

        return _noted_wsgi(ShadowWSGI(_wsgi, **_settings()))
    raise AttributeError(name)
