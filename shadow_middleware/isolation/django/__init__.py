"""
The shadow's side in a Django project: one middleware, one dict in the settings.

    MIDDLEWARE = ["shadow_middleware.isolation.django.IsolationMiddleware", ...]
    INSTALLED_APPS = [..., "shadow_middleware.isolation.django"]      # system checks
    SHADOW_ISOLATION = {"secret": "...", "database": "rollback", "stubs": True}

Needs Django and nothing else of the package's dependencies.
"""

from __future__ import annotations

from shadow_middleware.errors import MissingExtraError

try:
    import django.core  # noqa: F401 -- is there a Django at all?
except ImportError as error:
    raise MissingExtraError("django", "shadow_middleware.isolation.django") from error

from shadow_middleware.isolation.django.middleware import IsolationMiddleware

__all__ = ["IsolationMiddleware"]
