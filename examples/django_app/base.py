"""Settings that both versions share: an ordinary small Django project."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

FOLDER = Path(os.environ.get("SHOP_FOLDER") or tempfile.gettempdir())

# Both sides must sign with the same key, or no login is valid on the other.
SECRET_KEY = os.environ.get("SHOP_KEY") or secrets.token_hex()
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "examples.django_app.shop",
]
MIDDLEWARE = [
    "examples.django_app.shop.middleware.request_id",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
ROOT_URLCONF = "examples.django_app.shop.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request"]
        },
    }
]
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
WSGI_APPLICATION = "examples.django_app.wsgi.application"


def database(name: str) -> dict[str, dict[str, object]]:
    """Return a DATABASES with one SQLite file, made by the `seed` command."""
    options = {"timeout": 10, "init_command": "PRAGMA journal_mode=WAL"}
    return {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": FOLDER / f"{name}.db",
            "OPTIONS": options,
        }
    }
