"""
Serves the pages: from a request to a visit, from what is shown to an answer.

The one place that knows errors: whatever a page raises becomes a page as well, never a
traceback.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from shadow_middleware.api.access import Access, Visitor
from shadow_middleware.api.operation import Evidence
from shadow_middleware.dashboard.filters import (
    PERIODS,
    Filters,
    filters_of,
    problems_of,
)
from shadow_middleware.dashboard.links import Links
from shadow_middleware.dashboard.rendering import is_look, respond
from shadow_middleware.dashboard.screen import Document, Screen, Shown, Visit
from shadow_middleware.errors import StoreError

__all__ = ["Pages", "form_of"]


_log = logging.getLogger("shadow_middleware.dashboard")
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
        guard: Access,
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
            # The host's permission may ask a database.
            visitor = await run_in_threadpool(self._guard.visitor, request)
            if visitor is None:
                return self._refused(request)
            form: dict[str, str] = {}
            if screen.method == "POST":
                sent = await form_of(request)
                if sent is None:
                    return Response("the form is too long", 413)
                form = sent
                token = form.pop("csrf_token", "")
                token = request.headers.get("x-csrf-token", token)
                if not self._guard.may_post(request, visitor, token):
                    return Response("the CSRF token is missing or old", 403)
            return await run_in_threadpool(self._answer, request, screen, visitor, form)

        return endpoint

    def sign_in(self, request: Request, problem: str, back: str) -> Response:
        """Return the page that asks for the token, as an answer to who may not look."""
        values = {
            **self.frame(request, "Sign in"),
            "problem": problem,
            "next": back,
            "takes_token": self._guard.takes_token,
        }
        return respond(request, "login.html", values, 401)

    def _refused(self, request: Request) -> Response:
        if is_look(request) or request.method != "GET":
            return Response("sign in first", 401)
        prefix = request.scope.get("root_path", "").rstrip("/")
        query = f"?{request.url.query}" if request.url.query else ""
        return self.sign_in(
            request, "", request.scope["path"].removeprefix(prefix) + query
        )

    def _answer(
        self,
        request: Request,
        screen: Screen,
        visitor: Visitor,
        form: Mapping[str, str],
    ) -> Response:
        filters = filters_of(request.query_params, self._now())
        try:
            visit = self._visit(request, filters, form)
            if screen.method == "GET":
                shown = shown_of(screen, visit)
            else:
                shown = screen.show(visit)
            return self._sent(request, screen, visitor, filters, shown)
        except StoreError as error:
            shown = _away(error)
        except Exception:  # noqa: BLE001 -- a host must not get our traceback
            _log.exception("%s %s failed", request.method, request.url.path)
            shown = _mistake()
        return self._sent(request, screen, visitor, filters, shown)

    def _sent(
        self,
        request: Request,
        screen: Screen,
        visitor: Visitor,
        filters: Filters,
        shown: Shown,
    ) -> Response:
        if shown.goto:
            return self._go(request, shown.goto)
        if shown.document:
            return _handed_over(shown.document)
        values = self._values(request, screen, visitor, filters, shown)
        return respond(request, shown.template, values, shown.status)

    def _visit(
        self, request: Request, filters: Filters, form: Mapping[str, str]
    ) -> Visit:
        return Visit(
            reading=self._evidence.reading,
            triage=self._evidence.triage,
            steering=self._evidence.steering,
            filters=filters,
            path=dict(request.path_params),
            query=dict(request.query_params),
            form=form,
        )

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
        filters: Filters,
        shown: Shown,
    ) -> dict[str, Any]:
        links = self.links(request, filters.query)
        path = dict(request.path_params)
        kept = {
            name: value
            for name, value in request.query_params.items()
            if name not in ("target", "since", "offset", "csrf_token")
        }
        return {
            **self.frame(request, shown.title or screen.label or screen.name),
            "nav": self._nav,
            "here": screen.part_of or screen.name,
            "name": screen.name,
            "path": path,
            "kept": kept,
            "url": links.url,
            "self_url": links.url(screen.name, _keep=True, **path),
            "csrf": visitor.csrf,
            "signed_in": visitor.session,
            "every": screen.every,
            "filters": filters,
            "periods": PERIODS,
            "problems": [*problems_of(screen.choices, request.query_params)],
            **shown.values,
        }


def shown_of(screen: Screen, visit: Visit) -> Shown:
    """Return what a page shows, all of one state of the store, and how old that is."""
    with visit.reading.look() as look:
        shown = screen.show(visit)
    values = {"behind": look.behind, **shown.values}
    return msgspec.structs.replace(shown, values=values)


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


def _mistake() -> Shown:
    values = {
        "heading": "This page could not be made",
        "message": "A mistake of ours, not of your app: the log tells more.",
        "advice": (),
    }
    return Shown(
        template="problem.html", values=values, status=500, title="A mistake of ours"
    )


async def form_of(request: Request) -> dict[str, str] | None:
    """Return the fields of a form as browsers send it; None where it is too long."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return None
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
