"""The commands are run: a real bash, a real curl, and a server that keeps what it gets."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadow_middleware.exchange import Body, Headers, Request
from shadow_middleware.testing import Reply, ShadowServer
from shadow_middleware.traffic.exporters import curl
from shadow_middleware.traffic.recorded import Missing, Recorded
from tests.traffic.making import a_record

pytestmark = pytest.mark.skipif(
    shutil.which("curl") is None or shutil.which("bash") is None,
    reason="needs curl and bash",
)
TYPED = [(b"Content-Type", b"application/octet-stream")]
BODIES = [
    b"",
    b"@/etc/passwd",
    b'it\'s "quoted" $HOME `id` \\ %s %\n\r\n',
    bytes(range(1, 256)),
    bytes(range(256)) * 3,
    b"%d\\\\" * 60_000,
    "Zoë ☕".encode(),
]
HEADERS: list[Headers] = [
    (),
    [(b"Accept", b"text/html"), (b"X-Two", b"a"), (b"X-Two", b"b"), (b"X-Empty", b"")],
    [(b"User-Agent", b"caf\xe9 'x'"), (b"Accept-Encoding", b"br"), (b"Expect-x", b"1")],
]


@pytest.fixture(scope="module")
def server() -> Iterator[ShadowServer]:
    """Return a server that answers everything and keeps it."""
    with ShadowServer(Reply(200)) as running:
        yield running


def sent(server: ShadowServer, request: Request) -> tuple[object, ...]:
    """Return what came of the command of a request: line, headers, body."""
    server.clear()
    (text,) = curl.exported([a_record(request=request)], server.url)
    subprocess.run(
        ["bash"], input=text.encode(), capture_output=True, check=True, timeout=30
    )
    (got,) = server.received
    headers = [
        (name, value)
        for name, value in got.headers
        if name.lower() not in (b"host", b"content-length")
    ]
    return got.method, got.target, sorted(headers), got.body


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_bodies_arrive_byte_for_byte(server: ShadowServer, body: bytes) -> None:
    """Quotes, zero bytes, what looks like a file or a format, and a very long one."""
    request = Request("POST", b"/items", b"", TYPED, Body(body, len(body)))

    assert ("POST", b"/items", TYPED, body) == sent(server, request)


@pytest.mark.parametrize("headers", HEADERS, ids=range(len(HEADERS)))
def test_headers_arrive_as_they_were_and_no_others(
    server: ShadowServer, headers: Headers
) -> None:
    """Duplicates, empty ones, bytes that are no UTF-8; curl adds none of its own."""
    request = Request("GET", b"/", b"", headers)

    assert ("GET", b"/", sorted(headers), b"") == sent(server, request)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "PURGE"])
def test_methods_and_targets_arrive_as_they_were(
    server: ShadowServer, method: str
) -> None:
    """Dots, brackets, percent signs and quotes are data."""
    request = Request(method, b"/a/../b%2Fc[1]{2}'", b"x[]=1&y=$(id)&z=%")

    assert (method, b"/a/../b%2Fc[1]{2}'?x[]=1&y=$(id)&z=%", [], b"") == sent(
        server, request
    )


@settings(max_examples=25)
@given(body=st.binary(min_size=1, max_size=200))
def test_any_body_is_what_the_shell_hands_on(body: bytes) -> None:
    """Without the network: what curl would read is what was recorded."""
    request = Request("POST", b"/", b"", (), Body(body, len(body)))
    (text,) = curl.exported([a_record(request=request)], "http://127.0.0.1:9")
    fake = (
        'curl() { while [ $# -gt 0 ]; do case "$1" in '
        '--data-raw) printf %s "$2"; return;; --data-binary) cat; return;; esac; '
        "shift; done; }\n"
    )
    done = subprocess.run(
        ["bash"], input=fake.encode() + text.encode(), capture_output=True, timeout=30
    )

    assert body == done.stdout


def test_what_is_not_known_is_said_above_the_command() -> None:
    """Nobody takes half a request for a whole one; no line break leaves the comment."""
    record = Recorded(
        a_record().exchange,
        frozenset({Missing.REQUEST_BODY, Missing.EXACT_TARGET}),
        "access.log:17\nrm -rf /",
        ("request.query",),
    )
    comment, command = "".join(curl.exported([record])).splitlines()[:2]

    assert comment == (
        "# access.log:17 rm -rf /  2023-11-14 22:13:21.000+00:00  -> 200; the body is "
        "not known; path and query were decoded; masked: request.query"
    )
    assert command.startswith("curl --globoff --path-as-is 'http://shop/items/1?a=1'")
