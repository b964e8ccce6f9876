"""
The adapter for Flask: the WSGI middleware, installed the way extensions are.

    shadow = Shadow(app, shadow_url="http://v2:8000")

or `shadow.init_app(app)` in an application factory. Routes are Flask's own rules.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from types import MethodType
from typing import TYPE_CHECKING, Any, Final

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.wsgi import ShadowMiddleware
from shadow_middleware.wsgi.listing import lister_of

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from flask import Flask

__all__ = ["Shadow"]

_NAME: Final = "shadow_middleware"


class Shadow:
    """
    Mirrors what passes through Flask apps to a shadow.

    Takes every setting as a keyword; `app.config["SHADOW_MIDDLEWARE"]` holds more of
    them, and what both say the keyword decides.
    """

    def __init__(self, app: Flask | None = None, **settings: Any) -> None:
        self._settings = settings
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """
        Wrap the app. It starts nothing.

        Raises:
            ConfigurationError: if the settings are wrong, or the app is wrapped already.
        """
        if _NAME in app.extensions:
            raise ConfigurationError(f"the Flask app {app.name!r} has a Shadow already")
        configured = app.config.get("SHADOW_MIDDLEWARE") or {}
        if not isinstance(configured, Mapping):
            raise ConfigurationError(
                f"SHADOW_MIDDLEWARE: {type(configured).__name__} is not a dict (app.config)"
            )
        settings = {**configured, **self._settings}
        middleware = ShadowMiddleware(_without_cycle(app), **settings)
        reference = weakref.ref(app)
        middleware.live.meeting = lambda occasion: lister_of(reference())
        app.wsgi_app = middleware  # type: ignore[method-assign]
        app.extensions[_NAME] = middleware


def _without_cycle(app: Flask) -> WSGIApplication:
    """Return the app's `wsgi_app` in a form that does not keep the app alive."""
    inner = app.wsgi_app
    if not isinstance(inner, MethodType) or inner.__self__ is not app:
        return inner
    # Flask promises that an app is freed with its last reference, not by the collector.
    reference = weakref.ref(app)
    function = inner.__func__

    def call(environ: Any, start_response: Any) -> Iterable[bytes]:
        app = reference()
        assert app is not None  # whoever calls holds it
        return function(app, environ, start_response)  # type: ignore[no-any-return]

    return call
