"""
Between any WSGI app and any WSGI server, with us in the middle: the same calls with
the same bytes in the same order (W5 W35 W42 W45 W52).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.live import LiveSide
from shadow_middleware.wsgi import ShadowMiddleware
from tests.fakes import recorded
from tests.transparency.desk import live_side

Environ = dict[str, Any]
App = Callable[..., Iterable[bytes]]

HEADERS = [("Content-Type", "text/plain"), ("X-Twice", "1"), ("X-Twice", "2")]


class Server:
    """Calls an app as PEP 3333 says, and writes down all that comes back."""

    def __init__(self, leaves_after: int = 99) -> None:
        self._leaves_after = leaves_after
        self.log: list[object] = []

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        self.log.append(("start", status, list(headers), exc_info))
        if exc_info is not None and ("write" in self.log or "chunk" in self.log):
            raise exc_info[1]
        return self.write

    def write(self, data: bytes) -> None:
        self.log.append(("write", data))

    def serve(self, app: App, environ: Environ) -> None:
        try:
            self._serve(app(environ, self.start_response))
        except BaseException as error:  # noqa: BLE001 -- what is raised is compared
            self.log.append(error)

    def _serve(self, result: Iterable[bytes]) -> None:
        self.log.append(("length", len(result) if isinstance(result, Sized) else None))
        self.log.append(("file", isinstance(result, FileWrapper)))
        try:
            for number, chunk in enumerate(result):
                if number == self._leaves_after:
                    break
                self.log.append(("chunk", chunk))
        finally:
            if hasattr(result, "close"):
                result.close()


class Recorded:
    """An iterable that notes in the log when it is iterated and closed."""

    def __init__(self, chunks: list[bytes], log: list[object], error: Any) -> None:
        self._chunks = chunks
        self._log = log
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        self._log.append("iterated")
        yield from self._chunks
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self._log.append("closed")


class RecordedAndSized(Recorded):
    """One that says how many chunks it has."""

    def __len__(self) -> int:
        return len(self._chunks)


SHAPES: dict[str, Callable[[list[bytes], list[object], Any], Iterable[bytes]]] = {
    "list": lambda chunks, log, error: chunks,
    "tuple": lambda chunks, log, error: tuple(chunks),
    "generator": lambda chunks, log, error: (chunk for chunk in chunks),
    "iterator": lambda chunks, log, error: iter(chunks),
    "closable": Recorded,
    "sized": RecordedAndSized,
    "file": lambda chunks, log, error: FileWrapper(io.BytesIO(b"".join(chunks)), 3),
}
READS: dict[str, Callable[[Any], object]] = {
    "nothing": lambda stream: None,
    "all": lambda stream: stream.read(),
    "sized": lambda stream: [stream.read(2), stream.read(0), stream.read(50)],
    "lines": lambda stream: [stream.readline(), stream.readline(2), list(stream)],
    "all lines": lambda stream: stream.readlines(),
}


def app_of(
    shape: str,
    read: str,
    chunks: list[bytes],
    written: list[bytes],
    error: Exception | None,
    log: list[object],
) -> App:
    """Return an app that reads, starts, writes and answers as told."""

    def app(environ: Environ, start_response: Any) -> Iterable[bytes]:
        log.append(READS[read](environ["wsgi.input"]))
        write = start_response("200 Fine", HEADERS)
        for data in written:
            write(data)
        return SHAPES[shape](list(chunks), log, error)

    return app


def environ_of(method: str, body: bytes) -> Environ:
    environ: Environ = {}
    setup_testing_defaults(environ)
    environ |= {
        "REQUEST_METHOD": method,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "PATH_INFO": "/a b",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.file_wrapper": FileWrapper,
        "HTTP_COOKIE": "a=1",
    }
    return environ


def wrap(app: App, live: LiveSide) -> App:
    middleware = ShadowMiddleware(
        app, shadow_url="http://127.0.0.1:9", methods=("GET", "HEAD", "POST")
    )
    middleware.live = live
    return middleware


chunks_of_an_app = st.lists(st.binary(max_size=20), max_size=6)


@given(
    shape=st.sampled_from(sorted(SHAPES)),
    read=st.sampled_from(sorted(READS)),
    chunks=chunks_of_an_app,
    written=chunks_of_an_app,
    error=st.sampled_from([None, ValueError("app")]),
    method=st.sampled_from(["GET", "HEAD", "POST"]),
    body=st.binary(max_size=60),
    leaves_after=st.integers(0, 8),
)
def test_every_call_passes_as_it_is(
    shape: str,
    read: str,
    chunks: list[bytes],
    written: list[bytes],
    error: Exception | None,
    method: str,
    body: bytes,
    leaves_after: int,
) -> None:
    """W5 W42 W52: chunks, lengths, files, writes, closes and errors are as without us."""
    live, kept = live_side()
    bare, seen = Server(leaves_after), Server(leaves_after)

    bare.serve(
        app_of(shape, read, chunks, written, error, bare.log), environ_of(method, body)
    )
    seen.serve(
        wrap(app_of(shape, read, chunks, written, error, seen.log), live),
        environ_of(method, body),
    )

    assert bare.log == seen.log
    assert {} == live.faults
    assert 1 == len(kept.offered)


@given(shape=st.sampled_from(sorted(SHAPES)), chunks=chunks_of_an_app, body=st.binary())
def test_what_is_captured_is_what_passed(
    shape: str, chunks: list[bytes], body: bytes
) -> None:
    """W45: however the app cuts its answer, the capture holds its bytes."""
    live, kept = live_side()
    app = app_of(shape, "all", chunks, [b"w"], None, [])

    Server().serve(wrap(app, live), environ_of("POST", body))

    (capture,) = kept.offered
    record = recorded(capture)
    sent = body_of(record[11])
    whole = {"withheld": ("cookie",)}
    if shape == "file":
        assert (whole | {"skip": "sendfile"}, b"w") == (record[13], sent)
    else:
        assert (whole, b"w" + b"".join(chunks)) == (record[13], sent)
    assert body == body_of(record[8])


def body_of(place: Any) -> bytes:
    """Return the bytes of a body as a record has it; None is no body."""
    return place[0] if isinstance(place, tuple) else place or b""


@pytest.mark.parametrize("keyword", [False, True])
def test_a_second_head_replaces_the_first(keyword: bool) -> None:
    """W5: `exc_info` reaches the server, given by position or by name."""

    def app(environ: Environ, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", HEADERS)
        try:
            raise ValueError("before the first byte")
        except ValueError:
            if keyword:
                start_response(status="500 No", headers=[], exc_info=sys.exc_info())
            else:
                start_response("500 No", [], sys.exc_info())
        return [b"no"]

    live, kept = live_side()
    server = Server()
    server.serve(wrap(app, live), environ_of("GET", b""))

    assert ["start", "start", "length", "file", "chunk"] == [
        entry[0] for entry in server.log if isinstance(entry, tuple)
    ]
    assert 500 == kept.offered[0].status


def raising(*args: object) -> Any:
    raise RuntimeError("ours")


FAULTS: dict[str, tuple[dict[str, Any], Exception | None, Environ]] = {
    "skip raises": ({"skip": raising}, None, {}),
    "key raises": ({"key": raising}, None, {}),
    "hand-over raises": ({}, RuntimeError("no wall"), {}),
    "hand-over is out of memory": ({}, MemoryError(), {}),
    "the path is no latin-1": ({}, None, {"PATH_INFO": "/\u20ac"}),
    "the path is nothing": ({}, None, {"PATH_INFO": None}),
    "a header is no text": ({}, None, {"HTTP_X": 5}),
    "the scheme is missing": ({}, None, {"wsgi.url_scheme": None}),
    "the length is odd": ({}, None, {"CONTENT_LENGTH": "\u0663"}),
    "the length is no text": ({}, None, {"CONTENT_LENGTH": 3}),
    "the route raises": ({}, None, {"werkzeug.request": property(raising)}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_ours_leaves_live_intact(fault: str) -> None:
    """W5 W46: whatever raises on our side, the server gets the same and we know."""
    settings, error, oddities = FAULTS[fault]
    live, kept = live_side(error, **settings)
    bare, seen = Server(), Server()
    steps = ("closable", "all", [b"a", b"b"], [b"w"], None)

    bare.serve(app_of(*steps, bare.log), environ_of("POST", b"abc") | oddities)
    seen.serve(
        wrap(app_of(*steps, seen.log), live), environ_of("POST", b"abc") | oddities
    )

    assert bare.log == seen.log
    assert live.faults.total() >= 1 or kept.offered


@pytest.mark.parametrize("status", ["odd", "2", "", "200"])
@pytest.mark.parametrize("headers", [[("X", "\u20ac")], [], [("X", None)], [("X",)]])
def test_a_head_that_makes_no_sense_is_the_servers_to_judge(
    status: str, headers: list[Any]
) -> None:
    """W5: what we cannot read goes on to the server as it is."""

    def app(environ: Environ, start_response: Any) -> Iterable[bytes]:
        start_response(status, headers)
        return [b"x"]

    live, kept = live_side()
    server = Server()
    server.serve(wrap(app, live), environ_of("GET", b""))

    assert ("start", status, headers, None) == server.log[0]
    assert ("chunk", b"x") == server.log[-1]
    assert 1 == len(kept.offered)
