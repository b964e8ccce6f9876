"""Signing in with the token or with a link that works once, and signing out."""

from __future__ import annotations

from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from shadow_middleware.api.access import Access
from shadow_middleware.dashboard.pages import Pages, form_of

__all__ = ["Login"]

_WRONG = "That is not the token."


class Login:
    """The two pages that anybody may ask for."""

    def __init__(self, pages: Pages, access: Access) -> None:
        self._pages = pages
        self._access = access

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/login", self._show, methods=["GET"], name="login"),
            Route("/login", self._enter, methods=["POST"]),
            Route("/logout", self._leave, methods=["POST"], name="logout"),
        ]

    async def _show(self, request: Request) -> Response:
        code = request.query_params.get("code")
        if code and self._access.is_code(code):
            return self._welcome(request, "/")
        problem = "That link was used already, or is old." if code else ""
        back = request.query_params.get("next", "")
        response = self._pages.sign_in(request, problem, back)
        response.status_code = 401 if problem else 200
        return response

    async def _enter(self, request: Request) -> Response:
        form = await form_of(request) or {}
        if not self._access.is_token(form.get("token", "")):
            return self._pages.sign_in(request, _WRONG, form.get("next", ""))
        return self._welcome(request, form.get("next", ""))

    async def _leave(self, request: Request) -> Response:
        form = await form_of(request) or {}
        # The host's permission may ask a database.
        visitor = await run_in_threadpool(self._access.visitor, request)
        if visitor is None or not self._access.may_post(
            request, visitor, form.get("csrf_token", "")
        ):
            return Response("the CSRF token is missing or old", 403)
        response = RedirectResponse(_prefix(request) + "/login", 303)
        self._access.sign_out(request, response)
        return response

    def _welcome(self, request: Request, back: str) -> Response:
        response = RedirectResponse(_prefix(request) + _own(back), 303)
        self._access.sign_in(request, response)
        return response


def _own(path: str) -> str:
    """Return a path of ours: what could lead to another host leads to the overview."""
    plain = path.startswith("/") and "\\" not in path and path.isprintable()
    return path if plain and not path.startswith("//") else "/"


def _prefix(request: Request) -> str:
    return quote(str(request.scope.get("root_path", "")).rstrip("/"), safe="/")
