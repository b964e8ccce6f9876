"""
A Django project whose requests do what is hard to undo; run by `test_django.py`.

    python -m tests.isolation.django_project DEFAULT AUDIT

Two databases, as SQLite paths or Postgres addresses. Each case sends requests through
the whole of Django, WSGI and ASGI; prints a JSON object of cases and what failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import django
import pytest
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from sqlalchemy import make_url

from shadow_middleware.errors import NotIsolatedError
from shadow_middleware.transform.marker import make

SECRET = "for tests only"
MEDIA = tempfile.mkdtemp()


def _database(place: str) -> dict[str, Any]:
    if not place.startswith("postgresql"):
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": place}
    url = make_url(place)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.database,
        "USER": url.username,
        "HOST": url.query["host"],
    }


DATABASES = {
    "default": _database(sys.argv[1]) | {"ATOMIC_REQUESTS": False},
    "audit": _database(sys.argv[2]),
}
settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="for tests only",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES=DATABASES,
    INSTALLED_APPS=["shadow_middleware.isolation.django", "django_tasks"],
    TASKS={"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}},
    MEDIA_ROOT=MEDIA,
    EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
    MIDDLEWARE=["shadow_middleware.isolation.django.IsolationMiddleware"],
    SHADOW_ISOLATION={"secret": SECRET, "stubs": True},
    LOGGING_CONFIG=None,
)
django.setup()

from asgiref.sync import sync_to_async  # noqa: E402 -- Django has to be set up before
from django.core import mail  # noqa: E402
from django.core.cache import cache, caches  # noqa: E402
from django.core.files.base import ContentFile  # noqa: E402
from django.core.files.storage import FileSystemStorage, default_storage  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.management.base import SystemCheckError  # noqa: E402
from django.db import (  # noqa: E402
    DatabaseError,
    IntegrityError,
    connection,
    connections,
    models,
    transaction,
)
from django.test import AsyncClient, Client, override_settings  # noqa: E402
from django.urls import path  # noqa: E402
from django_tasks import task  # noqa: E402


class Order(models.Model):
    """Something that is written, in both databases."""

    name: Any = models.CharField(max_length=50, unique=True)

    class Meta:
        app_label = "shop"


done: list[str] = []
"""What hooks and tasks did that should not have been."""


@task()
def pack(name: str) -> None:
    done.append(f"packed {name}")


def names() -> list[str]:
    return sorted(Order.objects.values_list("name", flat=True))


def _add(name: str, using: str = "default") -> Any:
    return Order.objects.using(using).create(name=name)


# --- views ----------------------------------------------------------------------------


def nested(request: Any) -> HttpResponse:
    with transaction.atomic(durable=True):
        _add("durable")
        transaction.on_commit(lambda: done.append("hook"))
        try:
            with transaction.atomic():
                _add("inner")
                raise ValueError
        except ValueError:
            pass
    transaction.on_commit(lambda: done.append("hook outside"))
    _add("other", "audit")
    list(Order.objects.select_for_update())
    return HttpResponse(",".join(names()))


def failing_alone(request: Any) -> HttpResponse:
    """In autocommit each of these fails by itself, and the rest goes on."""
    _add("a")
    for attempt in (
        lambda: _add("a"),
        lambda: Order.objects.bulk_create([Order(name="b"), Order(name="a")]),
        lambda: Order.objects.filter(name="a").update(name=None),
    ):
        try:
            attempt()
        except IntegrityError:
            continue
    if connection.vendor == "sqlite":  # a failed read ends a transaction of Postgres
        with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM nowhere")
    _add("c")
    return HttpResponse(",".join(names()))


def streaming(request: Any) -> StreamingHttpResponse:
    def chunks() -> Iterator[str]:
        _add("streamed")
        yield ",".join(names())
        _add("streamed later")
        yield ";"

    return StreamingHttpResponse(chunks())


async def streaming_async(request: Any) -> StreamingHttpResponse:
    async def chunks() -> AsyncIterator[str]:
        await Order.objects.acreate(name="streamed")
        yield ",".join(await sync_to_async(names)())

    return StreamingHttpResponse(chunks())


async def asynchronous(request: Any) -> HttpResponse:
    await Order.objects.acreate(name="async")
    await Order.objects.using("audit").acreate(name="async")
    return HttpResponse(",".join(await sync_to_async(names)()))


def raising(request: Any) -> HttpResponse:
    _add("raised")
    raise RuntimeError("the app's own mistake")


def committing(request: Any) -> HttpResponse:
    _add("committed")
    with connection.cursor() as cursor:
        cursor.execute("COMMIT")
    return HttpResponse("committed")


def escaping(request: Any) -> HttpResponse:
    _add("escaped")
    connection.connection.rollback()  # past Django: nobody sees it
    return HttpResponse("escaped")


def defining(request: Any) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE made (a int)")
        cursor.execute("INSERT INTO made VALUES (1)")
    return HttpResponse("made")


def from_a_thread(request: Any) -> HttpResponse:
    said: list[str] = []

    def write() -> None:
        try:
            _add("thread")
        except NotIsolatedError as error:
            said.append(type(error).__name__)
        finally:
            connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    return HttpResponse(",".join(said))


def outgoing(request: Any) -> HttpResponse:
    mail.send_mail("s", "b", "a@a.test", ["b@b.test"])
    mail.mail_admins("s", "b")
    with mail.get_connection() as backend:
        mail.EmailMessage("s", "b", "a@a.test", ["c@c.test"], connection=backend).send()
    pack.enqueue("x")
    saved = default_storage.save("f.txt", ContentFile(b"data"))
    other = FileSystemStorage(MEDIA).save("g.txt", ContentFile(b"data"))
    with default_storage.open(saved) as file:
        read = file.read().decode()
    sizes = (default_storage.size(saved), default_storage.exists(saved), bool(other))
    default_storage.delete(saved)
    cache.set("k", [1])
    cache.incr("n") if cache.add("n", 1) else None
    cache.delete("there")
    found = [
        cache.get("k"),
        cache.get("n"),
        cache.get("there"),
        cache.get_or_set("z", 2),
    ]
    caches["default"].set_many({"p": 1, "q": 2})
    return HttpResponse(f"{read} {sizes} {default_storage.exists(saved)} {found}")


def keeping(request: Any) -> HttpResponse:
    with default_storage.open("h.txt", "r+") as file:
        read = file.read().decode()
    default_storage.delete("h.txt")
    try:
        size = default_storage.size("h.txt")
    except FileNotFoundError:
        size = None
    return HttpResponse(f"{read} {size}")


def writing(request: Any) -> HttpResponse:
    return HttpResponse(_add("w").name)


def handling(request: Any) -> HttpResponse:
    try:
        _add("handled")
    except DatabaseError:
        return HttpResponse("busy", status=400)
    return HttpResponse("done")


urlpatterns = [
    path(view.__name__, view)
    for view in (
        nested,
        failing_alone,
        streaming,
        streaming_async,
        asynchronous,
        raising,
        committing,
        escaping,
        defining,
        from_a_thread,
        outgoing,
        keeping,
        writing,
        handling,
    )
]


# --- how requests are sent ------------------------------------------------------------

_numbers = iter(range(10_000))


def marked() -> str:
    return make(f"x{next(_numbers)}", secret=SECRET, at=time.time()).decode()


def get(view: str, *, copy: bool = True) -> Any:
    headers = {"X-Shadow-Request": marked()} if copy else {}
    response = Client(raise_request_exception=False).get(f"/{view}", headers=headers)
    body = (
        response.getvalue()
        if getattr(response, "streaming", False)
        else response.content
    )
    response.close()
    return response.status_code, body.decode(), response.headers.get("X-Shadow-Refused")


def aget(view: str) -> Any:
    async def send() -> Any:
        client = AsyncClient(raise_request_exception=False)
        response: Any = await client.get(
            f"/{view}", headers={"X-Shadow-Request": marked()}
        )
        if response.streaming:
            body = b"".join([part async for part in response])
        else:
            body = response.content
        await sync_to_async(response.close)()
        return response.status_code, body.decode()

    return asyncio.run(send())


def _is(expected: object, actual: object) -> None:
    assert expected == actual, f"{actual!r} is not {expected!r}"


# --- cases ----------------------------------------------------------------------------


def blocks_are_savepoints() -> None:
    _is((200, "durable,first", None), get("nested"))
    _is((200, "durable,first"), aget("nested"))


def hooks_run_for_ordinary_requests_only() -> None:
    get("nested", copy=False)
    _is(["hook", "hook outside"], done)
    Order.objects.filter(name="durable").delete()
    Order.objects.using("audit").all().delete()


def what_fails_alone_leaves_the_rest() -> None:
    _is((200, "a,c,first", None), get("failing_alone"))


def atomic_requests_work() -> None:
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        _is((200, "w", None), get("writing"))
        _is(500, get("raising")[0])
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False


def streams_are_undone_after_the_last_byte() -> None:
    _is((200, "first,streamed;", None), get("streaming"))
    _is((200, "first,streamed"), aget("streaming_async"))


def a_stream_that_nobody_closes_is_undone_before_the_next_request() -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/streaming",
        "SERVER_NAME": "x",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "HTTP_X_SHADOW_REQUEST": marked(),
    }
    answer: Any = WSGIHandler()(environ, lambda *args: None)  # type: ignore[arg-type]
    next(iter(answer))
    _is((200, "w", None), get("writing", copy=False))
    _is(["first", "w"], names())
    Order.objects.filter(name="w").delete()


def asynchronous_views_are_undone() -> None:
    _is((200, "async,first"), aget("asynchronous"))


def exceptions_are_undone() -> None:
    _is((500, None), get("raising")[::2])


def a_commit_of_the_app_is_refused() -> None:
    status, text, told = get("committing")
    _is((503, "not_isolated"), (status, told))
    assert "a write of this copy was refused: not_isolated" in text


def a_way_past_django_is_noticed() -> None:
    with pytest.raises(NotIsolatedError, match="was ended by the app"):
        Client().get("/escaping", headers={"X-Shadow-Request": marked()})


def definitions_are_undone() -> None:
    _is((200, "made", None), get("defining"))
    assert "made" not in connection.introspection.table_names()


def a_thread_of_its_own_is_refused() -> None:
    _is((200, "NotIsolatedError", "not_isolated"), get("from_a_thread"))


def nothing_goes_out() -> None:
    cache.set("there", 1)
    mail.outbox = []
    expected = "data (4, True, True) False [[1], 2, None, 2]"
    _is((200, expected, None), get("outgoing"))
    _is((200, expected), aget("outgoing"))
    _is(([], []), (mail.outbox, default_storage.listdir("")[1]))
    _is([1, None, None, None], [cache.get(key) for key in ("there", "k", "n", "p")])
    assert not [each for each in done if each.startswith("packed")]
    get("outgoing", copy=False)
    _is(2, len(mail.outbox))
    _is(["g.txt"], default_storage.listdir("")[1])
    assert "packed x" in done


def files_of_before_are_there_until_a_copy_deletes_them() -> None:
    default_storage.save("h.txt", ContentFile(b"data"))
    _is((200, "data None", None), get("keeping"))
    _is(4, default_storage.size("h.txt"))
    default_storage.delete("h.txt")


def a_replayed_marker_writes_as_everybody() -> None:
    headers, client = {"X-Shadow-Request": marked()}, Client()
    for _ in range(2):
        client.get("/writing", headers=headers)
    _is(["first", "w"], names())
    Order.objects.filter(name="w").delete()


def read_only_refuses_at_the_database() -> None:
    given = {"secret": SECRET, "stubs": True, "database": "read_only"}
    with override_settings(SHADOW_ISOLATION=given):
        _is((503, "read_only"), get("writing")[::2])
        _is((400, "busy", "read_only"), get("handling"))
        _is(200, get("writing", copy=False)[0])
    Order.objects.filter(name="w").delete()


def only_copies_come_in() -> None:
    given = {"secret": SECRET, "stubs": True, "only_shadow": True}
    with override_settings(SHADOW_ISOLATION=given):
        _is(403, get("writing", copy=False)[0])
        _is(200, get("writing")[0])


def markers_can_be_remembered_in_a_cache() -> None:
    given = {"secret": SECRET, "stubs": True, "memory": "cache:default"}
    headers = {"X-Shadow-Request": marked()}
    with override_settings(SHADOW_ISOLATION=given):
        for _ in range(2):  # each client has a middleware of its own, as a process has
            Client().get("/writing", headers=headers)
    _is(["first", "w"], names())
    Order.objects.filter(name="w").delete()


def mistakes_show_in_the_checks() -> None:
    call_command("check", verbosity=0)
    for given, middleware, expected in (
        ({}, None, "shadow_isolation.E001"),
        ({"secret": SECRET, "data": "rollback"}, None, "did you mean 'database'"),
        ({"secret": SECRET, "database": "undo"}, None, "rollback, read_only, leave"),
        ({"secret": SECRET, "databases": ["x"]}, None, "there are: default, audit"),
        ({"secret": SECRET, "memory": "cache:x"}, None, "'cache:ALIAS'"),
        ({"secret": SECRET}, [], "shadow_isolation.E002"),
    ):
        changed: dict[str, Any] = {"SHADOW_ISOLATION": given}
        if middleware is not None:
            changed["MIDDLEWARE"] = middleware
        fails = pytest.raises(SystemCheckError, match=expected)
        with override_settings(**changed), fails:
            call_command("check", verbosity=0)


CASES: tuple[Callable[[], None], ...] = (
    blocks_are_savepoints,
    hooks_run_for_ordinary_requests_only,
    what_fails_alone_leaves_the_rest,
    atomic_requests_work,
    streams_are_undone_after_the_last_byte,
    a_stream_that_nobody_closes_is_undone_before_the_next_request,
    asynchronous_views_are_undone,
    exceptions_are_undone,
    a_commit_of_the_app_is_refused,
    a_way_past_django_is_noticed,
    definitions_are_undone,
    a_thread_of_its_own_is_refused,
    nothing_goes_out,
    files_of_before_are_there_until_a_copy_deletes_them,
    a_replayed_marker_writes_as_everybody,
    read_only_refuses_at_the_database,
    only_copies_come_in,
    markers_can_be_remembered_in_a_cache,
    mistakes_show_in_the_checks,
)


def main() -> None:
    """Run every case on a database with one order, which is all that stays."""
    for alias in connections:
        with connections[alias].schema_editor() as editor:
            editor.create_model(Order)
    _add("first")
    found: dict[str, str] = {}
    for case in CASES:
        done.clear()
        try:
            case()
            _is(["first"], names())
            _is(0, Order.objects.using("audit").count())
            found[case.__name__] = ""
        except Exception:  # noqa: BLE001 -- the test of this name fails with it
            found[case.__name__] = traceback.format_exc()
            Order.objects.exclude(name="first").delete()
            Order.objects.using("audit").all().delete()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
