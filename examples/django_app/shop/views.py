"""Version 1, the one in production: every view of the bookshop."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

from django.contrib.auth import authenticate, login
from django.forms.models import model_to_dict
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_safe

from examples.django_app.shop.forms import ContactForm, OrderForm
from examples.django_app.shop.later import send_mail_later
from examples.django_app.shop.models import Book, Order, Review
from examples.django_app.shop.streams import stream

GUIDE = Path(__file__).parent / "files" / "reading-guide.txt"

# --- pages --------------------------------------------------------------------


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The front page."""
    context = {"books": Book.objects.all()[:8], "open_until": "18:30"}
    return render(request, "shop/home.html", context)


@ensure_csrf_cookie
@require_http_methods(["GET", "POST"])
def contact(request: HttpRequest) -> HttpResponse:
    """A form; the mail goes out after its answer."""
    form = ContactForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        send_mail_later(form.cleaned_data["message"])
        return redirect("contact")
    return render(request, "shop/contact.html", {"form": form})


# --- books --------------------------------------------------------------------


@require_safe
def books(request: HttpRequest) -> JsonResponse:
    """The first books; caches in between may keep the list for a minute."""
    found = Book.objects.values("id", "title", "genre")
    answer = JsonResponse({"books": list(found[: int(request.GET.get("limit", "10"))])})
    answer["Cache-Control"] = "public, max-age=60"
    return answer


@require_safe
def book(request: HttpRequest, pk: int) -> JsonResponse:
    """One book with its price, tax of 7 % included and rounded half up."""
    found = get_object_or_404(Book, pk=pk)
    cents = (found.net_cents * 107 + 50) // 100
    return JsonResponse({"id": pk, "title": found.title, "price": cents / 100})


@require_safe
def reviews(request: HttpRequest, pk: int) -> JsonResponse:
    """What readers say."""
    found = get_object_or_404(Book, pk=pk)
    told = Review.objects.filter(book=found).values("id", "reader", "stars")
    return JsonResponse({"book": pk, "reviews": list(told)})


@require_safe
def stock(request: HttpRequest, pk: int) -> JsonResponse:
    """How many copies are left."""
    return JsonResponse({"book": pk, "copies": get_object_or_404(Book, pk=pk).copies})


@require_safe
def search(request: HttpRequest) -> JsonResponse:
    """Books by a part of their title, the cheapest first."""
    wanted = request.GET.get("q", "")
    found = Book.objects.filter(title__icontains=wanted).order_by("net_cents", "pk")
    return JsonResponse({"query": wanted, "hits": list(found.values("id", "title"))})


@require_safe
def genre(request: HttpRequest, slug: str) -> JsonResponse:
    """Books of a genre; 404 where there is none of that name."""
    found = list(Book.objects.filter(genre=slug).values("id", "title"))
    if not found:
        return JsonResponse({"detail": "no such genre"}, status=404)
    return JsonResponse({"genre": slug, "books": found})


@require_safe
def bestsellers(request: HttpRequest) -> JsonResponse:
    """The three books with the fewest copies left."""
    found = Book.objects.order_by("copies", "pk").values("id", "title")
    return JsonResponse({"books": list(found[:3])})


# --- streams and files ----------------------------------------------------------


@require_safe
def prices(request: HttpRequest) -> StreamingHttpResponse:
    """A price list, line by line."""
    found = list(Book.objects.all())
    lines = (f"{book.pk},{book.title},{book.net_cents}\r\n" for book in found)
    return stream(request, lines, "text/csv; charset=utf-8")


@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Every book as a line of JSON, in chunks."""
    found = list(Book.objects.values())
    lines = (json.dumps(row) + "\n" for row in found)
    return stream(request, lines, "application/x-ndjson")


@require_safe
def events(request: HttpRequest) -> StreamingHttpResponse:
    """A short event stream; such streams are not mirrored."""
    ticks = (f"data: tick {number}\n\n" for number in range(3))
    return stream(request, ticks, "text/event-stream", pause=0.01)


@require_safe
def guide(request: HttpRequest) -> FileResponse:
    """A file to download."""
    return FileResponse(GUIDE.open("rb"), as_attachment=True, filename=GUIDE.name)


# --- the customer -----------------------------------------------------------------


@ensure_csrf_cookie
@require_http_methods(["GET", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Trade name and password for a session."""
    if request.method == "GET":
        return render(request, "shop/login.html")
    name, password = request.POST.get("name"), request.POST.get("password")
    user = authenticate(request, username=name, password=password)
    if user is None:
        return JsonResponse({"detail": "wrong name or password"}, status=401)
    login(request, user)
    return HttpResponseRedirect("/account/")


@require_safe
def account(request: HttpRequest) -> JsonResponse:
    """Who is asking."""
    if not request.user.is_authenticated:
        return JsonResponse({"detail": "log in first"}, status=401)
    return JsonResponse({"name": request.user.get_username()})


@require_safe
def basket(request: HttpRequest) -> JsonResponse:
    """An empty basket, remembered by a cookie that scripts cannot read."""
    answer = JsonResponse({"items": []})
    answer.set_cookie("basket", "empty", httponly=True, samesite="Lax")
    return answer


# --- orders: writes, so by default neither they nor what reads them is mirrored ------


@csrf_exempt
@require_http_methods(["GET", "POST"])
def orders(request: HttpRequest) -> JsonResponse:
    """The latest orders, or a new one; its confirmation goes out after the answer."""
    if request.method == "GET":
        latest = Order.objects.order_by("-pk").values()
        return JsonResponse({"orders": list(latest[:10])})
    form = OrderForm(json.loads(request.body))
    if not form.is_valid():
        return JsonResponse({"detail": form.errors}, status=422)
    order = Order.objects.create(**form.cleaned_data)
    send_mail_later(f"order {order.pk} confirmed")
    return JsonResponse(model_to_dict(order), status=201)


@csrf_exempt
@require_http_methods(["GET", "PUT", "DELETE"])
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """Read, change or cancel an order."""
    found = get_object_or_404(Order, pk=pk)
    if request.method == "DELETE":
        found.delete()
        return HttpResponse(status=204)
    if request.method == "PUT":
        found.copies = int(json.loads(request.body)["copies"])
        found.save()
    return JsonResponse(model_to_dict(found))


# --- operations -------------------------------------------------------------------


@require_safe
def status(request: HttpRequest) -> JsonResponse:
    """Never the same twice: noise, which the settings of the live side ignore."""
    now = datetime.now(UTC).isoformat()
    return JsonResponse({"healthy": True, "now": now, "check_id": str(uuid.uuid4())})
