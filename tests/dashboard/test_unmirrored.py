"""A dashboard within an app that is mirrored: the app's requests are copied, its own not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path as at
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from shadow_middleware.api import api
from shadow_middleware.asgi import ShadowMiddleware
from shadow_middleware.asgi.listing import routes_in
from shadow_middleware.dashboard import dashboard
from shadow_middleware.dashboard.django import dashboard as included
from shadow_middleware.dashboard.flask import dashboard as blueprint
from shadow_middleware.django.listing import list_routes
from shadow_middleware.wsgi import ShadowMiddleware as WsgiMiddleware
from shadow_middleware.wsgi.listing import lister_of
from tests.dashboard.conftest import TOKEN
from tests.django.project import RECORDING, RecordingMiddleware
from tests.fakes import RecordingHandoff, recording_live

PATHS = ("/shadow/", "/shadow/groups", "/shadow/none", "/shadow/api/stats")
FILES = ("/shadow/static/icon.svg", "/shadow/metrics", "/shadow/api/none")
Asking = Callable[[str], object]


def _starlette(tea: str, handoff: RecordingHandoff, live: Any) -> Asking:
    app = Starlette(
        routes=[
            Route("/tea/{kind}", lambda request: PlainTextResponse("tea")),
            Mount("/shadow", dashboard(token=TOKEN, store_url=tea)),
        ]
    )
    return _tapped(app, live)


def _fastapi(tea: str, handoff: RecordingHandoff, live: Any) -> Asking:
    app = FastAPI()
    app.get("/tea/{kind}")(lambda kind: kind)
    app.mount("/shadow", dashboard(token=TOKEN, store_url=tea))
    return _tapped(app, live)


def _tapped(app: Any, live: Any) -> Asking:
    tap = ShadowMiddleware(app, enabled=False)
    tap.live = live
    client = TestClient(tap)
    return lambda path: client.get(path, headers=_BEARER)


def _flask(tea: str, handoff: RecordingHandoff, live: Any) -> Asking:
    app = Flask(__name__)
    app.add_url_rule("/tea/<kind>", "tea", lambda kind: kind)
    app.register_blueprint(blueprint(token=TOKEN, store_url=tea), url_prefix="/shadow")
    tap = WsgiMiddleware(app.wsgi_app, enabled=False)
    tap.live = live
    app.wsgi_app = tap  # type: ignore[method-assign]
    client = app.test_client()
    return lambda path: client.get(path, headers=_BEARER).get_data()


_BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("host", [_starlette, _fastapi, _flask])
@pytest.mark.parametrize("settings", [{}, {"exclude_routes": ["GET /other"]}])
def test_a_mounted_dashboard_is_not_mirrored(
    tea: str, host: Callable[..., Asking], settings: dict[str, Any]
) -> None:
    """Pages, files, the API and errors of it; nobody has to exclude its prefix."""
    live, handoff = recording_live(**settings)
    ask = host(tea, handoff, live)
    ask("/tea/green")
    for path in (*PATHS, *FILES):
        ask(path)
    ask("/tea/black")

    assert [b"/tea/green", b"/tea/black"] == [one.path for one in handoff.captures]
    assert {} == live.faults


def test_the_api_alone_is_not_mirrored_either(tea: str) -> None:
    """It is ours as well."""
    live, handoff = recording_live()
    app = Starlette(routes=[Mount("/data", api(token=TOKEN, store_url=tea))])
    _tapped(app, live)("/data/api/stats")

    assert [] == handoff.captures


def test_nor_is_it_counted_as_traffic_that_is_not_mirrored(tea: str) -> None:
    """So coverage speaks of the app's own routes alone."""
    live, _ = recording_live(methods=("POST",))
    ask = _starlette(tea, RecordingHandoff(), live)
    for _ in range(20):
        ask("/shadow/groups")
        ask("/tea/green")

    counted = {use.route for use in live.handoff.census.take()}
    assert {"GET /tea/{kind}"} == counted


def test_its_routes_are_none_that_traffic_should_cover(tea: str) -> None:
    """Neither in Starlette's router nor in Flask's."""
    app = Starlette(
        routes=[
            Route("/tea/{kind}", lambda request: PlainTextResponse("tea")),
            Mount("/shadow", dashboard(token=TOKEN, store_url=tea)),
        ]
    )
    host = Flask(__name__, static_folder=None)
    host.register_blueprint(blueprint(token=TOKEN, store_url=tea), url_prefix="/shadow")

    assert ["GET /tea/{kind}"] == [*routes_in(app.routes)]
    assert [] == [*(lister_of(host)() or ())]


def test_nor_is_it_within_a_django_project(tea: str) -> None:
    """Its pattern is no route of the project, and its requests stay here."""

    class Urls:
        urlpatterns = (
            at("tea/<kind>", lambda request, kind: HttpResponse(kind)),
            at(
                "shadow/",
                included(allow=lambda request: True, token=TOKEN, store_url=tea),
            ),
        )

    with override_settings(
        ROOT_URLCONF=Urls,
        MIDDLEWARE=[RECORDING],
        SHADOW_MIDDLEWARE={"shadow_url": "http://shadow.test"},
    ):
        client = Client(headers=_BEARER)
        for path in ("/tea/green", *PATHS, *FILES, "/tea/black"):
            client.get(path)
        captures = RecordingMiddleware.handoff.captures
        listed = [*(list_routes() or ())]

    assert [b"/tea/green", b"/tea/black"] == [one.path for one in captures]
    assert ["ANY /tea/<kind>"] == [one.replace("* ", "ANY ") for one in listed]
