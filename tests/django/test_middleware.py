"""The Django adapter, under WSGI and under ASGI: what passes is the same, and seen."""

from __future__ import annotations

import asyncio
import gc
import io
from collections.abc import AsyncIterator, Callable
from typing import Any
from wsgiref.util import FileWrapper

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings

from shadow_middleware.django import ShadowMiddleware
from shadow_middleware.errors import ConfigurationError
from tests.django.project import RecordingMiddleware, Stream, User
from tests.django.serving import Answer, asgi, odd, project, seen, wsgi

Serve = Callable[..., Answer]
BOTH = pytest.mark.parametrize("serve", [wsgi, asgi])
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
WITH_USER = "tests.django.project.with_user"
MULTIPART = "multipart/form-data; boundary=xyz"
UPLOAD = (
    b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nupload\r\n--xyz--\r\n"
)


def captures() -> list[Any]:
    return RecordingMiddleware.handoff.captures


def async_middleware(get_response: Any) -> Any:
    """Our middleware in front of an async project."""
    return RecordingMiddleware(get_response)


# --- nothing changes ---------------------------------------------------------------------


@BOTH
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/items/7/?a=1", b""),
        ("HEAD", "/items/7/", b""),
        ("GET", "/aitems/7/", b""),
        ("GET", "/nowhere", b""),
        ("GET", "/away", b""),
        ("GET", "/stream", b""),
        ("GET", "/astream", b""),
        ("GET", "/file", b""),
        ("POST", "/echo", b"\x00\xff" * 1000),
        ("POST", "/by-pieces", b"0123456789"),
        ("POST", "/by-lines", b"a\nb\nc"),
        ("POST", "/part-read", b"0123456789"),
        ("POST", "/unread", b"0123456789"),
    ],
)
def test_the_answer_is_the_same_with_and_without_us(
    serve: Serve, method: str, target: str, body: bytes
) -> None:
    """W6 W35 W42: status, headers with cookies, and bytes."""
    with project(ours=False):
        expected = serve(method, target, body)
    with project():
        assert expected == serve(method, target, body)
    assert expected[0] == seen()["status"]
    if method != "HEAD":
        assert expected[2] == seen()["response_body"]


@BOTH
def test_an_exception_of_a_view_is_the_500_that_django_makes(serve: Serve) -> None:
    """W5: what Django turns into a response is seen as that response."""
    with project(ours=False):
        expected = serve("GET", "/fail")
    with project():
        assert expected == serve("GET", "/fail")
    assert (500, expected[2]) == (seen()["status"], seen()["response_body"])


def test_what_django_does_not_catch_passes_and_is_counted() -> None:
    """W5: SystemExit goes on to the server."""
    with project(), pytest.raises(SystemExit):
        wsgi("GET", "/leave")
    assert "SystemExit" == odd("error")


# --- what is seen ------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("target", "route"),
    [
        ("/items/7/", "/items/<int:number>/"),
        ("/old/7/", "/^old/(?P<number>[0-9]+)/$"),
        ("/", "/"),
        ("/nowhere", ""),
    ],
)
def test_the_route_is_the_projects_own(serve: Serve, target: str, route: str) -> None:
    """Django's resolver_match, with a slash in front."""
    with project():
        serve("GET", target)
    assert route == seen()["route"]


@BOTH
def test_a_request_is_captured_as_it_came(serve: Serve) -> None:
    """W45: raw path and query; headers in lower case."""
    with project():
        serve("GET", "/items/%37/?a=%20&a=+")
    assert b"a=%20&a=+" == seen()["query"]
    assert b"/items/%37/" == seen()["path"]
    assert (b"host", b"live.test" if serve is asgi else b"127.0.0.1") in seen()[
        "headers"
    ]


def test_asgi_scope_gives_version_scheme_and_every_header() -> None:
    """W45: headers are taken from the scope, duplicates and all, not from META."""
    with project():
        asgi("GET", "/items/7/", X_One="a")
    assert ("https", "2") == (odd("scheme"), odd("http_version"))
    assert (b"x-one", b"a") in seen()["headers"]


@BOTH
def test_cookies_are_part_of_the_head(serve: Serve) -> None:
    """W12: each in a Set-Cookie of its own, as the handler sends them."""
    with project():
        serve("GET", "/items/7/")
    cookies = [v for k, v in seen()["response_headers"] if k == b"Set-Cookie"]
    assert [b"seen=1; Path=/", b"later=2; Path=/"] == cookies
    assert (b"X-Number", b"7") in seen()["response_headers"]


@BOTH
def test_a_body_that_the_server_leaves_out_is_not_captured(serve: Serve) -> None:
    """W45: views answer HEAD with a body; no client ever sees it."""
    with project():
        serve("HEAD", "/items/7/")
    assert (200, None) == (seen()["status"], seen()["response_body"])


@BOTH
@pytest.mark.parametrize("target", ["/echo", "/by-pieces", "/by-lines"])
def test_a_body_that_the_view_reads_is_seen(serve: Serve, target: str) -> None:
    """W45: whole, and whichever way the view reads it."""
    body = b"line\n" * 1000
    with project():
        serve("POST", target, body)
    assert (body, None) == (seen()["request_body"], odd("request_cut"))


@BOTH
def test_a_form_with_a_file_is_seen(serve: Serve) -> None:
    """Django's own upload handling reads through us."""
    with project(ours=False):
        expected = serve("POST", "/form", UPLOAD, CONTENT_TYPE=MULTIPART)
    with project():
        assert expected == serve("POST", "/form", UPLOAD, CONTENT_TYPE=MULTIPART)
    assert b'"f": "upload"' in expected[2]
    assert UPLOAD == seen()["request_body"]


@BOTH
@pytest.mark.parametrize("target", ["/unread", "/part-read"])
def test_a_body_that_the_view_leaves_is_not_read_for_us(
    serve: Serve, target: str
) -> None:
    """W8 W11: the absence is noted, so that half a request is never replayed."""
    with project():
        serve("POST", target, b"0123456789")
    assert odd("request_cut")
    assert (b"012" if target == "/part-read" else None) == seen()["request_body"]


def test_nothing_is_read_from_the_server_that_the_view_does_not_read() -> None:
    """W8: the server's stream stands where the view left it."""
    stream = io.BytesIO(b"0123456789")
    with project():
        wsgi("POST", "/part-read", b"0123456789", environ={"wsgi.input": stream})
    assert 3 == stream.tell()


def test_a_body_that_was_read_before_us_is_seen() -> None:
    """Middleware in front may have asked for request.body."""
    with project():
        request = RequestFactory().post("/echo", b"early", "text/plain")
        assert b"early" == request.body
        begun(request).raised(ValueError())
    assert (b"early", None) == (seen()["request_body"], odd("request_cut"))


# --- streams and files -------------------------------------------------------------------


def test_a_stream_passes_chunk_by_chunk_under_wsgi() -> None:
    """W35: nothing is made before the server asks for it; close runs."""
    with project():
        answer = wsgi("GET", "/stream", chunks=1)
    assert (b"one ", 1, 1) == (answer[2], Stream.last.made, Stream.last.closed)
    assert "client_disconnect" == odd("skip")


def test_a_stream_passes_chunk_by_chunk_under_asgi() -> None:
    """W35: the client goes away after the first chunk; the second is never made."""
    with project():
        answer = asgi("GET", "/astream", chunks=1)
    assert (b"one ", 1) == (answer[2], Stream.last.made)
    assert "client_disconnect" == odd("skip")


def test_a_stream_that_breaks_is_counted_with_its_exception() -> None:
    """W5: the server sees the exception, the count its name."""
    with project(), pytest.raises(RuntimeError, match="midway"):
        wsgi("GET", "/broken-stream")
    assert "RuntimeError" == odd("error")


@pytest.mark.parametrize("closed", [True, False])
def test_an_async_stream_that_breaks_is_counted_with_its_exception(
    closed: bool,
) -> None:
    """W5: the same under ASGI, where Django does not close what broke."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        raise RuntimeError("midway")

    async def answer(request: Any) -> Any:
        return StreamingHttpResponse(chunks())

    async def serve() -> None:
        response: Any = await async_middleware(answer)(RequestFactory().get("/"))
        with pytest.raises(RuntimeError, match="midway"):
            [chunk async for chunk in response]
        if closed:
            response.close()

    with project():
        asyncio.run(serve())
    gc.collect()  # the exception knows the frames that know the response
    assert "RuntimeError" == odd("error")


def test_a_client_that_goes_before_the_answer_is_counted() -> None:
    """Django cancels the view; the exchange is a skip, not a loss."""
    with project():
        assert 0 == asgi("GET", "/wait", chunks=0)[0]
    assert ("client_disconnect", "/wait") == (odd("skip"), seen()["route"])


def test_what_an_async_project_does_not_catch_passes_and_is_counted() -> None:
    """W5: the caller sees the very same exception."""
    error = LookupError("not ours")

    async def fail(request: Any) -> Any:
        raise error

    async def serve() -> None:
        await async_middleware(fail)(RequestFactory().get("/"))

    with project(), pytest.raises(LookupError) as caught:
        asyncio.run(serve())
    assert caught.value is error
    assert "LookupError" == odd("error")


def test_the_server_can_still_send_a_file_itself() -> None:
    """W52: the file reaches the server's own wrapper; the exchange is skipped."""
    wrapped = []

    class Wrapper(FileWrapper):
        def __init__(self, file: Any, size: int) -> None:
            wrapped.append(type(file))
            super().__init__(file, size)

    with project():
        answer = wsgi("GET", "/file", environ={"wsgi.file_wrapper": Wrapper})
    assert (20_000, [io.BytesIO]) == (len(answer[2]), wrapped)
    assert ("sendfile", 200) == (odd("skip"), seen()["status"])


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_a_file_that_django_reads_is_seen() -> None:
    """Without the server's wrapper the bytes pass by."""
    with project():
        asgi("GET", "/file")
    assert (b"file" * 5000, None) == (seen()["response_body"], odd("skip"))


# --- which requests ----------------------------------------------------------------------


def test_methods_that_are_not_mirrored_pass() -> None:
    """W29: nothing is captured of them."""
    with project(methods=["GET"]):
        assert 200 == wsgi("POST", "/echo", b"x")[0]
    assert [] == captures()


def test_websockets_over_wsgi_pass() -> None:
    """An upgrade is no exchange."""
    with project():
        wsgi("GET", "/unread", HTTP_UPGRADE="websocket")
    assert [] == captures()


def test_of_two_middlewares_one_captures() -> None:
    """A project wrapped by hand as well counts a request once."""
    with project():
        wsgi("GET", "/unread", environ={"shadow_middleware.seen": True})
    assert [] == captures()


@pytest.mark.parametrize("settings", [{"enabled": False}, {"rate": 0}])
def test_a_disabled_middleware_is_not_used(settings: dict[str, Any]) -> None:
    """Django leaves it out then, and a request costs nothing."""
    with project(**settings), pytest.raises(MiddlewareNotUsed):
        ShadowMiddleware(lambda request: None)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"shaddow_url": "http://shadow.test"},
            "shaddow_url: unknown setting (SHADOW_MIDDLEWARE in Django's settings); "
            "did you mean 'shadow_url'?",
        ),
        ([], None),
        ("http://shadow.test", "SHADOW_MIDDLEWARE: str is not a dict"),
    ],
)
def test_wrong_settings_are_refused_when_django_loads(
    given: object, message: str | None
) -> None:
    """At start-up, by our own error, never at a request."""
    with (
        override_settings(SHADOW_MIDDLEWARE=given),
        pytest.raises(ConfigurationError) as caught,
    ):
        ShadowMiddleware(lambda request: None)  # type: ignore[arg-type,return-value]
    assert (message or "no target is set") in str(caught.value)


def test_an_answer_in_our_place_is_counted() -> None:
    """W13: middleware in front that replaces our response loses nothing."""
    with (
        project(),
        override_settings(
            MIDDLEWARE=[
                "tests.django.project.replacing",
                "tests.django.project.RecordingMiddleware",
            ]
        ),
    ):
        assert b"replaced" == wsgi("GET", "/items/7/")[2]
    assert "response_replaced" == odd("skip")


# --- users -------------------------------------------------------------------------------


@BOTH
def test_the_user_is_a_key_and_the_answer_does_not_show_it(serve: Serve) -> None:
    """Asking who it is would load the session, and add `Vary: Cookie` to the answer."""
    with project(SESSIONS, WITH_USER, ours=False):
        expected = serve("GET", "/items/7/")
    with project(SESSIONS, WITH_USER, key="user"):
        assert expected == serve("GET", "/items/7/")
    assert "Vary" not in dict(expected[1])
    assert "ada" == odd("key")
    assert "/items/<int:number>/" == seen()["route"]


@BOTH
def test_nobody_asks_for_the_user_unless_told_to(serve: Serve) -> None:
    """No session, no query."""
    User.asked = 0
    with project(SESSIONS, WITH_USER, key="header:x-key"):
        serve("GET", "/items/7/")
    assert 0 == User.asked


def test_a_callable_key_sees_the_request_when_it_is_answered() -> None:
    """It may use what other middleware and the resolver put there."""

    def key(request: Any) -> str:
        return f"{request.user.pk} {request.resolver_match.route}"

    with project(SESSIONS, WITH_USER, key=key):
        wsgi("POST", "/echo", b"body", HTTP_AUTHORIZATION="Bearer x")
    assert "ada echo" == odd("key")
    assert (b"body", b"body") == (seen()["request_body"], seen()["response_body"])
    assert b"authorization" not in dict(seen()["headers"])


def test_a_key_that_is_not_in_the_sample_leaves_nothing() -> None:
    """W30: sampling by user holds, though it is decided late."""
    with project(SESSIONS, WITH_USER, key="user", rate=0.0001):
        wsgi("GET", "/items/7/")
    assert [] == captures()


# --- our own mistakes --------------------------------------------------------------------


@BOTH
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
@pytest.mark.parametrize("target", ["/items/7/", "/stream"])
def test_an_exception_of_ours_leaves_the_answer_intact(
    serve: Serve, target: str
) -> None:
    """W5 W46: every stage on the live side raises; Django answers as always."""
    with project(ours=False):
        expected = serve("GET", target)
    with project(skip=lambda request: request.no_such_thing):
        assert expected == serve("GET", target)
    assert 1 == RecordingMiddleware.last.live.faults.total()


class Awry:
    """A resolver match whose route cannot be had."""

    @property
    def route(self) -> str:
        raise RuntimeError("ours")


def begun(request: Any) -> Any:
    """Our middleware's exchange of a request that nobody serves."""
    ours = RecordingMiddleware(lambda request: HttpResponse())
    return ours._begin(request)


def test_a_route_that_cannot_be_had_is_counted() -> None:
    """W5: the exchange goes on without one."""
    with project():
        request = RequestFactory().get("/")
        exchange = begun(request)
        request.resolver_match = Awry()  # type: ignore[assignment]
        exchange.raised(ValueError())
    assert {"django route": 1} == dict(RecordingMiddleware.last.live.faults)
    assert "" == seen()["route"]


def test_a_body_that_somebody_began_to_read_is_marked_so() -> None:
    """W11: middleware in front of us has had the first of it."""
    with project():
        request = RequestFactory().post("/echo", b"early", "text/plain")
        request.read(2)
        begun(request).raised(ValueError())
    assert odd("request_cut")


@pytest.mark.parametrize("spoil", [{"wsgi.url_scheme": None}, {"HTTP_X": 7}])
def test_a_request_that_we_cannot_read_passes(spoil: dict[str, Any]) -> None:
    """W5: it is counted, and served."""
    with project():
        assert 200 == wsgi("GET", "/unread", environ={"HTTP_X": 7} | spoil)[0]
    assert [] == captures()
    assert 1 == RecordingMiddleware.last.live.faults.total()


def test_a_response_that_we_cannot_read_is_a_counted_skip() -> None:
    """W13: it passes, and is neither compared nor forgotten."""
    with project():
        assert b"odd" == wsgi("GET", "/odd-head")[2]
    assert "capture_failed" == odd("skip")


def test_a_stream_that_is_unlike_djangos_passes() -> None:
    """W5: another StreamingHttpResponse with other insides."""
    with project():
        exchange = begun(RequestFactory().get("/"))
        response = HttpResponse("x")
        response.streaming = True
        exchange.watch(response)
        response.close()
    assert "capture_failed" == odd("skip")


def test_a_key_that_raises_is_counted() -> None:
    """W5: and nobody else notices."""
    with project(key=lambda request: 1 / 0):
        assert 200 == wsgi("GET", "/items/7/")[0]
    assert 1 == RecordingMiddleware.last.live.faults.total()


# --- Django's own clients ----------------------------------------------------------------


def test_djangos_test_clients_work() -> None:
    """W51: sync and async clients drive the handler without a server."""
    with project():
        assert {"number": 7} == Client().get("/items/7/").json()
        assert (200, None) == (seen()["status"], odd("skip"))
    with project():
        response = asyncio.run(AsyncClient().get("/aitems/7/"))
        assert {"number": 7} == response.json()
