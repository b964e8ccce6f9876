"""Apps that a test names by their import path."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

steps: list[str] = []


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
    steps.append("started")
    yield {"tea": "green"}
    steps.append("stopped")


async def tell(request: Request) -> JSONResponse:
    """Say what came."""
    return JSONResponse(
        {
            "method": request.method,
            "raw_path": request.scope["raw_path"].decode("latin-1"),
            "query": request.scope["query_string"].decode("latin-1"),
            "headers": [
                [k.decode("latin-1"), v.decode("latin-1")]
                for k, v in request.headers.raw
            ],
            "body": (await request.body()).hex(),
            "tea": request.state.tea if steps else "",
        }
    )


async def fail(request: Request) -> Response:
    """Raise."""
    raise ValueError("no tea")


async def hang(request: Request) -> Response:
    """Never answer."""
    await asyncio.Event().wait()
    return Response()


METHODS = ["GET", "POST", "PUT"]
app = Starlette(
    routes=[
        Route("/fail", fail),
        Route("/hang", hang),
        Route("/{path:path}", tell, methods=METHODS),
    ],
    lifespan=lifespan,
)


@asynccontextmanager
async def cannot(app: Starlette) -> AsyncIterator[None]:
    if not app.routes:
        raise RuntimeError("no database")
    yield


broken = Starlette(lifespan=cannot)


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Know nothing of lifespans."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


meeting = threading.Barrier(2)


def wsgi(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """Say what came; two requests to /meet are answered together or not at all."""
    if environ["PATH_INFO"] == "/meet":
        meeting.wait(10)
    start_response("200 OK", [("Content-Type", "text/plain")])
    body = environ["wsgi.input"].read()
    return [
        environ["PATH_INFO"].encode("latin-1"),
        b"?",
        environ["QUERY_STRING"].encode(),
        body,
    ]
