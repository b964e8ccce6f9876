"""Lines that nginx 1.22, Apache 2.4, HAProxy 2.6, tshark 4.0 and Chromium wrote.

Each server was asked the same: a page with quotes in its headers, a POST of all 256
bytes, a PUT of JSON to another host, HEAD, a path with dots, a chunked answer, and the
greeting of a TLS client.
"""

from __future__ import annotations

import pytest

from shadow_middleware.exchange import Exchange, header_values
from shadow_middleware.traffic.importers import formats
from shadow_middleware.traffic.importers.options import Options
from shadow_middleware.traffic.recorded import Missing
from tests.traffic.importers.reading import (
    CUSTOM_APACHE,
    CUSTOM_NGINX,
    FIXTURES,
    bad,
    exchanges,
    fixture,
    missing,
    read,
)

ALL_BYTES = bytes(range(256))
ASKED = [
    ("GET", b"/page", b"q=a%20b&q=2"),
    ("POST", b"/items", b""),
    ("PUT", b"/items/1%2F2", b""),
    ("HEAD", b"/items", b""),
    ("GET", b"/a/../page", b"x[]=1"),
    ("GET", b"/chunked", b""),
]
AGENT = 'Mozilla/5.0 (X11; "quoted" \\back) café'.encode()
LOGS = {
    "nginx_combined.log": "combined",
    "nginx_recommended.log": "nginx",
    "apache_common.log": "common",
    "apache_combined.log": "combined",
    "apache_vhost_combined.log": "vhost_combined",
    "apache_recommended.log": "apache",
    "haproxy.log": "haproxy",
}


def asked(exchange: Exchange) -> tuple[str, bytes, bytes]:
    """Return what was asked for."""
    return exchange.request.method, exchange.request.path, exchange.request.query


@pytest.mark.parametrize("name", LOGS)
def test_requests_come_out_byte_for_byte(name: str) -> None:
    """What the clients asked for is what is read, escapes and dots as they were."""
    assert ASKED == [asked(each) for each in exchanges(fixture(LOGS[name], name))]


@pytest.mark.parametrize("name", [*LOGS, "packets.ek", "packets.json", "browser.har"])
def test_the_format_is_detected(name: str) -> None:
    """Nobody has to say which server wrote a log."""
    expected = LOGS.get(name) or ("har" if name == "browser.har" else "tshark")
    head = (FIXTURES / name).read_bytes()

    assert expected == formats.detected(head, whole=True, options=Options())


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("nginx_combined.log", [200, 201, 200, 200, 200, 200]),
        ("apache_recommended.log", [200, 201, 404, 200, 200, 200]),
        ("haproxy.log", [200, 201, 200, 200, 200, 200]),
    ],
)
def test_answers_have_their_status(name: str, answers: list[int]) -> None:
    """A replay compares at least the status."""
    found = exchanges(fixture(LOGS[name], name))

    assert answers == [each.response.status for each in found if each.response]


@pytest.mark.parametrize(
    "name", ["nginx_combined.log", "nginx_recommended.log", "haproxy.log"]
)
def test_a_client_that_does_not_speak_http_is_a_bad_line(name: str) -> None:
    """The greeting of a TLS client is shown with the number of its line."""
    (line,) = bad(fixture(LOGS[name], name))

    assert (
        f"{name}:7",
        "no request line: the client sent something else than HTTP",
    ) == (
        line.place,
        line.reason,
    )


@pytest.mark.parametrize(
    "name",
    ["nginx_combined.log", "nginx_recommended.log", "apache_combined.log"],
)
def test_quotes_and_other_scripts_in_headers_survive(name: str) -> None:
    """What a server escapes in its log is unescaped to the bytes that were sent."""
    first = exchanges(fixture(LOGS[name], name))[0]

    assert [AGENT] == header_values(first.request.headers, b"user-agent")
    assert [b'https://shop.test/?a=1&b="2"'] == header_values(
        first.request.headers, b"referer"
    )


def test_nginx_with_the_recommended_format_logs_bodies_byte_for_byte() -> None:
    """All 256 bytes of a body come through a log, and its type with them."""
    found = fixture("nginx", "nginx_recommended.log")
    post, put = exchanges(found)[1:3]

    assert ALL_BYTES == post.request.body.data
    assert '{"name":"Zoë \\"x\\"","n":1}'.encode() == put.request.body.data
    assert [b"shop.test"] == header_values(put.request.headers, b"host")
    assert all(Missing.REQUEST_BODY not in lacks for lacks in missing(found))


def test_a_custom_format_of_nginx_is_read_as_it_is_written() -> None:
    """Variables that touch only where no blank can be, two times, a cookie, a body."""
    found = exchanges(fixture("nginx", "nginx_custom.log", log_format=CUSTOM_NGINX))

    assert ASKED == [asked(each) for each in found]
    assert ALL_BYTES == found[1].request.body.data
    assert [b"sid=s3cr3t"] == header_values(found[1].request.headers, b"cookie")
    assert [b'tab\tand "quote"'] == header_values(found[1].request.headers, b"x-note")
    assert [b"shop.test"] == header_values(found[2].request.headers, b"host")
    assert 1795275195.648 == pytest.approx(found[0].at, abs=1.0)


def test_a_custom_format_of_apache_is_read_as_it_is_written() -> None:
    """A time in three pieces, decoded paths, milliseconds, and what that lacks."""
    found = fixture("apache", "apache_custom.log", log_format=CUSTOM_APACHE)
    first, post, put = exchanges(found)[:3]

    assert 1795275195.745977 == first.at
    assert (b"/page", b"q=a%20b&q=2") == (first.request.path, first.request.query)
    assert 4.0 == post.timing.total_ms
    assert [b"sid=s3cr3t"] == header_values(post.request.headers, b"cookie")
    assert [b'tab\tand "quote"'] == header_values(post.request.headers, b"x-note")
    assert b"/items/1/2" == put.request.path
    assert all(Missing.EXACT_TARGET in lacks for lacks in missing(found))


def test_apache_logs_when_a_request_began_and_nginx_when_it_ended() -> None:
    """Both come out as the beginning: nginx's time less what the request took."""
    nginx = exchanges(fixture("nginx", "nginx_recommended.log"))[0]
    line = (FIXTURES / "nginx_recommended.log").read_bytes().splitlines()[0]
    ended = float(line.partition(b'"at":"')[2].partition(b'"')[0])

    assert round(ended - nginx.timing.total_ms / 1e3, 6) == nginx.at


def test_captured_headers_of_haproxy_get_the_names_that_are_given() -> None:
    """Two captures of the request and one of the response, quotes unescaped."""
    found = exchanges(
        fixture(
            "haproxy",
            "haproxy.log",
            request_headers=("Host", "User-Agent"),
            response_headers=("Content-Type",),
        )
    )

    assert [(b"host", b"127.0.0.1:18722"), (b"user-agent", AGENT)] == list(
        found[0].request.headers
    )
    assert found[5].response is not None
    assert [(b"content-type", b"application/json")] == found[5].response.headers


def test_a_request_that_haproxy_cut_is_not_taken_for_another() -> None:
    """Half a path would be the path of something else."""
    line = (FIXTURES / "haproxy.log").read_bytes().splitlines()[0]
    (found,) = bad(read("haproxy", line.replace(b" HTTP/1.1", b"")))

    assert "the request line was cut" in found.reason


@pytest.mark.parametrize("name", ["packets.ek", "packets.json"])
def test_packets_are_whole_exchanges(name: str) -> None:
    """Bodies, duplicates, chunks, HEAD, an end by closing, early answers, pipelines."""
    found = fixture("tshark", name)
    by_path = {
        (each.request.method, each.request.path): each for each in exchanges(found)
    }

    assert [] == bad(found)
    page = by_path["GET", b"/page"]
    assert b"q=a%20b&q=2" == page.request.query
    assert [b"a", b"b"] == header_values(page.request.headers, b"x-two")
    assert page.response is not None
    assert "<p>café</p>".encode() == page.response.body.data
    assert 2 == len(header_values(page.response.headers, b"set-cookie"))
    post = by_path["POST", b"/items"]
    assert ALL_BYTES == post.request.body.data
    assert post.response is not None
    assert (201, ALL_BYTES) == (post.response.status, post.response.body.data)
    chunked = by_path["GET", b"/chunked"]
    assert chunked.response is not None
    assert b'{"a":1}' == chunked.response.body.data
    closed = by_path["GET", b"/close"].response
    assert closed is not None
    assert b"until the end\x00\xff" * 300 == closed.body.data
    assert b'{"name":"y"}' == by_path["PUT", b"/items/2"].request.body.data
    assert by_path["PUT", b"/items/2"].response is not None
    assert ("GET", b"/one") in by_path


def test_a_browsers_archive_is_one_session_with_bodies() -> None:
    """What Chromium saved: JSON with another script, an answer in bytes, HEAD."""
    found = fixture("har", "browser.har")
    page, post, chunked, put, head = exchanges(found)

    assert 1 == len({each.key for each in exchanges(found)})
    assert (b"/page", b"q=a%20b") == (page.request.path, page.request.query)
    assert '{"name":"Zoë"}'.encode() == post.request.body.data
    assert chunked.response is not None
    assert b'{"a":1}' == chunked.response.body.data
    assert put.response is not None
    assert b"\x00\xff\x01" == put.response.body.data
    assert head.response is not None
    assert (200, b"") == (head.response.status, head.response.body.data)
    assert [False, False, False, True, False] == [
        Missing.REQUEST_BODY in lacks for lacks in missing(found)
    ]
