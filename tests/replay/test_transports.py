"""Which transport is used, and that any transport of a user's works."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shadow_middleware.errors import (
    ConfigurationError,
    ReplayProtocolError,
    ReplayRefused,
)
from shadow_middleware.exchange import Body, Request
from shadow_middleware.replay import client
from shadow_middleware.replay.base import Answer
from shadow_middleware.replay.client import httpx
from shadow_middleware.replay.http import HttpSender
from shadow_middleware.settings import Settings, Target
from tests.replay.raw_shadow import RawShadow

GET = Request(
    "GET", b"/a%2Fb/../c", b"q=%41&&", headers=[(b"Host", b"s"), (b"X-A", b"1")]
)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI app that answers with what it got."""
    message = await receive()
    told = [
        scope["method"].encode(),
        scope["raw_path"],
        scope["query_string"],
        message["body"],
        *(b"%b=%b" % field for field in scope["headers"]),
    ]
    await send(
        {"type": "http.response.start", "status": 201, "headers": [(b"x-b", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"|".join(told)})


def asgi() -> httpx.ASGITransport:
    """A factory as `transport="module:factory"` names it."""
    return httpx.ASGITransport(app=echo)


def broken() -> httpx.MockTransport:
    """A transport that raises what no HTTP client raises."""

    def handler(request: httpx.Request) -> httpx.Response:
        raise KeyError("mine")

    return httpx.MockTransport(handler)


def failing() -> httpx.MockTransport:
    """A factory that cannot make a transport."""
    raise LookupError("no certificate")


MADE = httpx.MockTransport(
    lambda request: httpx.Response(418, content=request.url.raw_path)
)
NOT_ONE = dict


def ask(request: Request, **target: Any) -> Answer:
    """Send to a target that is not on any network."""

    async def run() -> Answer:
        sender = HttpSender(Target(url="http://nowhere.invalid", **target), Settings())
        try:
            return await sender.send(request)
        finally:
            await sender.aclose()

    return asyncio.run(run())


def test_an_app_in_the_same_process_can_be_the_shadow() -> None:
    """`module:factory` with ASGITransport; the raw path is what was captured."""
    body = Body(b"data", 4)
    request = Request("POST", GET.path, GET.query, GET.headers, body)

    answer = ask(request, transport=f"{__name__}:asgi")

    expected = b"POST|/a%2Fb/../c|q=%41&&|data|host=s|x-a=1|content-length=4"
    assert (201, expected) == (answer.response.status, answer.response.body.data)
    assert [(b"x-b", b"2")] == list(answer.response.headers)


def test_a_transport_object_can_be_named() -> None:
    """Not only what makes one."""
    answer = ask(GET, transport=f"{__name__}:MADE")

    assert (418, b"/a%2Fb/../c?q=%41&&") == (
        answer.response.status,
        answer.response.body.data,
    )


def test_a_transport_can_be_given() -> None:
    """Tests and embedders pass the object itself."""

    async def run() -> Answer:
        target = Target(url="http://nowhere.invalid")
        return await HttpSender(target, Settings(), transport=MADE).send(GET)

    assert 418 == asyncio.run(run()).response.status


def test_a_unix_socket_is_a_transport_of_the_clients_own(tmp_path: Any) -> None:
    """What the client can do, a replay can: here httpx's `uds`."""
    path = str(tmp_path / "shadow.sock")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        target = head.split()[1]
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(target), target)
        )
        writer.close()

    async def run() -> Answer:
        server = await asyncio.start_unix_server(serve, path)
        transport = httpx.AsyncHTTPTransport(uds=path)
        sender = HttpSender(Target(url="http://app"), Settings(), transport=transport)
        try:
            return await sender.send(GET)
        finally:
            await sender.aclose()
            server.close()

    assert b"/a%2Fb/../c?q=%41&&" == asyncio.run(run()).response.body.data


def test_a_proxy_of_the_users_gets_the_whole_url() -> None:
    """A forward proxy knows where to only from the request line (RFC 9112, 3.2.2)."""

    async def run() -> list[bytes]:
        async with RawShadow() as proxy:
            transport = httpx.AsyncHTTPTransport(proxy=proxy.url)
            target = Target(url="http://shadow.invalid:81")
            sender = HttpSender(target, Settings(), transport=transport)
            try:
                await sender.send(GET)
            finally:
                await sender.aclose()
            return proxy.requests

    line = b"GET http://shadow.invalid:81/a%2Fb/../c?q=%41&& HTTP/1.1"
    assert [line] == [sent.split(b"\r\n")[0] for sent in asyncio.run(run())]


def test_what_a_transport_of_the_user_raises_is_an_outcome() -> None:
    """Reason `transport`: nothing escapes as anything but a ReplayError."""
    with pytest.raises(ReplayProtocolError, match="mine") as raised:
        ask(GET, transport=f"{__name__}:broken")
    assert "transport" == raised.value.reason


def test_a_target_that_no_url_can_hold_is_refused_for_such_transports() -> None:
    """A path longer than the client takes."""
    with pytest.raises(ReplayRefused):
        ask(Request("GET", b"/" + b"x" * 70_000), transport=f"{__name__}:MADE")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("curl", "'curl' is not one of auto, httpx"),
        ("no_such_module:x", "cannot import 'no_such_module:x'"),
        (f"{__name__}:missing", "cannot import"),
        (f"{__name__}:failing", "failing' raised LookupError: no certificate"),
        (
            f"{__name__}:NOT_ONE",
            f"gave dict, which is not an {httpx.__name__}.AsyncBaseTransport",
        ),
    ],
)
def test_a_wrong_transport_is_an_error_at_start_up(name: str, told: str) -> None:
    """The message says what is wrong and what would be right."""
    with pytest.raises(ConfigurationError, match=told):
        HttpSender(Target(url="http://h"), Settings(transport=name))


@pytest.mark.parametrize(
    ("of_all", "of_target", "first"),
    [
        ("auto", "", b"X-1: 1"),
        ("httpx", "", b"Host: s"),
        ("auto", "httpx", b"Host: s"),
        ("httpx", "auto", b"X-1: 1"),
    ],
)
def test_the_transport_follows_the_settings(
    of_all: str, of_target: str, first: bytes
) -> None:
    """A target's own goes before that of the settings; the client puts Host first."""
    request = Request("GET", b"/", headers=[(b"X-1", b"1"), (b"Host", b"s")])

    async def run() -> bytes:
        async with RawShadow() as shadow:
            target = Target(url=shadow.url, transport=of_target)
            sender = HttpSender(target, Settings(transport=of_all))
            try:
                await sender.send(request)
            finally:
                await sender.aclose()
            return shadow.requests[0]

    assert first == asyncio.run(run()).split(b"\r\n")[1]


@pytest.mark.timeout(180)
@pytest.mark.skipif(client.httpx.__name__ == "httpx2", reason="it is this very run")
def test_the_other_client_serves_as_well() -> None:
    """Every test of the senders holds with httpx2 in the place of httpx."""
    here = Path(__file__).parent
    names = ("fidelity", "failures", "transports", "tls")
    files = [str(here / f"test_{name}.py") for name in names]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]

    done = subprocess.run(
        [*command, "-p", "no:xdist"],
        env={**os.environ, "SHADOW_MIDDLEWARE_HTTP_CLIENT": "httpx2"},
        cwd=here.parents[1],
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )

    assert 0 == done.returncode, done.stdout[-4000:]
    assert "1 skipped" in done.stdout


def test_the_client_that_was_asked_for_is_chosen() -> None:
    """`SHADOW_MIDDLEWARE_HTTP_CLIENT`; httpx unless it says otherwise."""
    asked = os.environ.get("SHADOW_MIDDLEWARE_HTTP_CLIENT", "httpx")

    assert asked == client.httpx.__name__
