"""Django's `SHADOW_MIDDLEWARE` dict as our settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings as django_settings

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.settings import Settings, load

__all__ = ["MIDDLEWARE_PATHS", "configured", "stated"]

MIDDLEWARE_PATHS: Final = (
    "shadow_middleware.django.ShadowMiddleware",
    "shadow_middleware.django.middleware.ShadowMiddleware",
)
_SOURCE: Final = "SHADOW_MIDDLEWARE in Django's settings"


def configured() -> Settings:
    """
    Return what Django's settings, the environment and a file say.

    Raises:
        ConfigurationError: naming the key, the value and the nearest right one.
    """
    return load(stated(), source=_SOURCE)


def stated() -> Mapping[str, Any]:
    """
    Return the dict `SHADOW_MIDDLEWARE` as it stands; empty where there is none.

    Raises:
        ConfigurationError: it is something else.
    """
    given = getattr(django_settings, "SHADOW_MIDDLEWARE", None) or {}
    if not isinstance(given, Mapping):
        raise ConfigurationError(
            f"SHADOW_MIDDLEWARE: {type(given).__name__} is not a dict (Django's settings)"
        )
    return given
