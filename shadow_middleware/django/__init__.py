"""
The adapter for Django: one class in `MIDDLEWARE`, one dict in the settings.

    MIDDLEWARE = ["shadow_middleware.django.ShadowMiddleware", ...]
    INSTALLED_APPS = [..., "shadow_middleware.django"]     # system checks
    SHADOW_MIDDLEWARE = {"shadow_url": "http://v2:8000"}

It works under WSGI and ASGI, with sync and async views.
"""

from __future__ import annotations

from shadow_middleware.errors import MissingExtraError

try:
    import django.core  # noqa: F401 -- is there a Django at all?
except ImportError as error:
    raise MissingExtraError("django", "shadow_middleware.django") from error

from shadow_middleware.django.middleware import ShadowMiddleware

__all__ = ["ShadowMiddleware"]
