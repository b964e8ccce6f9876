"""
Loaded into other projects' test runs: wraps every app and writes down every outcome.

As a pytest plugin (`-p shadow_everything`) for suites of Starlette and Flask; as a
program (`python -m shadow_everything runtests.py …`) for Django's own runner. It
stands outside the `tests` package, whose name those projects use as well.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shadow_middleware.testing import ShadowServer

WRAP = os.environ.get("SHADOW_EVERYTHING", "")
"""What to wrap: `starlette`, `flask`, `django`; empty leaves everything bare."""
REPORT = Path(os.environ.get("SHADOW_EVERYTHING_REPORT", "outcomes.json"))

outcomes: dict[str, str] = {}
apps: list[int] = []
"""One entry for each app that was wrapped."""
shadows: list[ShadowServer] = []


def settings() -> dict[str, Any]:
    """Return settings that mirror everything, to a real shadow by a real agent."""
    return {
        "shadow_url": shadows[0].url,
        "store_url": "",
        "rate": 1.0,
        "methods": (
            "GET",
            "HEAD",
            "OPTIONS",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
            "TRACE",
        ),
        "drain_timeout": 1.0,
    }


def count(app: Any) -> Any:
    """Note that one more app is wrapped."""
    apps.append(1)
    return app


def wrap_starlette() -> None:
    """Wrap whatever a test client calls, and every app's own middleware stack."""
    from starlette import testclient
    from starlette.applications import Starlette

    from shadow_middleware.asgi import ShadowMiddleware

    bare_init: Callable[..., None] = testclient._TestClientTransport.__init__
    bare_stack = Starlette.build_middleware_stack

    def init(self: Any, app: Any, *args: Any, **kwargs: Any) -> None:
        bare_init(self, count(ShadowMiddleware(app, **settings())), *args, **kwargs)

    def stack(self: Any) -> Any:
        return count(ShadowMiddleware(bare_stack(self), **settings()))

    testclient._TestClientTransport.__init__ = init  # type: ignore[method-assign]
    Starlette.build_middleware_stack = stack  # type: ignore[method-assign]


def wrap_flask() -> None:
    """Install the extension in every Flask app that is made."""
    from flask import Flask

    from shadow_middleware.flask import Shadow

    bare_init: Callable[..., None] = Flask.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        bare_init(self, *args, **kwargs)
        count(Shadow(self, **settings()))

    Flask.__init__ = init  # type: ignore[method-assign]


def wrap_django() -> None:
    """Put the middleware first whenever a handler loads its middleware."""
    from django.conf import settings as django_settings
    from django.core.handlers.base import BaseHandler

    bare_load: Callable[..., None] = BaseHandler.load_middleware
    ours = "shadow_middleware.django.ShadowMiddleware"

    def load(self: Any, is_async: bool = False) -> None:
        listed = django_settings.MIDDLEWARE
        django_settings.MIDDLEWARE = [ours, *listed]
        django_settings.SHADOW_MIDDLEWARE = settings()
        try:
            bare_load(self, is_async)
            count(self)
        finally:
            django_settings.MIDDLEWARE = listed

    BaseHandler.load_middleware = load  # type: ignore[method-assign]


def begin() -> None:
    """Start a healthy shadow and wrap what is to be wrapped."""
    if WRAP:
        from shadow_middleware.testing import ShadowServer

        shadows.append(ShadowServer().start())
        {"starlette": wrap_starlette, "flask": wrap_flask, "django": wrap_django}[
            WRAP
        ]()


def end() -> None:
    """Write down what happened, and how much of it was mirrored."""
    mirrored = 0
    if WRAP:
        from shadow_middleware.runtime import shutdown

        shutdown(5.0)
        mirrored = len(shadows[0].received)
        shadows[0].stop()
    report = {"outcomes": outcomes, "wrapped": len(apps), "mirrored": mirrored}
    REPORT.write_text(json.dumps(report))


# --- as a pytest plugin ---------------------------------------------------------------


def pytest_configure() -> None:
    begin()


def pytest_runtest_logreport(report: Any) -> None:
    if report.when == "call" or report.outcome != "passed":
        outcomes[report.nodeid] = report.outcome


def pytest_unconfigure() -> None:
    end()


# --- as a program around a unittest runner ---------------------------------------------


class Noted(unittest.TextTestResult):
    """Keeps the outcome of every test by its id."""

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        outcomes[test.id()] = "passed"

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        outcomes[test.id()] = "error"

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        outcomes[test.id()] = "failed"

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            outcomes[test.id()] = "failed"

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        outcomes[test.id()] = "skipped"


def main() -> None:
    """Run a unittest program with every result noted."""
    from django.test.runner import DiscoverRunner

    begin()
    DiscoverRunner.get_resultclass = lambda self: Noted  # type: ignore[method-assign]
    sys.argv = sys.argv[1:]
    sys.path.insert(0, str(Path.cwd()))
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        end()


if __name__ == "__main__":
    main()
