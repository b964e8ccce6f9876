"""The Django bookshop mirrored with no setting but the shadow's address."""

from __future__ import annotations

from examples.django_app.settings import *  # noqa: F403 - the way of Django settings
from examples.django_app.settings import SHADOW_MIDDLEWARE

SHADOW_MIDDLEWARE = {"shadow_url": SHADOW_MIDDLEWARE["shadow_url"]}
