"""A WSGI app with one route for each thing that a wrapper might disturb."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs

from tests.transparency.apps.journal import (
    FOLDER,
    JOURNAL,
    LARGE,
    SHADOW_URL,
    settings,
    wait_until_open,
)

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
Answer = Iterable[bytes]

TEXT = ("Content-Type", "text/plain; charset=utf-8")
BINARY = ("Content-Type", "application/octet-stream")


def query(environ: Environ, name: str) -> str:
    values: list[str] = parse_qs(environ["QUERY_STRING"])[name]
    return values[0]


def give_json(environ: Environ, start: StartResponse) -> Answer:
    body = json.dumps({"id": 1, "name": "ä"}).encode()
    start(
        "200 OK",
        [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
    )
    return [body]


def give_one_part(environ: Environ, start: StartResponse) -> Answer:
    start("200 Fine By Me", [TEXT])
    return [b"a server may state the length of a list of one"]


def give_parts(environ: Environ, start: StartResponse) -> Answer:
    start("200 OK", [TEXT])
    return (b"several", b"", b" parts", b"")


def give_nothing(environ: Environ, start: StartResponse) -> Answer:
    start("204 No Content", [("X-Why", "nothing to say")])
    return []


def give_not_modified(environ: Environ, start: StartResponse) -> Answer:
    start("304 Not Modified", [("ETag", '"v1"')])
    return []


def give_headers(environ: Environ, start: StartResponse) -> Answer:
    start(
        "200 OK",
        [
            TEXT,
            ("X-Twice", "1"),
            ("X-Twice", "2"),
            ("Set-Cookie", "a=1; Path=/; HttpOnly"),
            ("Set-Cookie", "b=2; Secure"),
            ("X-Latin", "\xe4"),
            ("Content-Length", "1"),
        ],
    )
    return [b"x"]


class Stream:
    """Chunks that wait for the client, and a `close` that is noted."""

    def __init__(self, gate: str) -> None:
        self.gate = gate

    def __iter__(self) -> Iterator[bytes]:
        for step in range(1, 4):
            yield b"data: chunk |%d|\n\n" % step
            wait_until_open(self.gate, step)
        yield b"end"

    def close(self) -> None:
        JOURNAL.add(f"closed {self.gate}")


def give_stream(environ: Environ, start: StartResponse) -> Answer:
    start("200 OK", [TEXT])
    return Stream(query(environ, "gate"))


def give_events(environ: Environ, start: StartResponse) -> Answer:
    start("200 OK", [("Content-Type", "text/event-stream")])
    return Stream(query(environ, "gate"))


def give_late_head(environ: Environ, start: StartResponse) -> Answer:
    """Call start_response only when the first part is asked for, as generators do."""
    start("200 OK", [TEXT])
    yield b"first "
    yield b"second"


def echo(environ: Environ, start: StartResponse) -> Answer:
    parts = []
    while data := environ["wsgi.input"].read(10_000):
        parts.append(data)
    body = b"".join(parts)
    start("200 OK", [BINARY, ("Content-Length", str(len(body)))])
    return [body]


def echo_lines(environ: Environ, start: StartResponse) -> Answer:
    body = b"/".join(environ["wsgi.input"])
    start("200 OK", [BINARY, ("Content-Length", str(len(body)))])
    return [body]


def ignore_upload(environ: Environ, start: StartResponse) -> Answer:
    start("200 OK", [TEXT, ("Content-Length", "2")])
    return [b"no"]


def give_large(environ: Environ, start: StartResponse) -> Answer:
    start("200 OK", [BINARY, ("Content-Length", str(len(LARGE)))])
    return [LARGE]


def give_large_in_parts(environ: Environ, start: StartResponse) -> Answer:
    start("200 OK", [BINARY, ("Content-Length", str(len(LARGE)))])
    return (LARGE[at : at + 100_000] for at in range(0, len(LARGE), 100_000))


def give_file(environ: Environ, start: StartResponse) -> Answer:
    file = (FOLDER / "file.bin").open("rb")
    size = (FOLDER / "file.bin").stat().st_size
    start("200 OK", [BINARY, ("Content-Length", str(size))])
    if wrap := environ.get("wsgi.file_wrapper"):
        wrapped_file: Answer = wrap(file, 8192)
        return wrapped_file
    return iter(lambda: file.read(8192), b"")


def write(environ: Environ, start: StartResponse) -> Answer:
    send = start("200 OK", [TEXT, ("Content-Length", "18")])
    send(b"written ")
    send(b"first ")
    return [b"last"]


def fail(environ: Environ, start: StartResponse) -> Answer:
    raise ValueError("before the head")


def fail_midway(environ: Environ, start: StartResponse) -> Answer:
    start("200 OK", [TEXT])
    yield b"half"
    raise ValueError("after half of the body")


def change_mind(environ: Environ, start: StartResponse) -> Answer:
    start("200 OK", [TEXT])
    try:
        raise ValueError("before anything was sent")
    except ValueError:
        start("503 Changed", [TEXT, ("X-Second", "yes")], sys.exc_info())
    return [b"second thoughts"]


class Unending:
    """Sends until the client is gone."""

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(20_000):
            yield b"|1|" + b"." * 10_000

    def close(self) -> None:
        JOURNAL.add("disconnected")


def outlive_client(environ: Environ, start: StartResponse) -> Answer:
    start("200 OK", [TEXT])
    return Unending()


def see_environ(environ: Environ, start: StartResponse) -> Answer:
    seen = [environ["PATH_INFO"], environ["QUERY_STRING"], environ["SCRIPT_NAME"]]
    body = json.dumps(seen).encode()
    start("200 OK", [TEXT, ("Content-Length", str(len(body)))])
    return [body]


def read_journal(environ: Environ, start: StartResponse) -> Answer:
    body = json.dumps(JOURNAL.wait_for(query(environ, "entry"))).encode()
    start("200 OK", [TEXT, ("Content-Length", str(len(body)))])
    return [body]


ROUTES: dict[str, Callable[[Environ, StartResponse], Answer]] = {
    "/json": give_json,
    "/one-part": give_one_part,
    "/parts": give_parts,
    "/nothing": give_nothing,
    "/not-modified": give_not_modified,
    "/headers": give_headers,
    "/stream": give_stream,
    "/events": give_events,
    "/late-head": give_late_head,
    "/echo": echo,
    "/echo-lines": echo_lines,
    "/ignore": ignore_upload,
    "/large": give_large,
    "/large-in-parts": give_large_in_parts,
    "/path": give_file,
    "/write": write,
    "/fail": fail,
    "/fail-midway": fail_midway,
    "/change-mind": change_mind,
    "/outlive": outlive_client,
    "/scope/ü/%2f": see_environ,
    "/journal": read_journal,
}


def bare(environ: Environ, start: StartResponse) -> Answer:
    path = environ["PATH_INFO"].encode("latin-1").decode()
    return ROUTES[path](environ, start)


def wrapped() -> Callable[[Environ, StartResponse], Answer]:
    """Return the app behind our middleware, or bare where no shadow is given."""
    if not SHADOW_URL:
        return bare
    from shadow_middleware.wsgi import ShadowMiddleware

    return ShadowMiddleware(bare, **settings())


app = wrapped()
