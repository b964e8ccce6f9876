"""
The dashboard within a Flask app: a blueprint.

    app.register_blueprint(dashboard(token=…), url_prefix="/shadow")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Blueprint, Request, Response, current_app, request
from flask.blueprints import BlueprintSetupState

from shadow_middleware.api.access import Access
from shadow_middleware.api.opened import Opened
from shadow_middleware.dashboard.app import serve_pages
from shadow_middleware.dashboard.bridge import Asked, ask, host_allows
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.report.policy import Policy
from shadow_middleware.selection import OWN, ROUTE_KEY
from shadow_middleware.wsgi.listing import DASHBOARD

__all__ = ["dashboard"]

_NAME: Final = DASHBOARD
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def dashboard(
    *,
    token: str | None = None,
    allow: Callable[[Request], object] | None = None,
    policy: Policy | None = None,
    config: str | None = None,
    **settings: Any,
) -> Blueprint:
    """
    Return the dashboard and its API as a blueprint, to be registered below a prefix.

    `url_for("shadow_middleware_dashboard.index")` is its address. The store is opened
    at the first look. To register it raises ConfigurationError where neither token nor
    allow was given, or a setting is wrong.

    Args:
        token: What people sign in with and scripts send as a bearer token.
        allow: The app's own permission: called with Flask's request in its context, so
            it can ask `session` or `current_user`. A text that it returns names who it
            is, so that CSRF tokens are theirs alone.
        policy: What is asked of a shadow; see `shadow-middleware verdict`.
        config: A TOML file with settings.
        settings: As of the middleware, above `app.config["SHADOW_MIDDLEWARE"]`.
    """

    def build(state: BlueprintSetupState) -> None:
        given = {**_configured(state.app.config), **settings}
        evidence = Opened.of(given, config, policy, "the dashboard's blueprint")
        access = Access(
            token,
            None if allow is None else host_allows,
            _text(state.app.secret_key),
        )
        state.app.extensions[_NAME] = serve_pages(evidence, access)

    def view(path: str = "") -> Response:
        request.environ[ROUTE_KEY] = OWN
        asked = Asked(
            method=request.method,
            scheme=request.scheme,
            prefix=f"{request.root_path}{request.path}".removesuffix(path).rstrip("/"),
            path=path,
            environ=request.environ,
            body=request.get_data(),
            who=allow is not None and allow(request),
        )
        answered = ask(current_app.extensions[_NAME], asked)
        return Response(answered.body, answered.status, answered.headers)

    made = Blueprint(_NAME, __name__)
    made.record(build)
    for rule, endpoint in (("/", "index"), ("/<path:path>", "page")):
        made.add_url_rule(
            rule,
            endpoint,
            view,
            methods=_METHODS,
            provide_automatic_options=False,
            merge_slashes=False,
        )
    return made


def _configured(config: Mapping[str, Any]) -> Mapping[str, Any]:
    found = config.get("SHADOW_MIDDLEWARE") or {}
    if not isinstance(found, Mapping):
        raise ConfigurationError(
            f"SHADOW_MIDDLEWARE: {type(found).__name__} is not a dict (app.config)"
        )
    return found


def _text(secret: str | bytes | None) -> str | None:
    return secret.decode("latin-1") if isinstance(secret, bytes) else secret
