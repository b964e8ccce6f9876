"""From an adapter to an outcome: the real live side, the thread engine, a real shadow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flask
import pytest
from django.test import override_settings

from shadow_middleware import runtime
from shadow_middleware.exchange import Outcome
from shadow_middleware.flask import Shadow
from shadow_middleware.testing import ShadowServer, collect, failing, resetting
from shadow_middleware.wsgi import ShadowMiddleware
from tests.django.serving import asgi, wsgi
from tests.test_flask import make_app
from tests.test_wsgi import (
    call,
    environ_for,
    every_kind,
    exchange,
    waitress_server,
    wsgiref_server,
)

OURS = "shadow_middleware.django.ShadowMiddleware"


@pytest.fixture(autouse=True)
def _no_runtime_is_left() -> Iterator[None]:
    """Every test ends what it started."""
    yield
    runtime.shutdown(5.0)


def quick(**settings: Any) -> dict[str, Any]:
    """Settings of a test: in this process, nothing stored, every event seen."""
    return {
        "engine": "thread",
        "store_url": "",
        "signal_rate": 10_000.0,
        "methods": ["GET", "HEAD", "POST"],
    } | settings


@pytest.mark.parametrize("serve", [wsgiref_server, waitress_server])
def test_a_shadow_that_is_the_same_app_matches(serve: Any) -> None:
    """What servers add to an answer after us is no difference."""
    with serve(every_kind) as shadow, collect() as outcomes:
        url = f"http://127.0.0.1:{shadow}"
        with serve(ShadowMiddleware(every_kind, **quick(shadow_url=url))) as live:
            for method, path, body in [
                ("GET", "/", None),
                ("HEAD", "/", None),
                ("GET", "/stream", None),
                ("GET", "/empty", None),
                ("POST", "/echo", b"\xff\x00" * 1000),
            ]:
                exchange(live, method, path, body)
            outcomes.wait_for(5)
        assert {Outcome.MATCH: 5} == outcomes.counts


@pytest.mark.parametrize("behaviour", [failing(), resetting()])
def test_a_broken_shadow_is_nobodys_trouble(behaviour: Any) -> None:
    """W2 W6: the live answer is that of the app alone; the outcome is counted."""
    with ShadowServer(behaviour) as shadow, collect() as outcomes:
        middleware = ShadowMiddleware(every_kind, **quick(shadow_url=shadow.url))
        expected = call(every_kind, environ_for())
        assert expected == call(middleware, environ_for())
        assert 1 == outcomes.wait_for(1).total()
        assert Outcome.MATCH not in outcomes.counts


def test_a_skipped_exchange_is_counted_for_what_it_is() -> None:
    """W13: a body that the app did not read is not replayed, and not forgotten."""
    with ShadowServer() as shadow, collect() as outcomes:
        middleware = ShadowMiddleware(
            lambda environ, start: (start("200 OK", []), [b""])[1],
            **quick(shadow_url=shadow.url),
        )
        call(middleware, environ_for(body=b"unread"))
        assert {Outcome.SKIPPED: 1} == outcomes.wait_for(1)
        assert [] == shadow.received


def test_flask_goes_the_whole_way() -> None:
    """The rule is the route of the outcome."""
    shadow_app = make_app()
    with wsgiref_server(shadow_app) as port, collect() as outcomes:
        app = make_app()
        Shadow(app, **quick(shadow_url=f"http://127.0.0.1:{port}"))
        assert {"number": 7} == app.test_client().get("/users/7").get_json()
        assert {Outcome.MATCH: 1} == outcomes.wait_for(1)
        assert "GET /users/<int:number>" == outcomes.finished[0]["route"]


def test_a_flask_rewrite_that_differs_is_found() -> None:
    """One value of one answer."""
    v2 = flask.Flask("v2")
    v2.add_url_rule("/users/<int:number>", view_func=lambda number: {"number": "7"})
    with wsgiref_server(v2) as port, collect() as outcomes:
        app = make_app()
        Shadow(app, **quick(shadow_url=f"http://127.0.0.1:{port}"))
        app.test_client().get("/users/7").close()
        assert {Outcome.DIVERGENCE: 1} == outcomes.wait_for(1)


@pytest.mark.parametrize("serve", [wsgi, asgi])
def test_django_goes_the_whole_way(serve: Any) -> None:
    """Under WSGI and ASGI, against the same project without us."""
    from django.core.wsgi import get_wsgi_application

    with (
        override_settings(MIDDLEWARE=[]),
        wsgiref_server(get_wsgi_application()) as port,
    ):
        settings = quick(shadow_url=f"http://127.0.0.1:{port}")
        with (
            override_settings(MIDDLEWARE=[OURS], SHADOW_MIDDLEWARE=settings),
            collect() as outcomes,
        ):
            serve("GET", "/items/7/?a=1")
            serve("POST", "/echo", b"\xff\x00" * 100)
            assert {Outcome.MATCH: 2} == outcomes.wait_for(2)
            assert {"GET /items/<int:number>/", "POST /echo"} == {
                event["route"] for event in outcomes.finished
            }
