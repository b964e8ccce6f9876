"""The door that all endpoints are behind, so that a new one cannot be left open."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shadow_middleware.api.access import Access
from shadow_middleware.api.problem import answer_of

__all__ = ["Door"]

_READING: Final = ("GET", "HEAD")


class Door:
    """
    Lets nobody in without permission, whatever the path.

    Args:
        app: What is behind it.
        access: Who may look, and whose writes are their own.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as the app does, for those who may see it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # The host's permission may ask a database.
        refusal = await run_in_threadpool(self._refusal, Request(scope, receive))
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        visitor = self._access.visitor(request)
        if visitor is None:
            headers = {"WWW-Authenticate": "Bearer"}
            return answer_of(401, "send Authorization: Bearer TOKEN", **headers)
        given = request.headers.get("x-csrf-token", "")
        if request.method in _READING or self._access.may_post(request, visitor, given):
            return None
        return answer_of(403, "the header X-CSRF-Token is missing or old")
