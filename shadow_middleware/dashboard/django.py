"""
The dashboard within a Django project, under WSGI and ASGI: one line in `urls.py`.

    path("shadow/", dashboard())

Staff may see it, as they may see Django's admin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, URLPattern, re_path, reverse
from starlette.types import ASGIApp

from shadow_middleware.api.access import Access
from shadow_middleware.api.opened import Opened
from shadow_middleware.dashboard.app import serve_pages
from shadow_middleware.dashboard.bridge import Answered, Asked, ask, host_allows
from shadow_middleware.django.configured import stated
from shadow_middleware.report.policy import Policy
from shadow_middleware.selection import OWN, ROUTE_KEY

__all__ = ["dashboard", "staff"]

_NAMESPACE: Final = "shadow_middleware"


def staff(request: HttpRequest) -> str:
    """Return who looks if they are active staff, as Django's admin asks it; '' if not."""
    user = getattr(request, "user", None)
    if user is None:
        raise ImproperlyConfigured(
            "the dashboard asks whether who looks is staff, and nobody says who it is: "
            "add django.contrib.auth.middleware.AuthenticationMiddleware to MIDDLEWARE, "
            "or give dashboard(allow=…)"
        )
    return str(user.pk) if user.is_active and user.is_staff else ""


def dashboard(
    *,
    allow: Callable[[HttpRequest], object] = staff,
    token: str | None = None,
    policy: Policy | None = None,
    config: str | None = None,
    **settings: Any,
) -> tuple[list[URLPattern], str, str]:
    """
    Return the dashboard and its API for `path("shadow/", dashboard())`.

    `reverse("shadow_middleware:dashboard")` is its address. The store is opened at the
    first look. Who may not look is sent to sign in: to the admin's page, else to
    `LOGIN_URL`.

    Args:
        allow: Who may look: called with Django's request, on its own thread. A text that
            it returns names who it is, so that CSRF tokens are theirs alone.
        token: What scripts send as a bearer token besides.
        policy: What is asked of a shadow; see `shadow-middleware verdict`.
        config: A TOML file with settings.
        settings: As of the middleware, above the dict `SHADOW_MIDDLEWARE`.

    Raises:
        ConfigurationError: the token is short enough to guess, or a setting is wrong.
    """
    given = {**stated(), **settings}
    evidence = Opened.of(given, config, policy, "the dashboard in urls.py")
    access = Access(token, host_allows, django_settings.SECRET_KEY)
    view = _View(serve_pages(evidence, access), allow)
    return [re_path(r"^(?P<path>.*)$", view, name="dashboard")], _NAMESPACE, _NAMESPACE


class _View:
    """One view for every path below the prefix."""

    # The dashboard has tokens of its own, and asks for itself who looks.
    csrf_exempt = True
    shadow_middleware = OWN  # so that its pattern is no route to cover
    login_required = False

    def __init__(self, app: ASGIApp, allow: Callable[[HttpRequest], object]) -> None:
        self._app = app
        self._allow = allow

    def __call__(self, request: HttpRequest, path: str = "") -> HttpResponse:
        """Answer as the dashboard does, or send who may not look to sign in."""
        request.META[ROUTE_KEY] = OWN
        asked = Asked(
            method=str(request.method),
            scheme=str(request.scheme),
            prefix=request.path.removesuffix(path).rstrip("/"),
            path=path,
            environ=request.META,
            body=request.body,
            who=self._allow(request),
        )
        answered = ask(self._app, asked)
        if answered.status == 401 and _is_page(answered):
            return self._sign_in(request)
        return _response_of(answered)

    def _sign_in(self, request: HttpRequest) -> HttpResponse:
        where = _admin_login() if self._allow is staff else ""
        user = getattr(request, "user", None)
        if not where and user is not None and user.is_authenticated:
            raise PermissionDenied  # to sign in once more would change nothing
        where = where or resolve_url(django_settings.LOGIN_URL)
        back = urlencode({"next": request.get_full_path()}, safe="/")
        return HttpResponseRedirect(f"{where}{'&' if '?' in where else '?'}{back}")


def _is_page(answered: Answered) -> bool:
    """Whether a person is told, and neither a script nor a page that looks for news."""
    kinds = [value for name, value in answered.headers if name == "content-type"]
    return any(kind.startswith("text/html") for kind in kinds)


def _admin_login() -> str:
    try:
        return reverse("admin:login")
    except NoReverseMatch:
        return ""


def _response_of(answered: Answered) -> HttpResponse:
    response = HttpResponse(answered.body, status=answered.status)
    del response.headers["Content-Type"]  # a 304 has none
    for name, value in answered.headers:
        if name.lower() == "set-cookie":
            response.cookies.load(value)
        else:
            response.headers[name] = value
    return response
