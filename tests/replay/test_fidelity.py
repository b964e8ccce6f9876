"""What the shadow's socket receives is what was captured, byte for byte."""

from __future__ import annotations

import asyncio

import pytest

from shadow_middleware.errors import ReplayRefused
from shadow_middleware.exchange import Body, Request
from shadow_middleware.replay.base import Answer
from shadow_middleware.replay.http import HttpSender
from shadow_middleware.settings import Settings, Target
from tests.replay.raw_shadow import RawShadow

TRANSPORTS = ["auto", "httpx"]

TARGETS = [
    (b"/", b""),
    (b"/users/1", b"a=1&b=2"),
    (b"/a%2Fb/../c//d;x", b"q=%41&&"),
    (b"//double//slash", b""),
    (b"/a/./b/%2e%2e/c", b"x=%zz&y=+%20"),
    (b"/%E2%82%AC", b"q=%e2%82%ac"),
    (b"/q", b"a?b=c?d&[0]={x}|\\^`"),
    (b"/a:b@c", b"u=http://x/y?z"),
    (b"/quote'\"<>", b"'\"<>"),
    (b"/hash", b"a=%23"),
    (b"/a#b", b"c=#d"),
]


def replay(request: Request, transport: str, answer: bytes | None = None) -> bytes:
    """Send the request to a raw shadow and return what came there."""

    async def run() -> bytes:
        async with RawShadow() as shadow:
            sender = HttpSender(Target(url=shadow.url), Settings(transport=transport))
            try:
                await sender.send(request)
            finally:
                await sender.aclose()
            return shadow.requests[0]

    return asyncio.run(run())


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(("path", "query"), TARGETS)
def test_the_raw_target_arrives_unchanged(
    transport: str, path: bytes, query: bytes
) -> None:
    """Path and query are sent as they were captured, whatever they hold (W36)."""
    request = Request("GET", path, query, headers=[(b"Host", b"shadow")])

    line = replay(request, transport).split(b"\r\n")[0]

    target = path + b"?" + query if query else path
    assert b"GET " + target + b" HTTP/1.1" == line


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_headers_keep_order_case_and_duplicates(transport: str) -> None:
    """Nothing is added, merged, sorted, recased or re-encoded."""
    headers = [
        (b"Host", b"shadow.example"),
        (b"X-B", b"1"),
        (b"x-a", b"caf\xc3\xa9"),
        (b"X-B", b"2"),
        (b"x-b", b"3"),
        (b"Cookie", b"a=1"),
        (b"Cookie", b'b=2; c="3"'),
        (b"ACCEPT", b"text/html;q=0.5"),
        (b"X-Empty", b""),
    ]

    head = replay(Request("GET", b"/", headers=headers), transport)

    expected = [b"GET / HTTP/1.1", *(b"%b: %b" % field for field in headers)]
    assert expected == head.removesuffix(b"\r\n\r\n").split(b"\r\n")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_header_bytes_that_are_not_utf8_arrive_unchanged(transport: str) -> None:
    """A Latin-1 value is not re-encoded, whichever transport it takes."""
    headers = [(b"Host", b"s"), (b"X-Latin", b"caf\xe9")]

    head = replay(Request("GET", b"/", headers=headers), transport)

    assert b"GET / HTTP/1.1\r\nHost: s\r\nX-Latin: caf\xe9\r\n\r\n" == head


@pytest.mark.parametrize(
    ("transport", "lines"),
    [
        ("auto", [b"X-1: 1", b"host: s", b"X-2: 2"]),
        # h11 writes Host first, as RFC 9112, 3.2 advises.
        ("httpx", [b"host: s", b"X-1: 1", b"X-2: 2"]),
    ],
)
def test_a_host_that_is_not_first(transport: str, lines: list[bytes]) -> None:
    """The default keeps even the place of Host; no transport moves another header."""
    headers = [(b"X-1", b"1"), (b"host", b"s"), (b"X-2", b"2")]

    head = replay(Request("GET", b"/", headers=headers), transport)

    assert lines == head.removesuffix(b"\r\n\r\n").split(b"\r\n")[1:]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_request_without_a_host_is_refused(transport: str) -> None:
    """HTTP/1.1 needs a Host, and the sender invents none."""
    with pytest.raises(ReplayRefused):
        replay(Request("GET", b"/"), transport)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    "data", [b"x", bytes(range(256)) * 3, b"z" * 3_000_000], ids=["one", "bytes", "3MB"]
)
def test_the_body_arrives_unchanged_and_framed_by_length(
    transport: str, data: bytes
) -> None:
    """Body bytes are sent as they are, with a Content-Length and no type of ours."""
    body = Body(data, len(data))

    raw = replay(Request("POST", b"/", headers=[(b"Host", b"s")], body=body), transport)

    head = b"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: %d\r\n\r\n" % len(data)
    assert head + data == raw


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "PURGE"])
def test_an_empty_body_is_framed_where_one_is_expected(
    transport: str, method: str
) -> None:
    """A method that takes a body says that it has none."""
    raw = replay(Request(method, b"/", headers=[(b"Host", b"s")]), transport)

    expected = b"%b / HTTP/1.1\r\nHost: s\r\nContent-Length: 0\r\n\r\n"
    assert expected % method.encode() == raw


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_method_keeps_its_case(transport: str) -> None:
    """Methods are case-sensitive (RFC 9110, 9.1)."""
    raw = replay(Request("get", b"/", headers=[(b"Host", b"s")]), transport)

    assert raw.startswith(b"get / HTTP/1.1\r\n")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_proxies_from_the_environment_are_not_used(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP_PROXY and its like never steer a replay."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    raw = replay(Request("GET", b"/", headers=[(b"Host", b"s")]), transport)

    assert raw.startswith(b"GET / HTTP/1.1\r\n")


def answers(
    transport: str, answer: bytes, *requests: Request
) -> tuple[list[Answer], int]:
    """Send the requests one by one; return the answers and the shadow's count."""

    async def run() -> tuple[list[Answer], int]:
        async with RawShadow(answer=answer) as shadow:
            sender = HttpSender(Target(url=shadow.url), Settings(transport=transport))
            try:
                got = [await sender.send(request) for request in requests]
            finally:
                await sender.aclose()
            for raw in shadow.requests:
                assert b"ookie" not in raw
            return got, len(shadow.requests)

    return asyncio.run(run())


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_answers(transport: str, status: int) -> None:
    """A redirecting shadow is hit once and its redirect is what it said (W15)."""
    answer = (
        b"HTTP/1.1 %d Moved\r\nLocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"
        % status
    )
    body = Body(b"x", 1)
    request = Request("POST", b"/", headers=[(b"Host", b"s")], body=body)

    (got,), hits = answers(transport, answer, request)

    assert (1, status) == (hits, got.response.status)
    assert (b"Location", b"/elsewhere") in got.response.headers


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_cookies_that_the_shadow_sets_are_never_sent_back(transport: str) -> None:
    """What the shadow sets for one user reaches no other replay (W23, W54)."""
    answer = (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: user=a; Path=/\r\n"
        b"Set-Cookie: b=2\r\ncontent-length: 0\r\n\r\n"
    )
    request = Request("GET", b"/", headers=[(b"Host", b"127.0.0.1")])

    got, hits = answers(transport, answer, request, request)

    assert 2 == hits
    cookies = [(b"Set-Cookie", b"user=a; Path=/"), (b"Set-Cookie", b"b=2")]
    assert cookies == [field for field in got[0].response.headers if field in cookies]
