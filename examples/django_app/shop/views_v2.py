"""
Version 2, the rewrite under test: only the views that answer differently.

Each fault is planted on purpose and marked with its name in `planted.py`.
"""

from __future__ import annotations

import json
import time
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render

from examples.django_app.shop import views
from examples.django_app.shop.models import Book, Review
from examples.django_app.shop.streams import stream


def home(request: HttpRequest) -> HttpResponse:
    # PLANTED html-text: 18:30 became 18:00.
    context = {"books": Book.objects.all()[:8], "open_until": "18:00"}
    return render(request, "shop/home.html", context)


def books(request: HttpRequest) -> JsonResponse:
    answer = views.books(request)
    # PLANTED cache-header: Cache-Control is no longer set.
    del answer["Cache-Control"]
    return answer


def book(request: HttpRequest, pk: int) -> JsonResponse:
    found = get_object_or_404(Book, pk=pk)
    # PLANTED price-rounding: cut off, no longer rounded half up.
    cents = found.net_cents * 107 // 100
    return JsonResponse({"id": pk, "title": found.title, "price": cents / 100})


def reviews(request: HttpRequest, pk: int) -> JsonResponse:
    found = get_object_or_404(Book, pk=pk)
    # PLANTED review-reader: the field is gone.
    told = Review.objects.filter(book=found).values("id", "stars")
    return JsonResponse({"book": pk, "reviews": list(told)})


def stock(request: HttpRequest, pk: int) -> JsonResponse:
    copies = get_object_or_404(Book, pk=pk).copies
    # PLANTED stock-type: the number became a string.
    return JsonResponse({"book": pk, "copies": str(copies)})


def search(request: HttpRequest) -> JsonResponse:
    answer = _decoded(views.search(request))
    # PLANTED search-order: by title, no longer by price.
    answer["hits"].sort(key=lambda hit: hit["title"])
    return JsonResponse(answer)


def genre(request: HttpRequest, slug: str) -> JsonResponse:
    answer = views.genre(request, slug)
    if answer.status_code == 404:
        # PLANTED not-found-status, not-found-body: 200 with an error inside.
        return JsonResponse({"error": "no such genre"})
    told = _decoded(answer)
    # PLANTED genre-count: a new field.
    return JsonResponse({**told, "count": len(told["books"])})


def bestsellers(request: HttpRequest) -> JsonResponse:
    time.sleep(0.15)  # PLANTED slow-route: a query without its index.
    return views.bestsellers(request)


def prices(request: HttpRequest) -> StreamingHttpResponse:
    # PLANTED csv-separator: semicolons.
    found = list(Book.objects.all())
    lines = (f"{book.pk};{book.title};{book.net_cents}\r\n" for book in found)
    return stream(request, lines, "text/csv; charset=utf-8")


def basket(request: HttpRequest) -> JsonResponse:
    answer = JsonResponse({"items": []})
    # PLANTED cookie-flag: HttpOnly is gone.
    answer.set_cookie("basket", "empty", samesite="Lax")
    return answer


def _decoded(answer: JsonResponse) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(answer.content)
    return decoded
