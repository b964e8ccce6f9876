"""The traffic: for each kind of app, named exchanges whose every byte counts."""

from __future__ import annotations

from collections.abc import Callable

from tests.transparency.apps.journal import LARGE
from tests.transparency.client import Client, get, post, post_chunked

Scenario = Callable[[Client], object]
"""Does something to a server and returns all that can be seen of the answer."""


def plain(*parts: bytes) -> Scenario:
    """Send these parts and keep the raw answer."""
    return lambda client: client.exchange(*parts)


def stream(target: str) -> Scenario:
    """Open the gates of a stream one by one."""
    return lambda client: client.gated(target)


def noted(entry: str, *parts: bytes) -> Scenario:
    """Send these parts; then see whether the app has noted the entry."""
    return lambda client: (client.exchange(*parts), client.journal(entry))


SHARED: dict[str, Scenario] = {
    "json": plain(get("/json?a=1&a=%C3%A4&b")),
    "json to a 1.0 client": plain(get("/json", version="1.0")),
    "head": plain(get("/json", method="HEAD")),
    "204": plain(get("/nothing")),
    "304": plain(get("/not-modified", b'If-None-Match: "v1"')),
    "headers": plain(get("/headers")),
    "escaped path": plain(get("/scope/%C3%BC/%252f?q=%2F+x")),
    "unread upload": plain(post("/ignore", b"unread")),
    "echo": plain(post("/echo", b"hello \x00\xff")),
    "large upload": plain(post("/echo", LARGE)),
    "large download": plain(get("/large")),
    "file": plain(get("/path")),
    "exception": plain(get("/fail")),
    "exception midway": plain(get("/fail-midway")),
}
"""What every app is asked."""

ASGI: dict[str, Scenario] = SHARED | {
    "stream": stream("/stream"),
    "events": stream("/events"),
    "text": plain(get("/text")),
    "chunked upload": plain(*post_chunked("/echo", b"one", b"two", b"x" * 70_000)),
    "large in parts": plain(get("/large-in-parts")),
    "trailers": plain(get("/trailers", b"TE: trailers")),
    "early hints": plain(get("/hints")),
    "background": noted("background", get("/background")),
    "context": noted("context:%20set%20by%20the%20app", get("/context")),
    "lifespan state": plain(get("/state")),
    "client leaves": lambda client: client.leave_midway("/outlive"),
    "websocket": lambda client: client.websocket([b"one", b"two"]),
}

WSGI: dict[str, Scenario] = SHARED | {
    "stream": stream("/stream"),
    "events": stream("/events"),
    "one part": plain(get("/one-part")),
    "parts": plain(get("/parts")),
    "late head": plain(get("/late-head")),
    "chunked upload": plain(*post_chunked("/echo", b"one", b"two", b"x" * 70_000)),
    "upload in lines": plain(post("/echo-lines", b"one\ntwo\nthree")),
    "large in parts": plain(get("/large-in-parts")),
    "write": plain(get("/write")),
    "change of mind": plain(get("/change-mind")),
    "client leaves": lambda client: client.leave_midway("/outlive"),
}

DJANGO: dict[str, Scenario] = SHARED | {
    "stream": stream("/stream"),
    "events": stream("/events"),
    "partly read": plain(post("/read", b"hello world")),
    "zipped": plain(get("/large", b"Accept-Encoding: gzip")),
    "static": plain(get("/static/none.css")),
    "unknown": plain(get("/unknown?x=1")),
}
