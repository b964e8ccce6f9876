"""The Flask adapter: an extension around the app's WSGI side, with Flask's own rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flask
import pytest

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.flask import Shadow
from shadow_middleware.handoff.codec import FIELDS
from tests.fakes import RecordingHandoff, recorded, recording_live

URL = "http://shadow.test"


def make_app() -> flask.Flask:
    app = flask.Flask("live")

    @app.get("/users/<int:number>")
    def user(number: int) -> Any:
        return {"number": number}

    @app.post("/echo")
    def echo() -> Any:
        return flask.request.get_data()

    @app.get("/stream")
    def stream() -> Any:
        def parts() -> Iterator[str]:
            yield flask.request.path
            yield " two"

        return flask.Response(flask.stream_with_context(parts()))

    @app.get("/file")
    def file() -> Any:
        return flask.send_file(__file__)

    @app.get("/fail")
    def fail() -> Any:
        raise RuntimeError("from the view")

    return app


def record(app: flask.Flask) -> RecordingHandoff:
    """Have the installed middleware hand over to a recorder."""
    middleware = app.extensions["shadow_middleware"]
    settings = middleware.settings
    middleware.live, handoff = recording_live(
        shadow_url=settings.shadow_url, methods=settings.methods
    )
    return handoff


def seen(handoff: RecordingHandoff) -> dict[str, object]:
    return dict(zip(FIELDS, recorded(handoff.only), strict=True))


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/users/7", "/users/<int:number>"),
        ("/stream", "/stream"),
        ("/nowhere", ""),
        ("/fail", "/fail"),
    ],
)
def test_the_route_is_flasks_own_rule(path: str, route: str) -> None:
    """Also of streams, which end after Flask's request context."""
    app = make_app()
    Shadow(app, shadow_url=URL)
    handoff = record(app)
    app.test_client().get(path).close()
    assert route == seen(handoff)["route"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/users/7?a=1", b""),
        ("HEAD", "/users/7", b""),
        ("POST", "/echo", b"\xff\x00" * 1000),
        ("GET", "/stream", b""),
        ("GET", "/file", b""),
        ("GET", "/fail", b""),
        ("GET", "/nowhere", b""),
    ],
)
def test_the_answer_is_the_same_with_and_without_us(
    method: str, path: str, body: bytes
) -> None:
    """W6 W35: status, headers and bytes through Flask's own client."""

    def ask(app: flask.Flask) -> Any:
        with app.test_client().open(path, method=method, data=body) as response:
            headers = [pair for pair in response.headers if pair[0] != "Date"]
            return response.status, headers, response.get_data()

    app = make_app()
    Shadow(app, shadow_url=URL, methods=["GET", "HEAD", "POST"])
    handoff = record(app)
    assert ask(make_app()) == ask(app)
    assert method == handoff.only.method


def test_a_body_and_its_answer_are_seen() -> None:
    """W45: byte for byte."""
    app = make_app()
    Shadow(app, shadow_url=URL, methods=["POST"])
    handoff = record(app)
    app.test_client().post("/echo", data=b"\xff\x00")
    assert (b"\xff\x00", b"\xff\x00") == (
        seen(handoff)["request_body"],
        seen(handoff)["response_body"],
    )


def test_an_application_factory_installs_it_late() -> None:
    """One Shadow for any number of apps; keywords win over app.config."""
    shadow = Shadow(shadow_url=URL)
    for rate in (0.5, 0.25):
        app = make_app()
        app.config["SHADOW_MIDDLEWARE"] = {"rate": rate, "shadow_url": "http://other"}
        shadow.init_app(app)
        settings = app.extensions["shadow_middleware"].settings
        assert (rate, URL) == (settings.rate, settings.shadow_url)


def test_a_second_shadow_on_one_app_is_refused() -> None:
    """Its settings would have no effect, which nobody would notice."""
    app = make_app()
    Shadow(app, shadow_url=URL)
    with pytest.raises(ConfigurationError, match="'live' has a Shadow already"):
        Shadow(app, shadow_url=URL)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"shaddow_url": URL}, "did you mean 'shadow_url'"),
        (URL, "SHADOW_MIDDLEWARE: str is not a dict"),
    ],
)
def test_wrong_settings_are_refused_at_start_up(config: object, message: str) -> None:
    """Never at a request."""
    app = make_app()
    app.config["SHADOW_MIDDLEWARE"] = config
    with pytest.raises(ConfigurationError, match=message):
        Shadow(app)
