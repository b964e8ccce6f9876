"""A copy is one request, to the target of the settings, whatever a client sends."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadow_middleware.errors import ReplayError, ReplayRefused
from shadow_middleware.exchange import Body, Exchange, Request, Timing
from shadow_middleware.replay.http import HttpSender
from shadow_middleware.settings import Settings, Target
from shadow_middleware.testing import ShadowServer
from shadow_middleware.transform.marker import make
from shadow_middleware.transform.outgoing import Outgoing
from tests.promises.staging import serving
from tests.replay.raw_shadow import RawShadow

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
NAMES = st.sampled_from(
    [
        b"Content-Length",
        b"content-length ",
        b"Transfer-Encoding",
        b"TRANSFER-ENCODING",
        b"Connection",
        b"Expect",
        b"Upgrade",
        b"Host",
        b"X-A",
    ]
)
VALUES = st.sampled_from(
    [
        b"0",
        b"5, 6",
        b"+3",
        b"chunked",
        b"xchunked",
        b"100-continue",
        b"a\r\nX-Injected: c",
        b"",
    ]
)
HOSTILE = st.tuples(NAMES | st.binary(max_size=6), VALUES | st.binary(max_size=9))
FIELDS = st.lists(st.tuples(NAMES, VALUES) | HOSTILE, max_size=3)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "M-X", "GET / HTTP/1.1\r\n"])
BODIES = st.sampled_from([b"", b"0\r\n\r\n" + SMUGGLED, SMUGGLED]) | st.binary(
    max_size=20
)
PATHS = st.binary(max_size=2) | st.sampled_from(
    [b"", b"a", b"%0d%0a", b"a?b", b"..;/", b"a HTTP/1.1\r\nX-Injected: y"]
)


class Strict:
    """A server that reads as strictly as it can, and keeps all that it was sent."""

    def __init__(self) -> None:
        self.requests: list[tuple[bytes, bytes]] = []
        self.refused = self.injected = False
        self.beyond = b""

    async def __call__(
        self, shadow: RawShadow, reader: Any, writer: asyncio.StreamWriter
    ) -> None:
        """Read one request, answer, and keep whatever comes after it."""
        parser = h11.Connection(h11.SERVER)
        try:
            await self._read(parser, reader)
        except h11.RemoteProtocolError:
            self.refused = True
        writer.write(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        )
        self.beyond += parser.trailing_data[0] + await reader.read()

    async def _read(self, parser: h11.Connection, reader: Any) -> None:
        target, body = b"", b""
        while not isinstance(event := parser.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                parser.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                target = event.target
                self.injected |= b"x-injected" in dict(event.headers)
            elif isinstance(event, h11.Data):
                body += event.data
        self.requests.append((target, body))


@pytest.mark.parametrize("transport", ["auto", "httpx"])
def test_a_strict_server_reads_one_request_or_none(transport: str) -> None:
    """W53: fuzzed through a real socket; what one request held never becomes two."""
    totals = {"sent": 0, "refused": 0}

    async def replay(request: Request) -> Strict:
        strict = Strict()
        async with RawShadow(strict) as shadow:
            ours = Settings(transport=transport, total_timeout=10.0)
            target = Target(url=shadow.url)
            sender = HttpSender(target, ours)
            exchange = Exchange("live-1", 0.0, request, None, Timing(0, 0, 0))
            try:
                await sender.send(Outgoing(target, ours)(exchange, b"1"))
            except ReplayRefused:
                totals["refused"] += 1
            except ReplayError:
                assert strict.refused
            else:
                totals["sent"] += 1
            finally:
                await sender.aclose()
        return strict

    with asyncio.Runner() as runner:

        @settings(max_examples=250)
        @given(METHODS, PATHS, FIELDS, BODIES)
        def one_or_none(method: str, path: bytes, fields: Any, data: bytes) -> None:
            body = Body(data, len(data))
            request = Request(method, b"/" + path, headers=fields, body=body)
            strict = runner.run(replay(request))

            assert b"" == strict.beyond
            assert not strict.injected
            assert strict.requests in ([], [(b"/" + path, data)])

        one_or_none()

    assert totals["sent"] > 20
    assert totals["refused"] > 20


@pytest.mark.parametrize(
    "lines",
    [
        [b"GET / HTTP/1.1", b"Host: 127.0.0.1:%d"],
        [b"GET / HTTP/1.1", b"Host: x", b"X-Forwarded-Host: 127.0.0.1:%d"],
        [b"GET / HTTP/1.1", b"Host: x", b"X-Shadow-Url: http://127.0.0.1:%d"],
        [b"GET / HTTP/1.1", b"Host: x", b"X-Shadow-Request: http://127.0.0.1:%d"],
        [b"GET @127.0.0.1:%d/ HTTP/1.1", b"Host: x"],
        [b"GET //127.0.0.1:%d/ HTTP/1.1", b"Host: x"],
    ],
)
def test_no_client_chooses_where_a_copy_goes(lines: list[bytes]) -> None:
    """W27: neither by its Host nor by its path, and not by headers of ours."""
    with (
        ShadowServer() as elsewhere,
        ShadowServer() as shadow,
        serving(shadow_url=shadow.url, engine="thread", store_url="") as live,
    ):
        said = b"\r\n".join([*lines, b"", b""])
        with socket.create_connection(("127.0.0.1", live.server.port), 10) as client:
            client.sendall(said.replace(b"%d", b"%d" % elsewhere.port))
            answer = b""
            while not answer.endswith(b"hello"):
                answer += client.recv(4096)
        live.ask(target="/after")
        shadow.wait_until(lambda seen: any(it.target == b"/after" for it in seen))

        assert [] == elsewhere.received


@pytest.mark.parametrize("theirs", ["", "guessed"])
def test_a_forged_mark_switches_nothing_off(theirs: str) -> None:
    """W27: where there is a secret, whoever does not know it is mirrored."""
    forged = make("abc-1", secret=theirs, at=time.time()).decode("ascii")
    with (
        ShadowServer() as shadow,
        serving(
            shadow_url=shadow.url, engine="thread", store_url="", secret="ours"
        ) as live,
    ):
        live.ask(headers={"X-Shadow-Request": forged})
        (seen,) = shadow.wait_for(1)

        assert forged.encode() not in dict(seen.headers).values()


@pytest.mark.parametrize("base", ["", "/v2", "/a%2Fb/"])
@pytest.mark.parametrize("target", ["/", "/a%2fb//c?x=%41&&y", "/%E2%82%AC?", "/?a?b"])
def test_the_shadow_is_asked_for_what_live_was_asked_for(
    base: str, target: str
) -> None:
    """W36: through every stage: under the base path, byte for byte, with its query."""
    with (
        ShadowServer() as shadow,
        serving(shadow_url=shadow.url + base, engine="thread", store_url="") as live,
    ):
        live.ask(target=target)
        (seen,) = shadow.wait_for(1)

        assert base.rstrip("/") + target.removesuffix("?") == seen.target.decode()
