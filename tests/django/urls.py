"""URL patterns with all that a pattern can be: nested, regular, class-based."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.views import View


def show(request: HttpRequest, **found: Any) -> HttpResponse:
    return HttpResponse(repr(found))


class Named(View):
    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        return HttpResponse(name)

    def put(self, request: HttpRequest, name: str) -> HttpResponse:
        return HttpResponse(name)


shop = [
    re_path(r"^old/(?P<year>[0-9]{4})/$", show),
    path("view/<slug:name>/", Named.as_view()),
]
urlpatterns = [
    path("", show),
    path("items/<int:number>/", show),
    path("shop/", include(shop)),
]
