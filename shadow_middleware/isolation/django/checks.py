"""
System checks: a mistake shows in `manage.py check`, before any request.

    shadow_isolation.E001  the settings are wrong, or there is no secret
    shadow_isolation.E002  the middleware is missing, so that nothing is isolated
    shadow_isolation.W001  middleware stands before ours, and what it writes stays
    shadow_isolation.E003  a database cannot roll back
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.isolation.django.configured import configured
from shadow_middleware.isolation.django.rollback import unfit

__all__ = ["check_isolation"]

PATHS = (
    "shadow_middleware.isolation.django.IsolationMiddleware",
    "shadow_middleware.isolation.django.middleware.IsolationMiddleware",
)
_MIRROR = "shadow_middleware.django.ShadowMiddleware"
"""It writes nothing, and leaves marked requests alone."""


def check_isolation(
    app_configs: Sequence[Any] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Report what start-up would fail with, and what would not be undone."""
    try:
        config = configured()
        config.door()
    except ConfigurationError as error:
        return [Error(str(error), id="shadow_isolation.E001")]
    places = [i for i, path in enumerate(settings.MIDDLEWARE) if path in PATHS]
    if not places:
        return [
            Error(
                "Nothing is isolated: the middleware is not in MIDDLEWARE.",
                hint=f"Add {PATHS[0]!r} as the first.",
                id="shadow_isolation.E002",
            )
        ]
    messages: list[CheckMessage] = []
    before = [path for path in settings.MIDDLEWARE[: places[0]] if path != _MIRROR]
    if before:
        messages.append(
            Warning(
                f"What this middleware writes is not undone: {', '.join(before)}.",
                hint=f"Put {PATHS[0]!r} before it.",
                id="shadow_isolation.W001",
            )
        )
    if config.database == "rollback":
        messages += [
            Error(why, id="shadow_isolation.E003") for why in unfit(config.databases)
        ]
    return messages
