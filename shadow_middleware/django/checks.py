"""
System checks: a mistake shows in `manage.py check`, before any request.

    shadow_middleware.E001  the settings are wrong
    shadow_middleware.W001  the middleware is not the first
    shadow_middleware.W002  the app is installed, the middleware is not
    shadow_middleware.W003  the middleware is there twice
    shadow_middleware.W004  key="user" without Django's authentication
    shadow_middleware.W005  no file can be made where the store should be
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning

from shadow_middleware.django.configured import MIDDLEWARE_PATHS, configured
from shadow_middleware.errors import ConfigurationError

__all__ = ["check_installation", "check_settings"]

_AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
_FILE: Final = "sqlite:///"


def check_settings(
    app_configs: Sequence[Any] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Report wrong settings with the sentence that start-up would fail with."""
    try:
        settings = configured()
    except ConfigurationError as error:
        return [Error(str(error), id="shadow_middleware.E001")]
    messages = _check_store(settings.store_url)
    if settings.key == "user" and _AUTHENTICATION not in django_settings.MIDDLEWARE:
        messages.append(
            Warning(
                "The key is 'user', and no request has one.",
                hint=f"Add {_AUTHENTICATION!r} to MIDDLEWARE.",
                id="shadow_middleware.W004",
            )
        )
    return messages


def _check_store(url: str) -> list[CheckMessage]:
    """Report a folder in which no store can be made; evidence would wait in memory."""
    if not url.startswith(_FILE):
        return []
    folder = Path(url.removeprefix(_FILE).partition("?")[0]).absolute().parent
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return []
    trouble = "cannot be written to by this user" if folder.is_dir() else "is missing"
    return [
        Warning(
            f"The folder of the store, {folder}, {trouble}.",
            hint="Make it, or have store_url name a file in another one.",
            id="shadow_middleware.W005",
        )
    ]


def check_installation(
    app_configs: Sequence[Any] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Report a middleware that is missing, twice there, or not in front."""
    middleware = list(django_settings.MIDDLEWARE)
    places = [i for i, path in enumerate(middleware) if path in MIDDLEWARE_PATHS]
    if not places:
        return [
            Warning(
                "Nothing is mirrored: the middleware is not in MIDDLEWARE.",
                hint=f"Add {MIDDLEWARE_PATHS[0]!r} as the first.",
                id="shadow_middleware.W002",
            )
        ]
    messages: list[CheckMessage] = []
    if len(places) > 1:
        messages.append(
            Warning(
                "The middleware is in MIDDLEWARE twice; only the first captures.",
                hint="Remove all but the first.",
                id="shadow_middleware.W003",
            )
        )
    if places[0] > 0:
        before = ", ".join(middleware[: places[0]])
        messages.append(
            Warning(
                f"Middleware stands before ours, and what it answers or changes may "
                f"not be captured: {before}.",
                hint="Put ours first in MIDDLEWARE.",
                id="shadow_middleware.W001",
            )
        )
    return messages
