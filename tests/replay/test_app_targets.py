"""A target that is no URL: an app by its import path, called by the agent itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from shadow_middleware.asgi import ShadowMiddleware
from shadow_middleware.errors import (
    ConfigurationError,
    ReplayConnectError,
    ReplayTimeout,
)
from shadow_middleware.exchange import Body, Outcome, Request, Response
from shadow_middleware.replay.http import HttpSender
from shadow_middleware.runtime import shutdown
from shadow_middleware.settings import Settings, Target, load
from shadow_middleware.testing import collect
from tests.replay import apps

HERE = "tests.replay.apps"


@asynccontextmanager
async def sender(url: str, **settings: Any) -> AsyncIterator[HttpSender]:
    """Give a sender to the app, and shut it down."""
    made = HttpSender(Target(url=url), Settings(**settings))
    try:
        yield made
    finally:
        await made.aclose()


def ask(url: str, *requests: Request, **settings: Any) -> list[Response]:
    """Return what the app answers to these, all at once."""

    async def run() -> list[Response]:
        async with sender(url, **settings) as made:
            answers = await asyncio.gather(*map(made.send, requests))
        return [answer.response for answer in answers]

    return asyncio.run(run())


def test_an_asgi_app_gets_what_was_captured_byte_for_byte() -> None:
    """Escapes in path and query, duplicate headers, and a body of any bytes."""
    headers = [(b"Host", b"localhost"), (b"X-A", b"1"), (b"x-a", b"2\xe9")]
    body = bytes(range(256))
    request = Request("POST", b"/a%2Fb/%E9", b"q=%20&q", headers, Body(body, len(body)))
    [response] = ask(f"asgi:{HERE}:app", request)
    got = json.loads(response.body.data)

    assert ("POST", "/a%2Fb/%E9", "q=%20&q") == (
        got["method"],
        got["raw_path"],
        got["query"],
    )
    assert [["x-a", "1"], ["x-a", "2\xe9"]] == got["headers"][1:3]
    assert body.hex() == got["body"]


def test_an_asgi_app_is_started_once_and_stopped() -> None:
    """Its lifespan's state is there for every request."""
    apps.steps.clear()
    answers = ask(f"asgi:{HERE}:app", *[Request("GET", b"/")] * 3)

    assert ["started", "stopped"] == apps.steps
    assert {"green"} == {json.loads(one.body.data)["tea"] for one in answers}


def test_an_app_without_a_lifespan_is_called_all_the_same() -> None:
    """It may raise when it is asked for one: the ASGI specification allows it."""
    assert [204] == [
        one.status for one in ask(f"asgi:{HERE}:bare", Request("GET", b"/"))
    ]


def test_an_app_that_cannot_start_is_a_shadow_that_cannot_be_reached() -> None:
    """And says why."""
    with pytest.raises(ReplayConnectError, match=r"did not start.*no database"):
        ask(f"asgi:{HERE}:broken", Request("GET", b"/"))


def test_what_an_app_raises_is_an_answer_of_500() -> None:
    """As from a server."""
    assert [500] == [
        one.status for one in ask(f"asgi:{HERE}:app", Request("GET", b"/fail"))
    ]


def test_an_app_that_hangs_times_out() -> None:
    """As one behind a socket does."""
    with pytest.raises(ReplayTimeout):
        ask(f"asgi:{HERE}:app", Request("GET", b"/hang"), total_timeout=0.05)


def test_a_wsgi_app_is_called_with_path_query_and_body() -> None:
    """Decoded as WSGI decodes."""
    request = Request("POST", b"/caf%C3%A9", b"q=1", (), Body(b"tea", 3))

    [response] = ask(f"wsgi:{HERE}:wsgi", request)
    assert "/café?q=1tea".encode() == response.body.data


def test_requests_to_a_wsgi_app_do_not_wait_for_each_other() -> None:
    """These two are answered together or not at all."""
    answers = ask(f"wsgi:{HERE}:wsgi", *[Request("GET", b"/meet")] * 2)

    assert [200, 200] == [one.status for one in answers]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"asgi:{HERE}:nothing", "cannot import 'tests.replay.apps:nothing'"),
        ("wsgi:no.such.module:app", "cannot import 'no.such.module:app'"),
        (f"asgi:{HERE}:steps", "is a list, not an app"),
    ],
)
def test_an_app_that_is_not_there_is_named(url: str, said: str) -> None:
    """When the agent opens it."""
    with pytest.raises(ConfigurationError, match=said):
        HttpSender(Target(url=url), Settings())


@pytest.mark.parametrize("url", ["asgi:", "asgi:app", "wsgi:module:", "asgi:a b:c"])
def test_a_path_that_names_no_app_is_refused_at_start_up(url: str) -> None:
    """The error says what would be right."""
    with pytest.raises(ConfigurationError, match=r"names no app.*package.module:app"):
        load({"shadow_url": url})


def test_live_is_mirrored_to_an_app_like_to_a_server() -> None:
    """The same outcomes, and its marker and Host header come along."""

    async def live(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    middleware = ShadowMiddleware(
        live, shadow_url=f"asgi:{HERE}:bare", engine="thread", store_url=""
    )

    async def serve() -> None:
        transport = httpx.ASGITransport(middleware)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://a"
        ) as client:
            await client.get("/")

    with collect() as outcomes:
        asyncio.run(serve())
        assert {Outcome.MATCH: 1} == outcomes.wait_for(1)
        shutdown()
