"""From an exchange to the request of one target: faithful, and nothing smuggled."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.errors import ReplayRefused
from shadow_middleware.exchange import Body, Exchange, Headers, Request, Timing
from shadow_middleware.settings import Settings, Target
from shadow_middleware.transform.outgoing import Outgoing

MARKER = b"ab-1;hop=1"


def sent(request: Request, url: str = "http://shadow:8001", **settings: Any) -> Request:
    """What goes out for the request, with these settings."""
    exchange = Exchange("ab-1", 0.0, request, None, Timing(0, 0, 0))
    return Outgoing(Target(url=url), Settings(**settings))(exchange, MARKER)


def headers(fields: Headers, **settings: Any) -> list[tuple[bytes, bytes]]:
    """The headers that go out, without the marker."""
    out = list(sent(Request("GET", b"/", headers=fields), **settings).headers)
    assert (b"X-Shadow-Request", MARKER) == out.pop()
    return out


@pytest.mark.parametrize(
    ("url", "path", "expected"),
    [
        ("http://h", b"/", b"/"),
        ("http://h/", b"/a", b"/a"),
        ("http://h/base", b"/a", b"/base/a"),
        ("http://h/base/", b"/a/", b"/base/a/"),
        ("http://h/b%20c", b"//x", b"/b%20c//x"),
        ("http://h/base", b"/a%2Fb/../c;x", b"/base/a%2Fb/../c;x"),
        ("http://h", b"*", b"*"),
    ],
)
def test_the_base_path_goes_in_front_of_the_raw_path(
    url: str, path: bytes, expected: bytes
) -> None:
    """W36: nothing is decoded, joined smartly or lost; the query is kept as it is."""
    out = sent(Request("GET", path, b"q=%41&&"), url)

    assert (expected, b"q=%41&&") == (out.path, out.query)


def test_headers_of_one_connection_do_not_go_out() -> None:
    """W20: hop-by-hop fields, those that Connection names, and Proxy-*."""
    fields = [
        (b"Host", b"live"),
        (b"Connection", b"keep-alive, X-Private"),
        (b"Keep-Alive", b"5"),
        (b"TE", b"trailers"),
        (b"Trailer", b"X-T"),
        (b"Upgrade", b"h2c"),
        (b"HTTP2-Settings", b"x"),
        (b"Proxy-Connection", b"close"),
        (b"Proxy-Authorization", b"Basic x"),
        (b"x-private", b"1"),
        (b"X-Kept", b"2"),
    ]

    kept = [name for name, _ in headers(fields, credentials="pass")]

    assert [b"Host", b"X-Kept", b"X-Forwarded-Host"] == kept


def test_connection_cannot_take_the_host_away() -> None:
    """A client may not change what the request means by naming fields."""
    fields = [
        (b"Connection", b"host, content-type"),
        (b"Host", b"l"),
        (b"Content-Type", b"t"),
    ]

    assert [b"Host", b"Content-Type", b"X-Forwarded-Host"] == [
        name for name, _ in headers(fields)
    ]


def test_framing_headers_are_left_to_the_sender() -> None:
    """W53: two lengths, or a length and a coding, never go out."""
    fields = [
        (b"Host", b"l"),
        (b"Content-Length", b"5"),
        (b"content-length", b"6"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Expect", b"100-continue"),
    ]

    assert [b"Host", b"X-Forwarded-Host"] == [name for name, _ in headers(fields)]


def test_the_host_becomes_that_of_the_target() -> None:
    """In its place; the original is told in X-Forwarded-Host."""
    fields = [(b"A", b"1"), (b"host", b"live.example"), (b"B", b"2")]

    expected = [
        (b"A", b"1"),
        (b"host", b"shadow:8001"),
        (b"B", b"2"),
        (b"X-Forwarded-Host", b"live.example"),
    ]
    assert expected == headers(fields)


def test_the_host_can_be_preserved() -> None:
    """`host="preserve"`: the shadow sees what live saw."""
    expected = [(b"Host", b"live"), (b"X-Forwarded-Host", b"live")]
    assert expected == headers([(b"Host", b"live")], host="preserve")


def test_a_forwarded_host_from_a_proxy_is_kept() -> None:
    """It already tells more than the Host would."""
    fields = [(b"Host", b"app:80"), (b"X-Forwarded-Host", b"www.example")]

    assert [(b"Host", b"shadow:8001"), fields[1]] == headers(fields)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://h:80", b"h"),
        ("https://h:443", b"h"),
        ("http://h:443", b"h:443"),
        ("http://[::1]:8000", b"[::1]:8000"),
        ("http://user:pw@h", b"h"),
    ],
)
def test_a_missing_host_is_added(url: str, host: bytes) -> None:
    """As HTTP/1.1 wants it: without a default port, and without a password."""
    assert (b"Host", host) == sent(Request("GET", b"/"), url).headers[0]


def test_two_hosts_are_refused() -> None:
    """W53: what two servers could read in two ways is not sent."""
    with pytest.raises(ReplayRefused, match="more than one Host"):
        headers([(b"Host", b"a"), (b"host", b"b")])


def test_credentials_are_dropped_by_default_and_passed_by_policy() -> None:
    """W20: none of them at the shadow unless asked."""
    fields = [
        (b"Host", b"l"),
        (b"Authorization", b"x"),
        (b"Cookie", b"y"),
        (b"X-Api-Key", b"z"),
    ]

    assert 2 == len(headers(fields))
    assert 5 == len(headers(fields, credentials="pass"))
    assert 3 == len(headers(fields, keep_headers=("Cookie",)))


def test_markers_that_a_client_sent_are_replaced() -> None:
    """W27: exactly one marker goes out, and it is ours."""
    fields = [(b"X-Shadow-Request", b"forged;hop=0"), (b"x-shadow-request", b"again")]

    assert [(b"Host", b"shadow:8001")] == headers(fields)


def test_a_cut_body_is_refused_by_name() -> None:
    """Half a request is another request."""
    request = Request("POST", b"/", body=Body(b"abc", 10, b"d" * 32))

    with pytest.raises(ReplayRefused, match="max_request_body") as refused:
        sent(request)
    assert "request_cut" == refused.value.reason


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ((b"X", b"a\r\nInjected: 1"), "header"),
        ((b"X", b"a\nb"), "header"),
        ((b"X", b"folded\r\n value"), "header"),
        ((b"X", b"a\x00b"), "header"),
        ((b"X Y", b"1"), "header"),
        ((b"X\r\nY", b"1"), "header"),
        ((b"X:", b"1"), "header"),
        ((b"", b"1"), "header"),
        ((b"caf\xe9", b"1"), "header"),
    ],
)
def test_headers_that_could_split_a_request_are_refused(
    field: tuple[bytes, bytes], reason: str
) -> None:
    """W22, W53: names and values are checked, not repaired."""
    with pytest.raises(ReplayRefused) as refused:
        headers([(b"Host", b"l"), field])
    assert reason == refused.value.reason


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Request("GET", b"/a HTTP/1.1\r\nX: 1"), "target"),
        (Request("GET", b"/a b"), "target"),
        (Request("GET", b"/", b"a b"), "target"),
        (Request("GET", b"/", b"a\n"), "target"),
        (Request("GET", b"http://live/"), "target"),
        (Request("GET", b""), "target"),
        (Request("GET /x", b"/"), "method"),
        (Request("", b"/"), "method"),
    ],
)
def test_targets_and_methods_that_could_split_a_request_are_refused(
    request_: Request, reason: str
) -> None:
    """W53: nor may they steer the copy to another host."""
    with pytest.raises(ReplayRefused) as refused:
        sent(request_)
    assert reason == refused.value.reason


@given(
    st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=20)), max_size=6),
    st.binary(max_size=20),
    st.binary(max_size=20),
)
def test_whatever_goes_out_is_one_request(
    fields: list[tuple[bytes, bytes]], path: bytes, query: bytes
) -> None:
    """W53: fuzzed requests are refused or have one head with one Host and no framing."""
    try:
        out = sent(Request("GET", b"/" + path, query, headers=fields))
    except ReplayRefused:
        return
    lines = [
        b"%b?%b" % (out.path, out.query),
        *(b"%b: %b" % field for field in out.headers),
    ]
    names = [name.lower() for name, _ in out.headers]

    assert not any(set(b"\r\n\x00") & set(line) for line in lines)
    assert b" " not in lines[0]
    assert (1, 1) == (names.count(b"host"), names.count(b"x-shadow-request"))
    assert not {b"content-length", b"transfer-encoding", b"connection"} & set(names)
