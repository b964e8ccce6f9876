"""A Django project that has the dashboard below `/shadow`, as its users would write it."""

from __future__ import annotations

import os

import django
from django.conf import settings
from django.contrib import admin
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from shadow_middleware.dashboard.django import dashboard

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["HOST_USERS"],
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="for tests only",
    SHADOW_MIDDLEWARE={"store_url": os.environ["HOST_STORE"]},
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    USE_TZ=True,
)
django.setup()


def index(request: HttpRequest) -> HttpResponse:
    """Be the app."""
    return HttpResponse("the app")


urlpatterns = [
    path("", index),
    path("admin/", admin.site.urls),
    path("shadow/", dashboard(token=os.environ["HOST_TOKEN"])),
]
wsgi = get_wsgi_application()
asgi = get_asgi_application()


def make_users() -> None:
    """Make a database with somebody of the staff and somebody who is not."""
    from django.contrib.auth.models import User

    call_command("migrate", verbosity=0)
    User.objects.create_user("staff", password="pass", is_staff=True)
    User.objects.create_user("other", password="pass", is_staff=True)
    User.objects.create_user("guest", password="pass")


if __name__ == "__main__":
    make_users()
