"""The live side: version 1, mirrored by the middleware."""

from __future__ import annotations

import os

from examples.django_app.base import *  # noqa: F403 - the way of Django settings
from examples.django_app.base import INSTALLED_APPS, MIDDLEWARE, database

DATABASES = database("django-shop-v1")

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "shadow_middleware.django",
    "examples.django_app.alerts",
]
MIDDLEWARE = ["shadow_middleware.django.ShadowMiddleware", *MIDDLEWARE]
SHADOW_MIDDLEWARE = {
    "shadow_url": os.environ.get("SHOP_SHADOW_URL", "http://127.0.0.1:8001"),
    # Orders are written on the live side only, so reading them back would differ.
    # Accounts need a login, and by default no credential leaves for the shadow.
    "exclude": ["/orders/**", "/account/"],
    # Noise: these are never the same twice, whatever the version.
    "ignore_headers": ["x-request-id"],
    "ignore_paths": ["/now", "/check_id"],
    "rules": [{"name": "csrf-token", "matches": ".*csrfmiddlewaretoken.*"}],
}
