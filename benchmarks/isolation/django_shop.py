"""
A shop in Django, with two databases, for gunicorn and uvicorn.

`SHOP_DB` and `SHOP_AUDIT` are paths of SQLite files, or `postgresql://` addresses.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from sqlalchemy import make_url

from benchmarks.isolation import effects


def _database(place: str) -> dict[str, Any]:
    if not place.startswith("postgresql"):
        options = {"timeout": 30, "transaction_mode": "IMMEDIATE"}
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": place,
            "OPTIONS": options,
        }
    url = make_url(place)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.database,
        "USER": url.username,
        "HOST": url.query.get("host", url.host),
    }


settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="for measuring only",
    USE_TZ=True,
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "loggers": {"django": {"handlers": ["console"], "level": "ERROR"}},
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": _database(os.environ["SHOP_DB"]),
        "audit": _database(os.environ["SHOP_AUDIT"]),
    },
    CACHES={
        "default": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": str(effects.home() / "cache"),
        }
    },
    MEDIA_ROOT=str(effects.home() / "media"),
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=int(os.environ["SHOP_SMTP"]),
    MIDDLEWARE=(
        ["shadow_middleware.isolation.django.IsolationMiddleware"]
        if os.environ.get("SHOP_WAY", "rollback") != "none"
        else []
    ),
    SHADOW_ISOLATION={"database": "rollback", "stubs": True},
)
django.setup()

from django.core.cache import cache  # noqa: E402
from django.core.files.base import ContentFile  # noqa: E402
from django.core.files.storage import default_storage  # noqa: E402
from django.core.mail import message, send_mail  # noqa: E402
from django.db import IntegrityError, connections, models, transaction  # noqa: E402
from django.urls import path  # noqa: E402

# Else Django asks the network for this host's name.
message.DNS_NAME._fqdn = "shop.test"  # type: ignore[attr-defined]


class Order(models.Model):
    """One order."""

    name: Any = models.CharField(max_length=100, unique=True)

    class Meta:
        app_label = "shop"


class Line(models.Model):
    """One line of an order."""

    order: Any = models.ForeignKey(Order, on_delete=models.CASCADE)
    number: Any = models.IntegerField()

    class Meta:
        app_label = "shop"


class Entry(models.Model):
    """What was done, in the other database."""

    text: Any = models.CharField(max_length=100)

    class Meta:
        app_label = "shop"


def _write(name: str) -> int:
    """Write an order as shops do; return how many lines it has in the end."""
    with transaction.atomic(durable=True):
        order = Order.objects.create(name=name)
        with transaction.atomic():
            Line.objects.bulk_create(Line(order=order, number=n) for n in range(3))
        Order.objects.select_for_update().get(pk=order.pk)
        transaction.on_commit(lambda: effects.later(name))
    for again in (Order(name=name), Order(name=name)):
        try:
            again.save()  # not in a block: fails alone, in autocommit
        except IntegrityError:
            continue
    Line.objects.filter(order=order, number=0).delete()
    Entry.objects.using("audit").create(text=name)
    return int(Line.objects.filter(order__name=name).count())


def _serve(name: str) -> dict[str, Any]:
    lines = _write(name)
    cache.set(name, "seen", 60)
    saved = default_storage.save(f"{name}.bin", ContentFile(name.encode()))
    with default_storage.open(saved) as file:
        read = file.read() == name.encode()
    send_mail(name, "bought", "shop@shop.test", [f"{name}@mail.test"])
    return {
        "lines": lines,
        "cached": cache.get(name),
        "read": read,
        "called": effects.do_all(name),
    }


def _name(request: HttpRequest) -> str:
    return str(json.loads(request.body)["name"])


def order(request: HttpRequest) -> JsonResponse:
    """Take an order."""
    return JsonResponse(_serve(_name(request)))


async def order_async(request: HttpRequest) -> JsonResponse:
    """Take an order, asynchronously."""
    name = _name(request)
    await Entry.objects.using("audit").acreate(text=f"{name}-async")
    return JsonResponse(await sync_to_async(_serve)(name))


def order_stream(request: HttpRequest) -> StreamingHttpResponse:
    """Take an order while its answer streams."""
    name = _name(request)

    def chunks() -> Iterator[str]:
        yield "["
        yield json.dumps(_serve(name))
        yield "]"

    return StreamingHttpResponse(chunks(), content_type="application/json")


def plain(request: HttpRequest) -> JsonResponse:
    """Write two rows and nothing else: what isolation costs is seen here."""
    first = Order.objects.create(name=_name(request))
    Line.objects.create(order=first, number=1)
    return JsonResponse({"lines": 1})


urlpatterns = [
    path("order", order),
    path("order-async", order_async),
    path("order-stream", order_stream),
    path("plain", plain),
]


def prepare() -> None:
    """Make the tables."""
    for alias in ("default", "audit"):
        with connections[alias].schema_editor() as editor:
            for model in (Order, Line, Entry):
                editor.create_model(model)
    connections.close_all()


if __name__ == "__main__":
    prepare()
else:
    from django.core.asgi import get_asgi_application
    from django.core.wsgi import get_wsgi_application

    wsgi = get_wsgi_application()
    asgi = get_asgi_application()
