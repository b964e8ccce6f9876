"""
Which routes an ASGI app has: what its router lists, in the words of `route`.

Runs on the keeper's thread, once, after the app has started. Whatever a framework
raises here makes its routes unknown, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from inspect import isclass
from typing import Any

from shadow_middleware.asgi.route import Scope, mounted_at
from shadow_middleware.handoff.census import Lister
from shadow_middleware.handoff.routers import (
    DEEPEST,
    methods_of_class,
    told_methods,
    weakly,
)
from shadow_middleware.knowledge import ANY_METHOD
from shadow_middleware.selection import OWN

__all__ = ["lister_of", "routes_in"]


def lister_of(app: object, scope: Scope) -> Lister:
    """
    Return what lists the routes of the app.

    Args:
        app: What our middleware stands around.
        scope: Of a request that has just come in, or of the app's lifespan.
    """
    prefix = mounted_at(scope)
    # Nothing of the app lives longer because of us.
    places = [weakly(app)] + [
        weakly(scope[name])
        for name in ("app", "litestar_app", "router")
        if scope.get(name) is not None
    ]

    def routes() -> Iterable[str]:
        for place in places:
            router = _router_in(place())
            if router is not None:
                return routes_in(router.routes, prefix)
        return ()

    return routes


def _router_in(app: Any) -> Any:
    """Return what has routes, through any middlewares around it; None without one."""
    for _ in range(DEEPEST):
        if app is None or getattr(app, "routes", None):
            return app
        app = getattr(app, "app", None)
    return None


def routes_in(routes: Iterable[Any], prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Yield `GET /users/{id}` for each route, those of mounts with all their path."""
    if depth > DEEPEST:
        return
    for route in routes:
        included = getattr(route, "effective_route_contexts", None)  # FastAPI
        if included is None:
            yield from _routes_of(route, prefix, depth)
            continue
        for context in included():
            own = getattr(context, "starlette_route", None)
            yield from _routes_of(own or context, prefix, depth)


def _routes_of(route: Any, prefix: str, depth: int) -> Iterator[str]:
    path = getattr(route, "path_format", None) or getattr(route, "path", None)
    if hasattr(route, "routes"):  # a mount, or a host, which has no path
        inside = prefix + str(path or "").removesuffix("/{path}")
        router = _router_in(route)
        if _is_own(getattr(route, "app", None)):
            return
        if router is not None:
            yield from routes_in(router.routes, inside, depth + 1)
        elif path:
            yield f"{ANY_METHOD} {inside}/{{path}}"
    elif path and hasattr(route, "methods") and not _is_about_the_app(route):
        # WebSockets have no methods.
        for method in _methods(route):
            yield f"{method} {prefix}{path}"


def _is_about_the_app(route: Any) -> bool:
    """Whether it is one of FastAPI's own pages: nobody has to exercise its docs."""
    endpoint = getattr(route, "endpoint", None)
    return getattr(endpoint, "__module__", "") == "fastapi.applications"


def _is_own(app: Any) -> bool:
    return getattr(getattr(app, "state", None), "shadow_middleware", None) is OWN


def _methods(route: Any) -> list[str]:
    endpoint = getattr(route, "endpoint", None)
    if not route.methods and isclass(endpoint):
        return told_methods(methods_of_class(endpoint))
    return told_methods(route.methods)
