"""The dashboard as one ASGI app: pages, packaged files, and who may see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from shadow_middleware.api import endpoints
from shadow_middleware.api.access import Access
from shadow_middleware.api.headers import FOR_PAGES, Headers
from shadow_middleware.api.metrics import metrics_route
from shadow_middleware.api.opened import Opened
from shadow_middleware.api.operation import Evidence
from shadow_middleware.api.own import Own, owned
from shadow_middleware.dashboard import (
    coverage,
    decisions,
    divergences,
    groups,
    noise,
    overview,
    routes,
    rules,
    targets,
    verdict,
)
from shadow_middleware.dashboard.login import Login
from shadow_middleware.dashboard.pages import Pages
from shadow_middleware.dashboard.rendering import respond
from shadow_middleware.dashboard.screen import Screen
from shadow_middleware.report.policy import Policy

__all__ = ["SCREENS", "dashboard", "serve_pages"]

SCREENS: Final[tuple[Screen, ...]] = (
    *overview.SCREENS,
    *routes.SCREENS,
    *groups.SCREENS,
    *divergences.SCREENS,
    *noise.SCREENS,
    *rules.SCREENS,
    *coverage.SCREENS,
    *targets.SCREENS,
    *verdict.SCREENS,
    *decisions.SCREENS,
)


def dashboard(
    *,
    token: str | None = None,
    allow: Callable[[HTTPConnection], object] | None = None,
    secret: str | None = None,
    policy: Policy | None = None,
    config: str | None = None,
    **settings: Any,
) -> Starlette:
    """
    Return the dashboard as an ASGI app, to be served alone or mounted.

    `app.mount("/shadow", dashboard(token=…))`. The store is opened at the first look,
    so a database that is away keeps no host from starting.

    Args:
        token: What people sign in with and clients send as a bearer token.
        allow: The host's own permission instead: called with the request. A text names
            who it is, so that CSRF tokens are theirs alone.
        secret: What those are signed with; needed by a host of several processes that
            gives no token.
        policy: What is asked of a shadow; see `shadow-middleware verdict`.
        config: A TOML file with settings.
        settings: As of the middleware; `store_url` above all.

    Raises:
        ConfigurationError: neither token nor allow was given, or a setting is wrong.
    """
    access = Access(token, allow, secret)
    return serve_pages(Opened.of(settings, config, policy, "dashboard"), access)


def serve_pages(evidence: Evidence, access: Access) -> Starlette:
    """Return the app over evidence that is opened when it is looked at."""
    pages = Pages(SCREENS, evidence, access)
    login = Login(pages, access)

    def not_found(request: Request, error: Exception) -> Response:
        values = {
            **pages.frame(request, "No such page"),
            "heading": "No such page",
            "message": "The address is mistyped, or the page has moved.",
            "advice": (),
        }
        return respond(request, "problem.html", values, 404)

    app = Starlette(
        routes=[
            *login.routes(),
            *pages.routes(),
            Mount("/api", endpoints(evidence, access), name="api"),
            metrics_route(evidence, access),
            Mount("/static", _Packaged(), name="static"),
        ],
        middleware=[Middleware(Own), Middleware(Headers, policy=FOR_PAGES)],
        exception_handlers={404: not_found},
    )
    return owned(app)


class _Packaged(StaticFiles):
    """The files of the package; their address changes when they do."""

    def __init__(self) -> None:
        super().__init__(packages=[("shadow_middleware.dashboard", "static")])

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file that browsers may keep."""
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
