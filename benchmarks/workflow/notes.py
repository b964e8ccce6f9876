"""
A Django project in one file: login by form, CSRF everywhere, pages and an API.

As `live` it carries the middleware. `WORKFLOW_DB` is its database, `WORKFLOW_FIRST` the
number before its first ids. What an answer was made for is noted beside whom the client
says to be, so that a mix-up cannot go unseen.
"""

from __future__ import annotations

import json
import os
import secrets
import uuid
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

FIRST = int(os.environ.get("WORKFLOW_FIRST", "0"))
SHADOW = json.loads(os.environ.get("WORKFLOW_SHADOW", "null"))

settings.configure(
    SECRET_KEY=secrets.token_hex(16),
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("WORKFLOW_DB", ":memory:"),
            "OPTIONS": {"init_command": "PRAGMA synchronous=OFF"}
            if django.VERSION >= (5, 1)
            else {},
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
    ],
    MIDDLEWARE=[
        *(["shadow_middleware.django.ShadowMiddleware"] if SHADOW else []),
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    USE_TZ=True,
    **({"SHADOW_MIDDLEWARE": SHADOW} if SHADOW else {}),
)
django.setup()

from django.contrib.auth import authenticate, login, logout  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.shortcuts import redirect  # noqa: E402
from django.template import engines  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.text import slugify  # noqa: E402

MIXED: list[str] = []
"""Requests in which the session was another's than the client's."""


class Note(models.Model):
    """One note of one user."""

    key: Any = models.UUIDField(default=uuid.uuid4)
    owner: Any = models.ForeignKey(User, models.CASCADE)
    title: Any = models.CharField(max_length=100)
    slug: Any = models.CharField(max_length=120)

    class Meta:
        app_label = "workflow"


class Comment(models.Model):
    """One line below a note."""

    note: Any = models.ForeignKey(Note, models.CASCADE)
    text: Any = models.CharField(max_length=100)

    class Meta:
        app_label = "workflow"


PAGE = engines["django"].from_string(
    """<!doctype html><html><head><meta name="csrf-token" content="{{ csrf_token }}"></head>
<body data-user-id="{{ user.pk }}"><h1>{{ title }}</h1>
<form method="post" action="{{ action }}">{% csrf_token %}
{% for name, value in hidden %}<input type="hidden" name="{{ name }}" value="{{ value }}">
{% endfor %}<input name="title"></form>
<ul>{% for note in notes %}
<li data-note-id="{{ note.pk }}"><a href="/notes/{{ note.pk }}/{{ note.slug }}/">{{ note.title }}</a></li>{% endfor %}
</ul>
{% if note %}<p>Note {{ note.pk }} by {{ user.username }}</p>{% endif %}
</body></html>"""
)


def page(request: HttpRequest, title: str, action: str, **more: Any) -> HttpResponse:
    """Return a page with a form."""
    context = {"title": title, "action": action, "user": request.user, **more}
    return HttpResponse(PAGE.render(context, request))


def watched(view: Any) -> Any:
    """Note whose session a request has, beside who the client says to be."""

    def seen(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        who = request.headers.get("x-user", "")
        if request.user.is_authenticated and request.user.get_username() != who:
            MIXED.append(f"{request.path}: {who} as {request.user.get_username()}")
        answer: HttpResponseBase = view(request, *args, **kwargs)
        return answer

    return seen


def member(view: Any) -> Any:
    """Ask for a login."""

    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect("/login/")
        answer: HttpResponseBase = view(request, *args, **kwargs)
        return answer

    return watched(guarded)


@watched
def log_in(request: HttpRequest) -> HttpResponse:
    """Let a user in, and make the account at the first time."""
    if request.method == "GET":
        return page(request, "Log in", "/login/")
    name, password = request.POST["name"], request.POST["password"]
    if not User.objects.filter(username=name).exists():
        User.objects.create_user(name, password=password)
    user = authenticate(request, username=name, password=password)
    if user is None:
        return HttpResponse(status=403)
    login(request, user)
    return redirect("/notes/")


@watched
def log_out(request: HttpRequest) -> HttpResponse:
    """Let a user out."""
    logout(request)
    return redirect("/login/")


@member
def notes(request: HttpRequest) -> HttpResponse:
    """List a user's notes, or make one."""
    own = Note.objects.filter(owner=request.user).order_by("pk")
    if request.method == "GET":
        return page(request, "Notes", "/notes/", notes=own)
    title = request.POST["title"]
    note = Note.objects.create(owner=request.user, title=title, slug=slugify(title))
    return redirect(f"/notes/{note.pk}/{note.slug}/")


@member
def note(request: HttpRequest, pk: int, slug: str) -> HttpResponse:
    """Show a note, or change it."""
    found = Note.objects.filter(owner=request.user, pk=pk, slug=slug).first()
    if found is None:
        return HttpResponse("no such note", status=404)
    if request.method == "POST":
        if int(request.POST["note_id"]) != pk:
            return HttpResponse("another note", status=409)
        found.title = request.POST["title"]
        found.save()
        return redirect(request.path)
    hidden = [("note_id", found.pk), ("key", found.key)]
    return page(request, found.title, request.path, note=found, hidden=hidden)


def told(note: Note) -> dict[str, Any]:
    """Return a note as the API shows it."""
    return {
        "id": note.pk,
        "key": str(note.key),
        "owner": note.owner.pk,
        "title": note.title,
        "url": f"/api/notes/{note.pk}/",
        "comments": [
            {"id": c.pk, "text": c.text}
            for c in Comment.objects.filter(note=note).order_by("pk")
        ],
    }


@member
def api_me(request: HttpRequest) -> JsonResponse:
    """Tell who is logged in."""
    return JsonResponse({"id": request.user.pk, "name": request.user.get_username()})


@member
def api_notes(request: HttpRequest) -> JsonResponse:
    """List notes, or make one."""
    if request.method == "POST":
        said = json.loads(request.body)
        made = Note.objects.create(
            owner=request.user, title=said["title"], slug=slugify(said["title"])
        )
        answer = JsonResponse(told(made), status=201)
        answer["Location"] = f"/api/notes/{made.pk}/"
        return answer
    own = Note.objects.filter(owner=request.user).order_by("pk")
    if key := request.GET.get("key"):
        own = own.filter(key=key)
    start = (int(request.GET.get("page", "1")) - 1) * 5
    return JsonResponse(
        {"results": [*map(told, own[start : start + 5])], "page": start // 5}
    )


@member
def api_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Show, change or delete a note."""
    found = Note.objects.filter(owner=request.user, pk=pk).first()
    if found is None:
        return JsonResponse({"detail": "no such note"}, status=404)
    tag = f'"{found.key.hex[:12]}-{found.title}"'
    if request.method == "DELETE":
        Comment.objects.filter(note=found).delete()
        found.delete()
        return HttpResponse(status=204)
    if request.method == "PATCH":
        if request.headers.get("if-match") != tag:
            return JsonResponse({"detail": "changed meanwhile"}, status=412)
        found.title = json.loads(request.body)["title"]
        found.save()
        tag = f'"{found.key.hex[:12]}-{found.title}"'
    answer = JsonResponse(told(found))
    answer["ETag"] = tag
    return answer


@member
def api_comments(request: HttpRequest) -> JsonResponse:
    """Put a line below the note that the body names."""
    said = json.loads(request.body)
    found = Note.objects.filter(owner=request.user, pk=said["note_id"]).first()
    if found is None:
        return JsonResponse({"detail": "no such note"}, status=404)
    made = Comment.objects.create(note=found, text=said["text"])
    return JsonResponse(
        {"id": made.pk, "note_id": found.pk, "text": made.text}, status=201
    )


def mixed(request: HttpRequest) -> JsonResponse:
    """Tell of mix-ups; asked by the benchmark alone."""
    return JsonResponse({"mixed": MIXED})


urlpatterns = [
    path("login/", log_in),
    path("logout/", log_out),
    path("notes/", notes),
    path("notes/<int:pk>/<slug:slug>/", note),
    path("api/me/", api_me),
    path("api/notes/", api_notes),
    path("api/notes/<int:pk>/", api_note),
    path("api/comments/", api_comments),
    path("mixed/", mixed),
]


def make() -> Any:
    """Make the tables with their first numbers, and return the app."""
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Note)
        editor.create_model(Comment)
    with connection.cursor() as cursor:
        for step, table in enumerate(
            ("auth_user", "workflow_note", "workflow_comment")
        ):
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
            cursor.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)",
                [table, FIRST * (step + 1)],
            )
    return get_asgi_application()


application = make() if "WORKFLOW_DB" in os.environ else None
