"""The blueprint: where its settings come from, who may look, and what signs tokens."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask, abort

from shadow_middleware.dashboard.flask import dashboard
from shadow_middleware.errors import ConfigurationError


def _app(config: object = None, secret: Any = "shared", **given: Any) -> Flask:
    app = Flask(__name__)
    app.secret_key = secret
    app.config["SHADOW_MIDDLEWARE"] = config
    app.register_blueprint(dashboard(**given), url_prefix="/shadow")
    return app


def _csrf(app: Flask) -> str:
    page = app.test_client().get("/shadow/rules").text
    (found,) = re.findall(r'name="csrf-token" content="(\w+)"', page)
    return str(found)


def test_tokens_are_signed_with_the_apps_own_key(tea: str) -> None:
    """So that each process of the app knows the tokens that another one gave."""
    given: dict[str, Any] = {"allow": lambda request: "ada", "store_url": tea}

    assert _csrf(_app(**given)) == _csrf(_app(secret=b"shared", **given))
    assert _csrf(_app(**given)) != _csrf(_app(secret="another", **given))


def test_settings_are_those_of_the_app(tea: str) -> None:
    """What is given to the blueprint goes before them."""
    away = {"store_url": "sqlite:////nowhere/x.db"}
    app = _app(away, allow=lambda request: True, store_url=tea)

    assert 200 == app.test_client().get("/shadow/groups").status_code
    app = _app(away, allow=lambda request: True)
    assert 503 == app.test_client().get("/shadow/groups").status_code


@pytest.mark.parametrize(
    ("config", "given", "said"),
    [
        (None, {}, "token=… or allow=…"),
        (None, {"token": "short"}, "secrets"),
        ("a text", {"token": "a" * 20}, "str is not a dict"),
        ({"store_urls": ""}, {"token": "a" * 20}, "store_url"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_registered(
    config: object, given: dict[str, Any], said: str
) -> None:
    """And not by every page."""
    with pytest.raises(ConfigurationError, match=said):
        _app(config, **given)


def test_a_hook_of_the_blueprint_comes_before_the_dashboard(tea: str) -> None:
    """So Flask-Login and its kin can send people to sign in."""
    app = Flask(__name__)
    shadow = dashboard(allow=lambda request: True, store_url=tea)
    shadow.before_request(lambda: abort(418))
    app.register_blueprint(shadow, url_prefix="/shadow")

    assert 418 == app.test_client().get("/shadow/").status_code
