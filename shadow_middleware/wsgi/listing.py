"""Which routes a WSGI app has: what Werkzeug's map lists, as Flask keeps one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from shadow_middleware.handoff.census import Lister
from shadow_middleware.handoff.routers import DEEPEST, told_methods, weakly

__all__ = ["DASHBOARD", "lister_of"]

DASHBOARD: Final = "shadow_middleware_dashboard"
"""The blueprint whose rules are ours, so that no traffic has to cover them."""


def lister_of(app: object) -> Lister:
    """Return what lists the routes of the app, through any middlewares around it."""
    place = weakly(app)

    def routes() -> Iterable[str]:
        rules = _map_in(place())
        return () if rules is None else _routes_in(rules)

    return routes


def _map_in(app: Any) -> Any:
    for _ in range(DEEPEST):
        app = getattr(app, "__self__", app)
        rules = getattr(app, "url_map", None)
        if rules is not None or app is None:
            return rules
        app = getattr(app, "app", None) or getattr(app, "wsgi_app", None)
    return None


def _routes_in(rules: Any) -> Iterator[str]:
    """Yield `GET /users/<int:id>` for each rule that a request can ask for."""
    for rule in rules.iter_rules():
        own = DASHBOARD in str(rule.endpoint).split(".")
        if not (own or rule.build_only or rule.websocket):
            for method in told_methods(rule.methods):
                yield f"{method} {rule.rule}"
