"""Version 1 of the Django bookshop without the middleware, as settings."""

from __future__ import annotations

from examples.django_app.base import *  # noqa: F403 - the way of Django settings
from examples.django_app.base import database

DATABASES = database("django-shop-v1")
