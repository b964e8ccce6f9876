"""An ASGI app with one route for each thing that a wrapper might disturb."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import anyio
import anyio.lowlevel

from tests.transparency.apps.journal import (
    FOLDER,
    JOURNAL,
    LARGE,
    PATIENCE,
    SHADOW_URL,
    is_open,
    settings,
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

outer: contextvars.ContextVar[str] = contextvars.ContextVar("outer", default="unset")
inner: contextvars.ContextVar[str] = contextvars.ContextVar("inner", default="unset")


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process or thread brings about, with patience."""
    with anyio.move_on_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 -- no event reaches in from outside
            await anyio.sleep(0.001)


class Call:
    """One HTTP request: its pieces, and short words to answer it with."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.query = {
            name: values[0]
            for name, values in parse_qs(scope["query_string"].decode()).items()
        }

    async def start(
        self, status: int, *headers: tuple[bytes, bytes], **more: Any
    ) -> None:
        await self.send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": list(headers),
                **more,
            }
        )

    async def body(self, data: bytes, more: bool = False) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": more})

    async def answer(self, data: bytes, *headers: tuple[bytes, bytes]) -> None:
        length = (b"content-length", b"%d" % len(data))
        await self.start(200, length, *headers)
        await self.body(data)

    async def json(self, value: object) -> None:
        await self.answer(
            json.dumps(value).encode(), (b"content-type", b"application/json")
        )

    def offers(self, extension: str) -> bool:
        return extension in (self.scope.get("extensions") or {})


async def give_json(call: Call) -> None:
    await call.json({"id": 1, "name": "ä"})


async def give_text(call: Call) -> None:
    await call.start(200, (b"content-type", b"text/plain; charset=utf-8"))
    await call.body(b"no length stated")


async def give_nothing(call: Call) -> None:
    await call.start(204, (b"x-why", b"nothing to say"))
    await call.body(b"")


async def give_not_modified(call: Call) -> None:
    await call.start(304, (b"etag", b'"v1"'))
    await call.body(b"")


async def give_headers(call: Call) -> None:
    await call.answer(
        b"x",
        (b"x-twice", b"1"),
        (b"x-twice", b"2"),
        (b"set-cookie", b"a=1; Path=/; HttpOnly"),
        (b"set-cookie", b"b=2; Secure"),
        (b"x-latin", b"\xe4"),
    )


async def give_stream(call: Call, kind: bytes = b"text/plain") -> None:
    await call.start(200, (b"content-type", kind))
    for step in range(1, 4):
        await call.body(b"data: chunk |%d|\n\n" % step, more=True)
        await until(partial(is_open, call.query["gate"], step))
    await call.body(b"", more=True)
    await call.body(b"end")
    JOURNAL.add(f"closed {call.query['gate']}")


async def give_events(call: Call) -> None:
    await give_stream(call, b"text/event-stream")


async def echo(call: Call) -> None:
    data = bytearray()
    while True:
        message = await call.receive()
        data += message.get("body", b"")
        if not message.get("more_body"):
            break
    await call.answer(bytes(data), (b"content-type", b"application/octet-stream"))


async def ignore_upload(call: Call) -> None:
    await call.json("did not read it")


async def give_large(call: Call) -> None:
    await call.answer(LARGE, (b"content-type", b"application/octet-stream"))


async def give_large_in_parts(call: Call) -> None:
    await call.start(200, (b"content-length", b"%d" % len(LARGE)))
    for at in range(0, len(LARGE), 100_000):
        await call.body(LARGE[at : at + 100_000], more=True)
    await call.body(b"")


async def give_trailers(call: Call) -> None:
    offered = call.offers("http.response.trailers")
    await call.start(200, (b"trailer", b"x-sum"), trailers=offered)
    await call.body(b"with trailers")
    if offered:
        await call.send(
            {
                "type": "http.response.trailers",
                "headers": [(b"x-sum", b"1")],
                "more_trailers": False,
            }
        )


async def give_hints(call: Call) -> None:
    if call.offers("http.response.early_hint"):
        links = [b"</a.css>; rel=preload; as=style"]
        await call.send({"type": "http.response.early_hint", "links": links})
    await call.answer(b"hinted")


async def give_path(call: Call) -> None:
    path = Path(FOLDER) / "file.bin"
    if not call.offers("http.response.pathsend"):
        await call.answer(path.read_bytes())
        return
    await call.start(200, (b"content-length", b"%d" % path.stat().st_size))
    await call.send({"type": "http.response.pathsend", "path": str(path)})


async def fail(call: Call) -> None:
    raise ValueError("before the head")


async def fail_midway(call: Call) -> None:
    await call.start(200)
    await call.body(b"half", more=True)
    raise ValueError("after half of the body")


async def work_afterwards(call: Call) -> None:
    await call.answer(b"answered")
    await anyio.lowlevel.checkpoint()
    JOURNAL.add("background")


async def see_context(call: Call) -> None:
    inner.set("set by the app")
    await call.json(outer.get())


async def see_state(call: Call) -> None:
    await call.json((call.scope.get("state") or {}).get("token"))


async def see_scope(call: Call) -> None:
    scope = call.scope
    extensions = sorted(scope.get("extensions") or {})
    await call.json(
        [extensions, scope["path"], scope["query_string"].decode(), sorted(scope)]
    )


async def outlive_client(call: Call) -> None:
    await call.start(200)
    await call.body(b"|1|", more=True)
    while (await call.receive())["type"] != "http.disconnect":
        pass
    JOURNAL.add("disconnected")


async def read_journal(call: Call) -> None:
    await until(partial(JOURNAL.has, call.query["entry"]))
    await call.json(JOURNAL.has(call.query["entry"]))


ROUTES: dict[str, Callable[[Call], Awaitable[None]]] = {
    "/json": give_json,
    "/text": give_text,
    "/nothing": give_nothing,
    "/not-modified": give_not_modified,
    "/headers": give_headers,
    "/stream": give_stream,
    "/events": give_events,
    "/echo": echo,
    "/ignore": ignore_upload,
    "/large": give_large,
    "/large-in-parts": give_large_in_parts,
    "/trailers": give_trailers,
    "/hints": give_hints,
    "/path": give_path,
    "/fail": fail,
    "/fail-midway": fail_midway,
    "/background": work_afterwards,
    "/context": see_context,
    "/state": see_state,
    "/scope/ü/%2f": see_scope,
    "/outlive": outlive_client,
    "/journal": read_journal,
}


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup" and "state" in scope:
            scope["state"]["token"] = "given at startup"
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            (FOLDER / "shutdown").touch()
            return


async def websocket(scope: Scope, receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", "subprotocol": "echo"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": "echo " + message["text"]})
    JOURNAL.add("websocket closed")


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    elif scope["type"] == "websocket":
        await websocket(scope, receive, send)
    else:
        await ROUTES[scope["path"]](Call(scope, receive, send))


def wrapped() -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return the app behind our middleware, or bare where no shadow is given."""
    if not SHADOW_URL:
        return bare
    from shadow_middleware.asgi import ShadowMiddleware

    return ShadowMiddleware(bare, **settings())


behind = wrapped()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in front of the wrapper, to see that context passes both ways."""
    outer.set("set in front")
    await behind(scope, receive, send)
    if scope.get("path") == "/context":
        JOURNAL.add(f"context: {inner.get()}")
