"""A Django project in one module, and a middleware of ours that records."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import django
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path, re_path

from shadow_middleware.django import ShadowMiddleware
from shadow_middleware.live import LiveSide
from tests.fakes import RecordingHandoff

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="tests.django.project",
        SECRET_KEY="for tests only",
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        USE_TZ=True,
    )
    django.setup()

RECORDING = "tests.django.project.RecordingMiddleware"


class RecordingMiddleware(ShadowMiddleware):
    """Ours, with a hand-off that keeps what it gets."""

    handoff = RecordingHandoff()
    last: RecordingMiddleware

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        type(self).handoff = RecordingHandoff()
        type(self).last = self
        self.live = LiveSide(self.settings, self.handoff)


class Stream:
    """A stream that counts what is done to it."""

    last: Stream

    def __init__(self, *chunks: Any) -> None:
        Stream.last = self
        self.chunks = list(chunks)
        self.made = 0
        self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        for chunk in self.chunks:
            self.made += 1
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def close(self) -> None:
        self.closed += 1


class AsyncStream(Stream):
    """The same, asynchronous."""

    __iter__ = None  # type: ignore[assignment]

    async def __aiter__(self) -> AsyncIterator[Any]:
        for chunk in self.chunks:
            self.made += 1
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk


def replacing(get_response: Any) -> Any:
    """Middleware that answers in the place of the others, as ConditionalGet may."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        get_response(request)
        return HttpResponse("replaced")

    return middleware


class User:
    """Somebody; counts how often anybody asks who."""

    pk = "ada"
    asked = 0


def with_user(get_response: Any) -> Any:
    """Middleware that knows the user, lazily and through the session."""

    from django.utils.functional import SimpleLazyObject

    def look(request: Any) -> User:
        User.asked += 1
        request.session.get("_auth_user_id")
        return User()

    if iscoroutinefunction(get_response):

        async def amiddleware(request: Any) -> Any:
            request.user = SimpleLazyObject(lambda: look(request))
            return await get_response(request)

        return markcoroutinefunction(amiddleware)

    def middleware(request: Any) -> Any:
        request.user = SimpleLazyObject(lambda: look(request))
        return get_response(request)

    return middleware


with_user.async_capable = True  # type: ignore[attr-defined]


def show(request: HttpRequest, number: int) -> HttpResponse:
    response = JsonResponse({"number": number})
    response["X-Number"] = str(number)
    response.set_cookie("seen", "1")
    response.set_cookie("later", "2")
    return response


async def ashow(request: HttpRequest, number: int) -> HttpResponse:
    return JsonResponse({"number": number})


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body, content_type="application/octet-stream")


def _content(file: Any) -> str:
    return str(file.read().decode())


def form(request: HttpRequest) -> HttpResponse:
    return JsonResponse(
        {
            "fields": dict(request.POST.lists()),
            "files": {name: _content(request.FILES[name]) for name in request.FILES},
        }
    )


def by_pieces(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"|".join(iter(lambda: request.read(4), b"")))


def by_lines(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"|".join(request.readlines()))


def unread(request: HttpRequest) -> HttpResponse:
    return HttpResponse("not looked at")


def part_read(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.read(3))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(Stream(b"one ", "two ", memoryview(b"three")))


async def astream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(AsyncStream(b"one ", "two ", b"three"))


def broken_stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(Stream(b"one", RuntimeError("midway")))


async def wait(request: HttpRequest) -> HttpResponse:
    await asyncio.Event().wait()
    raise AssertionError


def odd_head(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("odd")
    store: Any = response.headers._store
    store["x"] = ("X", 7)
    return response


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(io.BytesIO(b"file" * 5000), filename="f.txt")


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("from the view")


def leave(request: HttpRequest) -> HttpResponse:
    raise SystemExit(3)


def away(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/elsewhere")


def who(request: Any) -> HttpResponse:
    return HttpResponse(str(request.user.pk))


urlpatterns = [
    path("", unread),
    path("items/<int:number>/", show),
    path("aitems/<int:number>/", ashow),
    re_path(r"^old/(?P<number>[0-9]+)/$", show),
    path("echo", echo),
    path("form", form),
    path("by-pieces", by_pieces),
    path("by-lines", by_lines),
    path("unread", unread),
    path("part-read", part_read),
    path("stream", stream),
    path("astream", astream),
    path("broken-stream", broken_stream),
    path("wait", wait),
    path("odd-head", odd_head),
    path("file", file),
    path("fail", fail),
    path("leave", leave),
    path("away", away),
    path("who", who),
]
