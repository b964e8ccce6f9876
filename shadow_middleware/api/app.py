"""The API as an ASGI app: every endpoint behind one door, and its own description."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from shadow_middleware import __version__
from shadow_middleware.api.access import Access
from shadow_middleware.api.document import document_of
from shadow_middleware.api.door import Door
from shadow_middleware.api.endpoint import Endpoint, encoded
from shadow_middleware.api.headers import FOR_DATA, Headers
from shadow_middleware.api.metrics import metrics_route
from shadow_middleware.api.opened import Opened
from shadow_middleware.api.operation import Evidence, Operation
from shadow_middleware.api.own import Own, owned
from shadow_middleware.api.problem import answer_of
from shadow_middleware.api.reads import READS
from shadow_middleware.api.targets import TARGETS
from shadow_middleware.api.writes import WRITES
from shadow_middleware.report.policy import Policy

__all__ = ["OPERATIONS", "api", "endpoints"]

OPERATIONS: Final[tuple[Operation, ...]] = (*READS, *TARGETS, *WRITES)


def api(
    *,
    token: str | None = None,
    allow: Callable[[HTTPConnection], object] | None = None,
    secret: str | None = None,
    policy: Policy | None = None,
    config: str | None = None,
    **settings: Any,
) -> Starlette:
    """
    Return the API alone as an ASGI app, with `/metrics`; the dashboard has both as well.

    Args:
        token: What clients send as a bearer token.
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
    evidence = Opened.of(settings, config, policy, "api")
    app = Starlette(
        routes=[
            Mount("/api", endpoints(evidence, access)),
            metrics_route(evidence, access),
        ],
        middleware=[Middleware(Own)],
    )
    return owned(app)


def endpoints(evidence: Evidence, access: Access) -> Starlette:
    """Return every endpoint below `/api`, each behind the access."""
    document = document_of(OPERATIONS, __version__)
    routes = [
        Route(
            # A rule's name may hold slashes.
            one.path.replace("{name}", "{name:path}"),
            Endpoint(one, evidence).__call__,
            methods=[one.method],
            name=f"{one.method} {one.path}",
        )
        for one in OPERATIONS
    ]
    routes.append(Route("/openapi.json", _Described(document).__call__))
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(Headers, policy=FOR_DATA),
            Middleware(Door, access=access),
        ],
        exception_handlers={HTTPException: _refused},
    )


class _Described:
    """Serves the OpenAPI document, with the address that it is read at."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    async def __call__(self, request: Request) -> Response:
        """Return the document."""
        root = str(request.scope.get("root_path", "")).rstrip("/")
        document = {**self._document, "servers": [{"url": root or "/"}]}
        return Response(encoded(document), media_type="application/json")


def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    missing = error.status_code == 404
    detail = "there is no such endpoint" if missing else "that cannot be done here"
    return answer_of(error.status_code, detail, **(error.headers or {}))
