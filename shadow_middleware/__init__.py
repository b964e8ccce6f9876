"""
Evidence from real traffic that a rewrite, migration or upgrade is safe to promote.

    LIVE PROCESS  pays microseconds, never raises
        capture ─▶ selection ─▶ handoff ══ wall ══▶
    AGENT PROCESS  may be slow, may fail, may be killed
        intake ─▶ transform ─▶ replay ─▶ compare ─▶ judge ─▶ record
    READING SIDE  no part in any request
        store ─▶ report ─▶ cli

Import the middleware from the module of your framework: `shadow_middleware.asgi`,
`.wsgi`, `.flask` or `.django`. The names below are resolved when first asked for
(PEP 562), so that importing the package costs the web process nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shadow_middleware import signals
    from shadow_middleware.errors import (
        ConfigurationError,
        MissingExtraError,
        ShadowMiddlewareError,
    )
    from shadow_middleware.settings import Rule, Settings, Target

__all__ = [
    "ConfigurationError",
    "MissingExtraError",
    "Rule",
    "Settings",
    "ShadowMiddlewareError",
    "Target",
    "__version__",
    "signals",
]

__version__ = "0.1.0"

_HOMES: Final = {
    "ConfigurationError": "errors",
    "MissingExtraError": "errors",
    "Rule": "settings",
    "Settings": "settings",
    "ShadowMiddlewareError": "errors",
    "Target": "settings",
}


def __getattr__(name: str) -> object:
    if name == "signals":
        return importlib.import_module("shadow_middleware.signals")
    try:
        home = importlib.import_module(f"shadow_middleware.{_HOMES[name]}")
    except KeyError:
        raise AttributeError(
            f"module 'shadow_middleware' has no attribute {name!r}"
        ) from None
    return getattr(home, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
