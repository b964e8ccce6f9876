"""The shadow's side: version 2, the rewrite under test, without the middleware."""

from __future__ import annotations

from examples.django_app.base import *  # noqa: F403 - the way of Django settings
from examples.django_app.base import database

DATABASES = database("django-shop-v2")
ROOT_URLCONF = "examples.django_app.shop.urls_v2"
