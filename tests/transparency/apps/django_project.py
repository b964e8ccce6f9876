"""A Django project in one module: settings, views and URLs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from django.core.handlers.asgi import ASGIRequest
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    JsonResponse,
    StreamingHttpResponse,
)
from django.middleware.gzip import GZipMiddleware
from django.urls import path

from tests.transparency.apps.journal import (
    FOLDER,
    JOURNAL,
    LARGE,
    SHADOW_URL,
    settings,
    wait_until_open,
)

SECRET_KEY = "for tests only"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = __name__
USE_TZ = True
DATA_UPLOAD_MAX_MEMORY_SIZE = None
INSTALLED_APPS = ["django.contrib.staticfiles"]
STATIC_URL = "/static/"
MIDDLEWARE = [
    f"{__name__}.Gzip",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.middleware.common.CommonMiddleware",
]
if SHADOW_URL:
    INSTALLED_APPS.append("shadow_middleware.django")
    MIDDLEWARE.insert(0, "shadow_middleware.django.ShadowMiddleware")
    SHADOW_MIDDLEWARE = settings()


class Gzip(GZipMiddleware):
    """Compress without the random padding, so that answers can be compared."""

    max_random_bytes = 0


def give_json(request: HttpRequest) -> HttpResponseBase:
    return JsonResponse({"id": 1, "name": "ä"})


def give_nothing(request: HttpRequest) -> HttpResponseBase:
    return HttpResponse(status=204)


def give_not_modified(request: HttpRequest) -> HttpResponseBase:
    return HttpResponseNotModified()


def give_headers(request: HttpRequest) -> HttpResponseBase:
    response = HttpResponse(b"x", headers={"X-One": "1"})
    response.set_cookie("a", "1", httponly=True)
    response.set_cookie("b", "2", secure=True)
    return response


def stream(gate: str) -> Iterator[bytes]:
    try:
        for step in range(1, 4):
            yield b"data: chunk |%d|\n\n" % step
            wait_until_open(gate, step)
        yield b"end"
    finally:
        JOURNAL.add(f"closed {gate}")


async def astream(gate: str) -> AsyncIterator[bytes]:
    try:
        for step in range(1, 4):
            yield b"data: chunk |%d|\n\n" % step
            await asyncio.to_thread(wait_until_open, gate, step)
        yield b"end"
    finally:
        JOURNAL.add(f"closed {gate}")


def chunks_for(request: HttpRequest) -> Iterator[bytes] | AsyncIterator[bytes]:
    """Return the stream in the kind that the server can pass on as it comes."""
    made = astream if isinstance(request, ASGIRequest) else stream
    return made(request.GET["gate"])


def give_stream(request: HttpRequest) -> HttpResponseBase:
    return StreamingHttpResponse(chunks_for(request))


def give_events(request: HttpRequest) -> HttpResponseBase:
    return StreamingHttpResponse(chunks_for(request), content_type="text/event-stream")


def echo(request: HttpRequest) -> HttpResponseBase:
    return HttpResponse(request.body, content_type="application/octet-stream")


def read_upload(request: HttpRequest) -> HttpResponseBase:
    first = request.read(5)
    return HttpResponse(first + b"|" + request.read(), content_type="text/plain")


def ignore_upload(request: HttpRequest) -> HttpResponseBase:
    return HttpResponse("did not read it")


def give_large(request: HttpRequest) -> HttpResponseBase:
    return HttpResponse(LARGE, content_type="application/octet-stream")


def give_file(request: HttpRequest) -> HttpResponseBase:
    return FileResponse((FOLDER / "file.bin").open("rb"))


def fail(request: HttpRequest) -> HttpResponseBase:
    raise ValueError("before the head")


def fail_midway(request: HttpRequest) -> HttpResponseBase:
    def parts() -> Iterator[bytes]:
        yield b"half"
        raise ValueError("after half of the body")

    return StreamingHttpResponse(parts())


def see_request(request: HttpRequest, word: str) -> HttpResponseBase:
    return JsonResponse([word, request.path, request.META["QUERY_STRING"]], safe=False)


def read_journal(request: HttpRequest) -> HttpResponseBase:
    return JsonResponse(JOURNAL.wait_for(request.GET["entry"]), safe=False)


urlpatterns = [
    path("json", give_json),
    path("nothing", give_nothing),
    path("not-modified", give_not_modified),
    path("headers", give_headers),
    path("stream", give_stream),
    path("events", give_events),
    path("echo", echo),
    path("read", read_upload),
    path("ignore", ignore_upload),
    path("large", give_large),
    path("path", give_file),
    path("fail", fail),
    path("fail-midway", fail_midway),
    path("scope/<path:word>", see_request),
    path("journal", read_journal),
]
