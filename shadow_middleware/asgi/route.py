"""The framework's own template for a request: `/users/{id}`, mounts and all."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from inspect import isclass, isroutine
from typing import TYPE_CHECKING, Any, Final

from shadow_middleware.selection import OWN, ROUTE_KEY

if TYPE_CHECKING:
    from shadow_middleware.live import LiveSide

__all__ = ["UNROUTED", "Scope", "mounted_at", "route_of"]

Scope = MutableMapping[str, Any]

UNROUTED: Final = "(no route)"
"""The route of what the app's router did not know."""


def route_of(scope: Scope, live: LiveSide) -> str:
    """Return the template that the app's router found, or ''. Never raises."""
    try:
        route = scope.get("route")
        if route is None:
            return _without_route(scope)
        own = scope.get("fastapi")
        if own:
            # Of an included router the route itself does not know the prefix.
            context = own.get("effective_route_context")
            if context is not None and context.original_route is route:
                route = context
        path = getattr(route, "path_format", None) or getattr(route, "path", "")
        base = scope.get("app_root_path")  # starlette keeps it under a mount
        if base is None:
            return str(path)
        return _under_mounts(scope, route, str(path))
    except Exception as error:  # noqa: BLE001 -- the fence of the live side
        live.fault("route", error)
        return ""


def _under_mounts(scope: Scope, route: Any, path: str) -> str:
    if ROUTE_KEY in scope:
        return OWN
    if hasattr(route, "routes"):  # a mount, whose app found nothing or has no routes
        return _of_mount(scope, route)
    return mounted_at(scope, path) + path


def mounted_at(scope: Scope, path: str = "") -> str:
    """
    Return the template of the mounts that the scope went through, '' where of none.

    Args:
        path: The template within them, whose parameters are its own.
    """
    base = scope.get("app_root_path")
    if base is None:
        return ""
    params = {
        name: value
        for name, value in scope.get("path_params", {}).items()
        if f"{{{name}}}" not in path
    }
    return _templated(scope.get("root_path", "").removeprefix(base), params)


def _templated(path: str, params: Mapping[str, object]) -> str:
    """Return the path with the first segment that is a parameter's value as its name."""
    segments = path.split("/")
    for name, value in params.items():
        if (text := str(value)) in segments:
            segments[segments.index(text)] = f"{{{name}}}"
    return "/".join(segments)


def _of_mount(scope: Scope, app: Any) -> str:
    """Return the template of a mounted app that is no router, as of static files."""
    if getattr(app, "routes", None):
        return UNROUTED
    return mounted_at(scope) + "/{path}"


def _without_route(scope: Scope) -> str:
    if ROUTE_KEY in scope:
        return OWN
    template = scope.get("path_template")  # Litestar
    if template is not None:
        return str(template)
    if "router" not in scope:
        return ""
    # FastAPI leaves its own routes in the scope, of others only what they call.
    endpoint = scope.get("endpoint")
    root = scope.get("root_path", "")
    if endpoint is None:
        return UNROUTED
    if root != scope.get("app_root_path", root):
        is_app = not (isroutine(endpoint) or isclass(endpoint))
        return _of_mount(scope, endpoint) if is_app else UNROUTED
    return _templated(scope["path"].removeprefix(root), scope.get("path_params", {}))
