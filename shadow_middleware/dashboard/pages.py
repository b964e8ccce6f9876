"""
Serves the pages: from a request to a visit, from what is shown to an answer.

The one place that knows errors: whatever a page raises becomes a page as well, never a
traceback.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, quote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from shadow_middleware.dashboard.filters import PERIODS, filters_of
from shadow_middleware.dashboard.links import Links
from shadow_middleware.dashboard.rendering import is_look, respond
from shadow_middleware.dashboard.screen import Document, Screen, Shown, Visit
from shadow_middleware.errors import StoreError
from shadow_middleware.reading import Reading, Triage

__all__ = ["Evidence", "Guard", "Pages", "Visitor"]


class Visitor(msgspec.Struct, frozen=True):
    """Somebody who may look."""

    csrf: str = ""
    """The token that a form of theirs has to send along."""
    session: bool = False
    """Whether they signed in here, so that they can sign out."""


class Guard(Protocol):
    """Says who may look. The same for pages and for the API."""

    def visitor(self, request: Request) -> Visitor | None:
        """Return who looks; None where nobody may."""
        ...

    def may_post(self, request: Request, token: str) -> bool:
        """Return whether a form with this CSRF token is the visitor's own."""
        ...


class Evidence(Protocol):
    """Where pages read, and where they write what a person decides."""

    reading: Reading
    triage: Triage


_LONGEST_FORM: Final = 64 * 1024
_AWAY: Final = (
    "Is the database there, and may this process read it?",
    "Nothing is lost: agents hold what they have until it is back, within bounds. "
    "This page looks again by itself.",
)


class Pages:
    """All pages of a dashboard, as routes."""

    def __init__(
        self,
        screens: Sequence[Screen],
        evidence: Evidence,
        guard: Guard,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._screens = screens
        self._evidence = evidence
        self._guard = guard
        self._now = now
        self._paths = {one.name: one.path for one in screens}
        self._paths |= {"login": "/login", "logout": "/logout"}
        self._nav = [one for one in screens if one.label]

    def routes(self) -> list[Route]:
        """Return the routes, each behind the guard."""
        return [
            Route(one.path, self._endpoint(one), methods=[one.method], name=one.name)
            for one in self._screens
        ]

    def links(self, request: Request, kept: Mapping[str, str] | None = None) -> Links:
        """Return what makes the links of an answer to the request."""
        prefix = request.scope.get("root_path", "").rstrip("/")
        return Links(prefix, self._paths, kept or {}, dict(request.query_params))

    def frame(self, request: Request, title: str) -> dict[str, Any]:
        """Return the values that the layout wants, for a page without evidence."""
        links = self.links(request)
        return {
            "title": title,
            "nav": (),
            "here": "",
            "url": links.url,
            "static": links.static,
            "csrf": "",
            "signed_in": False,
            "every": 0,
            "etag": "",
        }

    def _endpoint(self, screen: Screen) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            visitor = self._guard.visitor(request)
            if visitor is None:
                return self._sign_in(request)
            form: dict[str, str] = {}
            if screen.method == "POST":
                sent = await _form_of(request)
                if sent is None:
                    return Response("the form is too long", 413)
                form = sent
                token = form.pop("csrf_token", "")
                token = request.headers.get("x-csrf-token", token)
                if not self._guard.may_post(request, token):
                    return Response("the CSRF token is missing or old", 403)
            return await run_in_threadpool(self._answer, request, screen, visitor, form)

        return endpoint

    def _sign_in(self, request: Request) -> Response:
        if is_look(request) or request.method != "GET":
            return Response("sign in first", 401)
        query = f"?{request.url.query}" if request.url.query else ""
        back = request.scope["path"].removeprefix(
            request.scope.get("root_path", "").rstrip("/")
        )
        links = self.links(request)
        return RedirectResponse(links.url("login", next=back + query), 303)

    def _answer(
        self,
        request: Request,
        screen: Screen,
        visitor: Visitor,
        form: Mapping[str, str],
    ) -> Response:
        query = dict(request.query_params)
        visit = Visit(
            reading=self._evidence.reading,
            triage=self._evidence.triage,
            filters=filters_of(query, self._now()),
            path=dict(request.path_params),
            query=query,
            form=form,
        )
        try:
            shown = screen.show(visit)
        except StoreError as error:
            shown = _away(error)
        if shown.goto:
            return self._go(request, shown.goto)
        if shown.document:
            return _handed_over(shown.document)
        values = self._values(request, screen, visitor, visit, shown)
        return respond(request, shown.template, values, shown.status)

    def _go(self, request: Request, path: str) -> Response:
        prefix = quote(request.scope.get("root_path", "").rstrip("/"), safe="/")
        if is_look(request):
            return Response(status_code=204, headers={"HX-Redirect": prefix + path})
        return RedirectResponse(prefix + path, 303)

    def _values(
        self,
        request: Request,
        screen: Screen,
        visitor: Visitor,
        visit: Visit,
        shown: Shown,
    ) -> dict[str, Any]:
        links = self.links(request, visit.filters.query)
        kept = {
            name: value
            for name, value in visit.query.items()
            if name not in ("target", "since", "offset", "csrf_token")
        }
        return {
            **self.frame(request, shown.title or screen.label or screen.name),
            "nav": self._nav,
            "here": screen.part_of or screen.name,
            "name": screen.name,
            "path": visit.path,
            "kept": kept,
            "url": links.url,
            "self_url": links.url(screen.name, _keep=True, **visit.path),
            "csrf": visitor.csrf,
            "signed_in": visitor.session,
            "every": screen.every,
            "filters": visit.filters,
            "periods": PERIODS,
            **shown.values,
        }


def _handed_over(document: Document) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{document.name}"'}
    body = document.text.encode("utf-8", "replace")
    return Response(body, headers=headers, media_type=document.media_type)


def _away(error: StoreError) -> Shown:
    values = {
        "heading": "The store does not answer",
        "message": str(error),
        "advice": _AWAY,
    }
    title = "The store is away"
    return Shown(template="problem.html", values=values, status=503, title=title)


async def _form_of(request: Request) -> dict[str, str] | None:
    """Return the fields of a form as browsers send it; None where it is too long."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return None
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
