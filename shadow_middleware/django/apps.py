"""The Django app: nothing but the system checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register

from shadow_middleware.django.checks import check_installation, check_settings

__all__ = ["ShadowMiddlewareConfig"]


class ShadowMiddlewareConfig(AppConfig):
    """Registers the checks; models and migrations there are none."""

    name = "shadow_middleware.django"
    label = "shadow_middleware"
    verbose_name = "Shadow middleware"

    def ready(self) -> None:
        """Have `manage.py check` look at the settings and at MIDDLEWARE."""
        register(check_settings)
        register(check_installation)
