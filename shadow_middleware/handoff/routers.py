"""What the listings of all frameworks have in common; see `census`."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from shadow_middleware.knowledge import ANY_METHOD

__all__ = ["DEEPEST", "methods_of_class", "told_methods", "weakly"]

DEEPEST: Final = 100
"""Middlewares around one another, or routers within one another, that are followed."""

_USUAL: Final = ("get", "head", "post", "put", "patch", "delete", "options")


def weakly(thing: Any) -> Callable[[], Any]:
    """
    Return what returns the thing as long as it lives.

    A framework may promise that an app is freed with its last reference, and a listing
    waits for its turn. Of a bound method, which dies at once, it is the owner.
    """
    owner = getattr(thing, "__self__", None)
    with suppress(TypeError):
        return weakref.ref(thing if owner is None else owner)
    return lambda: thing


def told_methods(methods: Iterable[Any] | None) -> list[str]:
    """Return the methods of a route, without those that come along with the others."""
    told = {str(method).upper() for method in methods or ()}
    if "GET" in told:
        told.discard("HEAD")
    if len(told) > 1:
        told.discard("OPTIONS")
    return sorted(told) or [ANY_METHOD]


def methods_of_class(view: Any) -> list[str]:
    """Return the methods that a class has functions for, as of class-based views."""
    names = getattr(view, "http_method_names", _USUAL)
    return [name for name in names if hasattr(view, name)]
