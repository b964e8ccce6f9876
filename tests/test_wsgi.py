"""The WSGI adapter: nothing that passes is changed, and what passes is seen."""

from __future__ import annotations

import gc
import http.client
import io
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest
import waitress.server
import waitress.wasyncore
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.handoff.codec import FIELDS
from shadow_middleware.wsgi import ShadowMiddleware
from tests.fakes import RecordingHandoff, recorded, recording_live

Environ = dict[str, Any]
ANY_METHOD = ["GET", "HEAD", "OPTIONS", "POST", "PUT"]


def wrapped(app: Any, **settings: Any) -> tuple[ShadowMiddleware, RecordingHandoff]:
    settings = {"shadow_url": "http://shadow.test", "methods": ANY_METHOD} | settings
    middleware = ShadowMiddleware(app, **settings)
    middleware.live, handoff = recording_live(**settings)
    return middleware, handoff


def environ_for(path: str = "/", body: bytes = b"", **extra: Any) -> Environ:
    environ: Environ = {"PATH_INFO": path, "wsgi.input": io.BytesIO(body), **extra}
    if body:
        environ.setdefault("CONTENT_LENGTH", str(len(body)))
        environ.setdefault("REQUEST_METHOD", "POST")
    setup_testing_defaults(environ)
    return environ


def call(app: Any, environ: Environ | None = None) -> tuple[str, Any, bytes]:
    """Serve one request as a server does: status, headers, body."""
    head: list[Any] = []
    written: list[bytes] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        head[:] = [status, list(headers)]
        return written.append

    result = app(environ if environ is not None else environ_for(), start_response)
    try:
        written.extend(result)
    finally:
        if hasattr(result, "close"):
            result.close()
    return head[0], head[1], b"".join(written)


def seen(handoff: RecordingHandoff) -> dict[str, Any]:
    """What was captured, by the names of the wire format; bodies as their bytes."""
    record = dict(zip(FIELDS, recorded(handoff.only), strict=True))
    for side in ("request_body", "response_body"):
        body: Any = record[side]
        record[side] = body[0] if isinstance(body, tuple) else body
    return record


def odd(handoff: RecordingHandoff, name: str) -> object:
    """What few captures have, None where this one has it not."""
    return (seen(handoff)["odd"] or {}).get(name)


def hello(environ: Environ, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-A", "1")])
    return [b"hello ", b"world"]


class Watched:
    """An iterable that counts what is done to it."""

    def __init__(self, chunks: list[Any], close_error: Exception | None = None) -> None:
        self.chunks = chunks
        self.iterated = 0
        self.closed = 0
        self.close_error = close_error

    def __iter__(self) -> Iterator[bytes]:
        self.iterated += 1
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def close(self) -> None:
        self.closed += 1
        if self.close_error:
            raise self.close_error


def answering(result: Any) -> Callable[..., Any]:
    def app(environ: Environ, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return result

    return app


# --- the request ---------------------------------------------------------------------------


def test_a_request_is_captured_as_the_client_sent_it() -> None:
    """W45: raw path and query, headers, method and version; nothing is re-encoded."""
    middleware, handoff = wrapped(hello)
    call(
        middleware,
        environ_for(
            "/caf\xc3\xa9",
            RAW_URI="/caf%C3%A9//%2e?a=%20&a=+",
            HTTP_X_TWO="b, a",
            CONTENT_TYPE="",
            SERVER_PROTOCOL="HTTP/1.0",
        ),
    )
    record = seen(handoff)
    assert (b"/caf%C3%A9//%2e", b"a=%20&a=+") == (record["path"], record["query"])
    assert ("GET", "1.0") == (record["method"], odd(handoff, "http_version"))
    assert [(b"x-two", b"b, a"), (b"host", b"127.0.0.1")] == list(record["headers"])


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"REQUEST_URI": "/a%2Fb?x"}, (b"/a%2Fb", b"x")),
        ({"RAW_URI": "http://h:1/p?q#"}, (b"/p", b"q#")),
        ({"RAW_URI": "http://h:1"}, (b"/", b"")),
        ({"RAW_URI": "*"}, (b"*", b"")),
        (
            {"SCRIPT_NAME": "/app", "QUERY_STRING": "q=\xe9"},
            (b"/app/x%20%25", b"q=\xe9"),
        ),
    ],
)
def test_the_path_is_raw_where_the_server_kept_it_and_quoted_where_not(
    extra: Environ, expected: tuple[bytes, bytes]
) -> None:
    """Servers name it RAW_URI or REQUEST_URI; absolute forms lose their origin."""
    middleware, handoff = wrapped(hello)
    call(middleware, environ_for("/x %", **extra))
    assert expected == (handoff.only.path, handoff.only.query)


def test_an_empty_path_is_the_root() -> None:
    """A request target is never empty."""
    middleware, handoff = wrapped(hello)
    environ = environ_for()
    environ["PATH_INFO"] = ""
    call(middleware, environ)
    assert b"/" == handoff.only.path


def test_a_proxy_of_the_process_environment_is_no_header() -> None:
    """W20: wsgiref and CGI mix os.environ into environ; HTTP_PROXY may hold a password."""
    middleware, handoff = wrapped(hello)
    call(middleware, environ_for(HTTP_PROXY="http://user:password@proxy"))
    assert [b"host"] == [name for name, _ in handoff.only.headers]


def test_names_that_clients_choose_are_remembered_within_bounds() -> None:
    """W1: a client that invents headers fills no memory, and each is still seen."""
    middleware, handoff = wrapped(hello)
    for number in range(600):
        call(middleware, environ_for() | {f"HTTP_X_{number}": "v"})
        assert dict(handoff.captures.pop().headers)[b"x-%d" % number] == b"v"
    call(middleware, environ_for() | {"HTTP_" + "X" * 5000: "v"})
    assert (b"x" * 5000) in dict(handoff.only.headers)
    plans = middleware._plans
    assert len(plans) <= 256
    assert max(sum(map(len, keys)) for keys in plans) <= 4096


def reading(how: Callable[[Any], object]) -> Callable[..., Any]:
    def app(environ: Environ, start_response: Any) -> Any:
        how(environ["wsgi.input"])
        start_response("200 OK", [])
        return [b""]

    return app


BODY = b"first\nsecond\nthird"


@pytest.mark.parametrize(
    ("read", "to_the_end"),
    [
        (lambda stream: stream.read(), True),
        (lambda stream: stream.read(-1), True),
        (lambda stream: stream.read(len(BODY)), False),
        (lambda stream: [stream.read(3) for _ in range(10)], True),
        (lambda stream: list(stream), True),
        (lambda stream: [next(stream) for _ in range(3)], False),
        (lambda stream: stream.readlines(), True),
        (lambda stream: stream.readlines(1000), False),
        (lambda stream: [stream.readline() for _ in range(4)], True),
        (lambda stream: [stream.readline(4) for _ in range(9)], True),
        (lambda stream: [stream.read1(4) for _ in range(9)], True),
        (lambda stream: [stream.readinto(bytearray(4)) for _ in range(9)], True),
        (lambda stream: (stream.seek(0, 2), stream.seek(0), stream.read()), True),
    ],
)
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_every_way_of_reading_a_body_is_seen(
    read: Callable[[Any], object], to_the_end: bool, framing: str
) -> None:
    """W45: the body is what the app read; without a length only its end makes it whole."""
    middleware, handoff = wrapped(reading(read))
    environ = environ_for(body=BODY)
    if framing == "chunked":
        del environ["CONTENT_LENGTH"]
        environ["HTTP_TRANSFER_ENCODING"] = "chunked"
        environ["wsgi.input_terminated"] = True
    call(middleware, environ)
    record = seen(handoff)
    assert BODY == record["request_body"]
    whole = framing == "length" or to_the_end
    assert whole != bool(odd(handoff, "request_cut"))


@pytest.mark.parametrize(
    "read",
    [
        lambda stream: None,
        lambda stream: stream.read(4),
        lambda stream: stream.readline(0),
        lambda stream: (stream.read(), stream.seek(0), stream.read()),
        lambda stream: (stream.seek(3), stream.read()),
    ],
)
def test_a_body_that_was_not_wholly_seen_is_marked_so(
    read: Callable[[Any], object],
) -> None:
    """W11: half a request is never replayed as if it were the whole."""
    middleware, handoff = wrapped(reading(read))
    call(middleware, environ_for(body=BODY))
    assert odd(handoff, "request_cut")


def test_nothing_is_read_that_the_app_does_not_read() -> None:
    """W8: the stream stands where the app left it."""
    stream = io.BytesIO(BODY)
    middleware, _ = wrapped(reading(lambda stream: stream.read(5)))
    call(middleware, environ_for(body=BODY) | {"wsgi.input": stream})
    assert 5 == stream.tell()


def test_a_request_without_a_body_keeps_its_own_input() -> None:
    """Where there is nothing to see nothing is wrapped."""
    environ = environ_for()
    stream = environ["wsgi.input"]
    middleware, _ = wrapped(reading(lambda given: given.read()))
    call(middleware, environ)
    assert environ["wsgi.input"] is stream


def test_what_the_servers_input_can_do_the_app_can_do() -> None:
    """Attributes beyond PEP 3333 exist exactly where the server's object has them."""
    found = []
    middleware, _ = wrapped(
        reading(
            lambda stream: found.extend([stream.closed, hasattr(stream, "no_such")])
        )
    )
    call(middleware, environ_for(body=BODY))
    assert [False, False] == found


# --- the response --------------------------------------------------------------------------


def test_a_response_is_captured_as_it_was_sent() -> None:
    """W45: status, ordered and duplicate headers, and the bytes."""

    def app(environ: Environ, start_response: Any) -> Any:
        start_response("201 Made", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=\xe9")])
        return [b"\xff\x00", b"", b"tail"]

    middleware, handoff = wrapped(app)
    assert call(app) == call(middleware)
    record = seen(handoff)
    assert 201 == record["status"]
    assert ((b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=\xe9")) == tuple(
        record["response_headers"]
    )
    assert b"\xff\x00tail" == record["response_body"]


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_any_split_of_a_body_is_the_same_capture(chunks: list[bytes]) -> None:
    """W42: chunks are bytes of one body, never messages."""
    for result in (chunks, tuple(chunks), Watched(list(chunks))):
        middleware, handoff = wrapped(answering(result))
        assert b"".join(chunks) == call(middleware)[2]
        assert b"".join(chunks) == (seen(handoff)["response_body"] or b"")
        assert odd(handoff, "skip") is None


def test_close_is_forwarded_once_and_nothing_is_iterated_twice() -> None:
    """W35: the app's iterable is walked by the server alone."""
    result = Watched([b"a", b"b"])
    middleware, _ = wrapped(answering(result))
    body = middleware(environ_for(), lambda *_: lambda data: None)
    assert [b"a", b"b"] == list(body)
    body.close()  # type: ignore[attr-defined]
    body.close()  # type: ignore[attr-defined]
    assert (1, 1) == (result.iterated, result.closed)


def test_each_chunk_passes_before_the_next_is_made() -> None:
    """W35: a stream is never held back."""
    made: list[int] = []

    def stream() -> Iterator[bytes]:
        for number in range(3):
            made.append(number)
            yield b"%d" % number

    middleware, handoff = wrapped(answering(stream()))
    body = iter(middleware(environ_for(), lambda *_: lambda data: None))
    assert (b"0", [0]) == (next(body), made)
    assert (b"1", [0, 1]) == (next(body), made)
    assert [] == handoff.captures


def test_a_generator_app_may_start_its_response_late() -> None:
    """PEP 3333 lets the head come with the first chunk."""

    def app(environ: Environ, start_response: Any) -> Iterator[bytes]:
        start_response("202 Accepted", [])
        yield b"late"

    middleware, handoff = wrapped(app)
    assert ("202 Accepted", [], b"late") == call(middleware)
    assert (202, b"late") == (
        seen(handoff)["status"],
        seen(handoff)["response_body"],
    )


def test_the_legacy_write_callable_passes_and_is_seen() -> None:
    """PEP 3333's write() goes straight to the server, and is part of the body."""

    def app(environ: Environ, start_response: Any) -> Any:
        write = start_response("200 OK", [])
        write(b"written ")
        return [b"returned"]

    middleware, handoff = wrapped(app)
    assert b"written returned" == call(middleware)[2]
    assert b"written returned" == seen(handoff)["response_body"]


def test_an_error_page_replaces_the_head() -> None:
    """start_response with exc_info reaches the server as it is; the last head counts."""
    heads = []

    def app(environ: Environ, start_response: Any) -> Any:
        start_response("200 OK", [("X", "1")])
        try:
            raise ValueError("broken")
        except ValueError as error:
            start_response("500 Oh", [], (ValueError, error, error.__traceback__))
        return [b"sorry"]

    def start_response(*args: Any) -> Any:
        heads.append(args)

    middleware, handoff = wrapped(app)
    list(middleware(environ_for(), start_response))
    assert [2, 3] == [len(args) for args in heads]
    assert 500 == handoff.only.status


def test_a_server_that_refuses_the_head_is_heard_by_the_app() -> None:
    """What start_response raises belongs to the app."""

    def refuse(*args: Any) -> Any:
        raise AssertionError("headers already sent")

    middleware, handoff = wrapped(hello)
    with pytest.raises(AssertionError, match="already sent"):
        middleware(environ_for(), refuse)
    assert "AssertionError" == odd(handoff, "error")


@pytest.mark.parametrize("kind", [list, tuple])
def test_the_length_of_a_whole_body_stays_visible(kind: type) -> None:
    """From a length of one, servers make a Content-Length."""
    middleware, _ = wrapped(answering(kind([b"one"])))
    body = middleware(environ_for(), lambda *_: lambda data: None)
    assert 1 == len(body)  # type: ignore[arg-type]


def test_a_list_stays_a_list_and_is_seen_when_taken_whole() -> None:
    """W51: callers that compare or join the app's list find a list."""
    middleware, handoff = wrapped(hello)
    body = middleware(environ_for(), lambda *_: lambda data: None)
    assert [b"hello ", b"world"] == body
    assert b"hello world" == b"".join(body)
    del body
    assert b"hello world" == seen(handoff)["response_body"]


def test_a_generator_has_no_length() -> None:
    """A length that the app does not give is not made up."""
    middleware, _ = wrapped(answering(iter([b"one"])))
    body = middleware(environ_for(), lambda *_: lambda data: None)
    assert not hasattr(body, "__len__")


def test_an_iterator_stays_an_iterator() -> None:
    """W51: `next` works, `iter` gives the same, and another loop goes on."""
    middleware, handoff = wrapped(answering(iter([b"a", b"b", b"c"])))
    body: Any = middleware(environ_for(), lambda *_: lambda data: None)
    assert iter(body) is body
    assert (b"a", b"b", [b"c"]) == (next(body), next(iter(body)), list(body))
    body.close()
    assert (b"abc", None) == (seen(handoff)["response_body"], odd(handoff, "skip"))


@pytest.mark.parametrize(("result", "count"), [(iter([b"data: 1"]), 0), ([b"one"], 1)])
def test_only_a_stream_can_be_an_event_stream(result: Any, count: int) -> None:
    """Streams of events never end; an answer that is whole already has."""

    def app(environ: Environ, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return result

    middleware, handoff = wrapped(app)
    call(middleware)
    assert count == len(handoff.captures)


@pytest.mark.parametrize("result", [[b"a"], (b"a",), iter([b"a"])])
def test_an_exchange_is_freed_when_it_ends(result: Any) -> None:
    """W1: a body does not wait for the garbage collector, nor does the environ."""

    class Stream(io.BytesIO):
        pass

    def app(environ: Environ, start_response: Any) -> Any:
        environ["wsgi.input"].read()
        start_response("200 OK", [])
        return result

    middleware, handoff = wrapped(app)
    stream = Stream(b"body")
    freed = weakref.ref(stream)
    environ = environ_for(body=b"body") | {"wsgi.input": stream}
    gc.disable()
    try:
        call(middleware, environ)
        handoff.captures.clear()
        del environ, stream
        assert freed() is None
    finally:
        gc.enable()


# --- ends ----------------------------------------------------------------------------------


def test_a_client_that_goes_away_leaves_a_counted_skip() -> None:
    """Conservation: half an answer is counted as skipped, and the app's close runs."""
    result = Watched([b"a", b"b"])
    middleware, handoff = wrapped(answering(result))
    body = iter(middleware(environ_for(), lambda *_: lambda data: None))
    next(body)
    body.close()  # type: ignore[attr-defined]
    assert ("client_disconnect", 1) == (odd(handoff, "skip"), result.closed)


def test_a_server_that_stops_at_the_content_length_had_everything() -> None:
    """Not asking for the end of the iterable is no disconnect then."""

    def app(environ: Environ, start_response: Any) -> Any:
        start_response("200 OK", [("content-length", "1")])
        return Watched([b"a", b""])

    middleware, handoff = wrapped(app)
    body = iter(middleware(environ_for(), lambda *_: lambda data: None))
    next(body)
    body.close()  # type: ignore[attr-defined]
    assert odd(handoff, "skip") is None


def test_an_answer_of_known_length_ends_with_its_last_byte() -> None:
    """The client has it all then, whenever the server gets round to closing."""

    def app(environ: Environ, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "2")])
        return Watched([b"a", b"b"])

    middleware, handoff = wrapped(app)
    body = iter(middleware(environ_for(), lambda *_: lambda data: None))
    assert [b"a", b"b"] == [next(body), next(body)]
    assert [] == handoff.captures
    assert [] == list(body)
    assert (None, b"ab") == (odd(handoff, "skip"), seen(handoff)["response_body"])
    body.close()  # type: ignore[attr-defined]
    assert 1 == len(handoff.captures)


def test_head_needs_no_body() -> None:
    """A server may leave the body of a HEAD answer alone."""
    middleware, handoff = wrapped(answering(Watched([b"a"])))
    body = middleware(environ_for(REQUEST_METHOD="HEAD"), lambda *_: lambda data: None)
    body.close()  # type: ignore[attr-defined]
    assert odd(handoff, "skip") is None


def test_an_exception_of_the_app_passes_and_is_counted() -> None:
    """W5: the server sees the very same exception."""
    error = RuntimeError("from the app")

    def app(environ: Environ, start_response: Any) -> Any:
        raise error

    middleware, handoff = wrapped(app)
    with pytest.raises(RuntimeError) as caught:
        call(middleware)
    assert caught.value is error
    assert "RuntimeError" == odd(handoff, "error")


def test_an_exception_while_streaming_passes_and_is_counted() -> None:
    """W5: what was sent stays sent, and close still runs."""
    result = Watched([b"a", RuntimeError("midway")])
    middleware, handoff = wrapped(answering(result))
    with pytest.raises(RuntimeError, match="midway"):
        call(middleware)
    assert ("RuntimeError", None, 1) == (
        odd(handoff, "error"),
        odd(handoff, "skip"),
        result.closed,
    )


def test_an_exception_of_close_passes_and_is_counted() -> None:
    """W5: close may raise; the exchange is handed over all the same."""
    result = Watched([b"a"], close_error=RuntimeError("closing"))
    middleware, handoff = wrapped(answering(result))
    with pytest.raises(RuntimeError, match="closing"):
        call(middleware)
    assert "RuntimeError" == odd(handoff, "error")


def test_an_answer_that_nobody_closes_is_handed_over_all_the_same() -> None:
    """W13: callers that forget close(), as tests do, lose nothing."""
    middleware, handoff = wrapped(answering(iter([b"a"])))
    list(middleware(environ_for(), lambda *_: lambda data: None))
    assert (None, b"a") == (odd(handoff, "skip"), seen(handoff)["response_body"])


def test_an_answer_that_is_no_bytes_fails_as_it_would_without_us() -> None:
    """The server complains in its own words, not we in ours."""
    middleware, _ = wrapped(answering(iter([7])))
    body: Iterable[object] = middleware(environ_for(), lambda *_: lambda data: None)
    assert [7] == list(body)


# --- files ---------------------------------------------------------------------------------


def test_a_file_goes_to_the_server_as_the_server_wraps_it() -> None:
    """W52: zero copy stays possible; the exchange is counted as skipped."""

    def app(environ: Environ, start_response: Any) -> Any:
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"file"))

    middleware, handoff = wrapped(app)
    result = middleware(
        environ_for() | {"wsgi.file_wrapper": FileWrapper},
        lambda *_: lambda data: None,
    )
    assert FileWrapper is type(result)
    assert ("sendfile", 200) == (odd(handoff, "skip"), handoff.only.status)


def test_a_wrapper_function_gets_its_own_object_back() -> None:
    """W52: uWSGI compares the answer with what its function made."""
    made = object()

    def app(environ: Environ, start_response: Any) -> Any:
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"file"), 10)

    middleware, handoff = wrapped(app)
    environ = environ_for() | {"wsgi.file_wrapper": lambda file, size: made}
    assert made is middleware(environ, lambda *_: lambda data: None)
    assert "sendfile" == odd(handoff, "skip")


# --- which requests ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "extra"),
    [
        ({"rate": 0}, {}),
        ({"enabled": False}, {}),
        ({"methods": ["POST"]}, {}),
        ({"exclude": ["/"]}, {}),
        ({}, {"HTTP_UPGRADE": "WebSocket"}),
    ],
)
def test_what_is_not_selected_passes_untouched(
    settings: dict[str, Any], extra: Environ
) -> None:
    """W29: the app's own objects reach the server."""
    result = Watched([b"a"])
    middleware, handoff = wrapped(answering(result), **settings)
    assert result is middleware(environ_for(**extra), lambda *_: lambda data: None)
    assert [] == handoff.captures


def test_of_two_middlewares_one_captures() -> None:
    """Installed twice, by framework and by hand, a request counts once."""
    inner, inner_handoff = wrapped(hello)
    outer, outer_handoff = wrapped(inner)
    assert b"hello world" == call(outer)[2]
    assert (1, 0) == (len(outer_handoff.captures), len(inner_handoff.captures))


@pytest.mark.parametrize("name", ["werkzeug.request", "bottle.route"])
def test_the_route_is_the_frameworks_own(name: str) -> None:
    """Werkzeug and Bottle leave it in the environ."""

    class Found:
        rule = "/users/<id>"

        @property
        def url_rule(self) -> Any:
            return self if name == "werkzeug.request" else None

    middleware, handoff = wrapped(hello)
    call(middleware, environ_for() | {name: Found()})
    assert "/users/<id>" == handoff.only.route


def test_wrong_settings_are_refused_at_construction() -> None:
    """Never at a request."""
    with pytest.raises(ConfigurationError, match="did you mean 'shadow_url'"):
        ShadowMiddleware(hello, shaddow_url="http://shadow.test")


# --- our own mistakes ----------------------------------------------------------------------


class Broken:
    """Raises whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("ours")


@pytest.mark.parametrize(
    "spoil",
    [
        {"RAW_URI": "/\u20ac"},
        {"HTTP_X": 7},
        {"wsgi.url_scheme": None, "SERVER_PROTOCOL": None},
        {"werkzeug.request": Broken()},
    ],
)
def test_an_exception_of_ours_leaves_the_answer_intact(spoil: Environ) -> None:
    """W5 W46: it is counted, and the app's answer is what it always is."""
    middleware, _ = wrapped(hello)
    assert call(hello, environ_for(**spoil)) == call(middleware, environ_for(**spoil))
    assert middleware.live.faults.total() >= 1


def test_a_head_that_we_cannot_read_is_counted_and_passes() -> None:
    """W5: the server may take what we do not."""

    def app(environ: Environ, start_response: Any) -> Any:
        start_response("abc", [("X", "\u20ac")])
        return [b"x"]

    middleware, _ = wrapped(app)
    assert ("abc", [("X", "\u20ac")], b"x") == call(middleware)
    assert {"wsgi response head": 1} == dict(middleware.live.faults)


# --- real servers --------------------------------------------------------------------------


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def wsgiref_server(app: Any) -> Iterator[int]:
    with make_server("127.0.0.1", 0, app, handler_class=QuietHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def waitress_server(app: Any) -> Iterator[int]:
    sockets: dict[int, Any] = {}
    server: Any = waitress.server.create_server(
        app, host="127.0.0.1", port=0, map=sockets
    )
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            waitress.wasyncore.loop(timeout=0.01, map=sockets, count=1)
        server.task_dispatcher.shutdown()
        waitress.wasyncore.close_all(sockets)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield server.effective_port
    finally:
        stop.set()
        thread.join()


def exchange(port: int, method: str, path: str, body: bytes | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        headers = [pair for pair in response.getheaders() if pair[0] != "Date"]
        return response.status, headers, response.read()
    finally:
        connection.close()


def every_kind(environ: Environ, start_response: Any) -> Any:
    """An app with an answer of each kind."""
    path = environ["PATH_INFO"]
    if path == "/empty":
        start_response("204 No Content", [])
        return []
    if path == "/echo":
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return [body]
    if environ["REQUEST_METHOD"] == "HEAD":
        start_response("200 OK", [("Content-Length", "3")])
        return []
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/stream":
        return (b"%d\n" % number for number in range(50))
    if path == "/file":
        return environ["wsgi.file_wrapper"](io.BytesIO(b"file" * 1000))
    return [b"one"]


@pytest.mark.parametrize("serve", [wsgiref_server, waitress_server])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/", None),
        ("HEAD", "/", None),
        ("GET", "/stream", None),
        ("GET", "/file", None),
        ("GET", "/empty", None),
        ("POST", "/echo", b"\xff\r\n\r\nHTTP/1.1 500 no\r\n" * 5000),
    ],
)
def test_a_server_sends_the_same_with_and_without_us(
    serve: Any, method: str, path: str, body: bytes | None
) -> None:
    """W6 W42: status, headers with Content-Length, and bytes, from real servers."""
    middleware, handoff = wrapped(every_kind)
    with serve(every_kind) as bare, serve(middleware) as with_us:
        expected = exchange(bare, method, path, body)
        assert expected == exchange(with_us, method, path, body)
    assert method == handoff.only.method
    if path not in ("/file", "/empty") and method != "HEAD":
        assert expected[2] == seen(handoff)["response_body"]


@pytest.mark.parametrize("serve", [wsgiref_server, waitress_server])
@pytest.mark.parametrize("path", ["/", "/stream", "/empty"])
def test_both_sides_of_us_keep_to_the_standard(serve: Any, path: str) -> None:
    """PEP 3333 as wsgiref.validate checks it, towards the server and the app."""
    middleware, handoff = wrapped(validator(every_kind))
    with serve(validator(middleware)) as port:
        assert exchange(port, "GET", path)[0] in (200, 204)
    assert odd(handoff, "skip") is None


def test_a_body_that_the_server_leaves_out_is_not_captured() -> None:
    """W45: an app may answer HEAD with a body; no client ever sees it."""
    middleware, handoff = wrapped(hello)
    call(middleware, environ_for(REQUEST_METHOD="HEAD"))
    assert (200, None) == (seen(handoff)["status"], seen(handoff)["response_body"])
