"""The Django app: nothing but the system checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register

from shadow_middleware.isolation.django.checks import check_isolation

__all__ = ["IsolationConfig"]


class IsolationConfig(AppConfig):
    """Registers the checks; models and migrations there are none."""

    name = "shadow_middleware.isolation.django"
    label = "shadow_isolation"
    verbose_name = "Isolation of a shadow"

    def ready(self) -> None:
        """Have `manage.py check` look at the settings and at MIDDLEWARE."""
        register(check_isolation)
