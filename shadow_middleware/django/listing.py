"""Which routes a Django project has: its URL patterns, as requests find them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern
from django.utils import translation
from django.utils.functional import Promise

from shadow_middleware.handoff.routers import DEEPEST, methods_of_class, told_methods
from shadow_middleware.selection import OWN

__all__ = ["list_routes"]


def list_routes() -> Iterable[str] | None:
    """Return the project's routes; None before Django itself has read its patterns."""
    resolver = get_resolver()
    # They are modules of the project: when they are imported, and where, is its own.
    if "url_patterns" not in vars(resolver):
        return None
    if _speaks(resolver.url_patterns):
        return _in_all_languages(resolver)
    return _routes_in(resolver)


def _in_all_languages(resolver: Any) -> Iterator[str]:
    # Of Django's own list, which is of a hundred, hardly any project speaks them all.
    stated = settings.is_overridden("LANGUAGES")
    languages = [code for code, _ in settings.LANGUAGES] if stated else []
    for code in languages or [settings.LANGUAGE_CODE]:
        with translation.override(code):
            found = list(_routes_in(resolver))
        yield from found


def _speaks(patterns: Iterable[Any], depth: int = 0) -> bool:
    """Whether any pattern depends on the language."""
    return any(
        isinstance(pattern.pattern, LocalePrefixPattern)
        or isinstance(getattr(pattern.pattern, "_route", None), Promise)
        or isinstance(getattr(pattern.pattern, "_regex", None), Promise)
        or (
            isinstance(pattern, URLResolver)
            and depth < DEEPEST
            and _speaks(pattern.url_patterns, depth + 1)
        )
        for pattern in patterns
    )


def _routes_in(resolver: Any) -> Iterator[str]:
    for route, view in _patterns_in(resolver, 0):
        if getattr(view, "shadow_middleware", None) is OWN:
            continue
        for method in told_methods(_methods(view)):
            yield f"{method} /{route.removeprefix('/')}"


def _patterns_in(resolver: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield routes as `ResolverMatch.route` has them, and their views."""
    for pattern in resolver.url_patterns:
        route = str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route, pattern.callback
        elif depth < DEEPEST:
            for inner, view in _patterns_in(pattern, depth + 1):
                # As Django joins them.
                yield route + (inner.removeprefix("^") if route else inner), view


def _methods(view: Any) -> Iterable[str]:
    """Return what a view takes, as far as it tells: functions do not."""
    actions = getattr(view, "actions", None)  # Django REST framework's view sets
    if actions:
        return list(actions)
    kind = getattr(view, "view_class", None) or getattr(view, "cls", None)
    return () if kind is None else methods_of_class(kind)
