"""
The door for WSGI apps: Flask, Bottle, Django.

    app.wsgi_app = Isolation(app.wsgi_app, secret="...")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from shadow_middleware.isolation.context import ShadowRequest, entered
from shadow_middleware.isolation.door import (
    FORBIDDEN,
    MAX_AGE,
    REFUSED_HEADER,
    Door,
    refusal,
)
from shadow_middleware.isolation.memory import Memory
from shadow_middleware.transform.marker import MARKER_HEADER

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["MARKER_KEY", "Isolation"]

MARKER_KEY = "HTTP_" + MARKER_HEADER.decode().upper().replace("-", "_")
"""Where the marker stands in an environ."""


class Isolation:
    """
    Serves copies as copies: `is_shadow()` is true, and what they did is undone.

    It is undone when the server closes the answer, after its last byte.

    Raises:
        ConfigurationError: there is no secret, or something else is no use.
    """

    def __init__(
        self,
        app: WSGIApplication,
        /,
        *,
        secret: str = "",
        only_shadow: bool = False,
        open_paths: Iterable[str] = (),
        max_age: float = MAX_AGE,
        memory: Memory | str | None = None,
    ) -> None:
        self.app = app
        self._door = Door(
            secret,
            only_shadow=only_shadow,
            open_paths=open_paths,
            max_age=max_age,
            memory=memory,
        )

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Serve one request."""
        value = environ.get(MARKER_KEY)
        markers = [] if value is None else [value.encode("latin-1", "replace")]
        request = self._door.admit(markers)
        if self._door.refuses(request, environ.get("PATH_INFO", "")):
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [FORBIDDEN.encode()]
        if request is None:
            return self.app(environ, start_response)
        return self._serve(request, environ, start_response)

    def _serve(
        self,
        request: ShadowRequest,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        told = _Told(request, start_response)
        try:
            with entered(request):
                answer = self.app(environ, told)
        except Exception:
            with suppress(Exception):  # it is logged, and the app's own error goes on
                request.end()
            if not request.refused or told.started:
                raise
            return [told.refuse()]
        except BaseException:
            request.end()
            raise
        return _Answer(request, answer)


class _Told:
    """The `start_response` of a copy; says so where a write of it was refused."""

    def __init__(self, request: ShadowRequest, server: StartResponse) -> None:
        self._request = request
        self._server = server
        self.started = False

    def __call__(
        self, status: str, headers: list[tuple[str, str]], *exc_info: Any
    ) -> Callable[[bytes], object]:
        self.started = True
        if self._request.refused:
            headers = [*headers, (REFUSED_HEADER, self._request.refused)]
        return self._server(status, headers, *exc_info)

    def refuse(self) -> bytes:
        """Answer in the place of an app that failed over what was refused."""
        status, body = refusal(self._request)
        self(f"{status} Service Unavailable", [("Content-Type", "text/plain")])
        return body


class _Answer:
    """A copy's answer; made within the copy, and its end undoes it."""

    def __init__(self, request: ShadowRequest, answer: Iterable[bytes]) -> None:
        self._request = request
        self._answer = answer
        self._chunks: Iterator[bytes] | None = None

    def __iter__(self) -> _Answer:
        return self

    def __next__(self) -> bytes:
        with entered(self._request):
            if self._chunks is None:
                self._chunks = iter(self._answer)
            return next(self._chunks)

    def close(self) -> None:
        """Close the app's answer, then undo the request."""
        try:
            with entered(self._request):
                getattr(self._answer, "close", lambda: None)()
        finally:
            self._request.end()
