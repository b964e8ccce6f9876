"""Asks the API of a dashboard: one connection for each question, no redirect followed."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from shadow_middleware import __version__
from shadow_middleware.addresses import check_url
from shadow_middleware.configuration import Place
from shadow_middleware.errors import ApiError, ConfigurationError

__all__ = ["ApiClient"]

_PATIENCE: Final = 30.0
_EXAMPLE: Final = "http://127.0.0.1:8765"

T = TypeVar("T")


class _About(msgspec.Struct, frozen=True):
    """Who describes itself."""

    title: str
    version: str


class _Document(msgspec.Struct, frozen=True):
    """The part of the OpenAPI document that tells whose it is."""

    info: _About


class _Problem(msgspec.Struct, frozen=True):
    """What the API says of a request that it does not answer."""

    detail: str


class ApiClient:
    """
    A client of one API. May be called from any thread.

    Args:
        url: Where the dashboard is, with or without `/api` at its end.
        token: What it knows us by.
        patience: Seconds that it may take to go on with an answer.

    Raises:
        ConfigurationError: the address or the token is none.
    """

    def __init__(self, url: str, token: str, patience: float = _PATIENCE) -> None:
        check_url(Place("--url", "command line"), url)
        if not (token and token.isascii() and token.isprintable()):
            raise ConfigurationError(
                "the token is empty, or has characters that no header can carry"
            )
        self._token = token
        self._patience = patience
        self._parts = urlsplit(url)
        self._base = self._parts.path.rstrip("/").removesuffix("/api")
        self.url = f"{self._parts.scheme}://{self._parts.netloc}{self._base}"
        """Where the dashboard is."""

    def check(self) -> None:
        """
        Ask who is there.

        Raises:
            ApiError: nobody, somebody else, or nobody that knows the token.
        """
        self._version()

    def read(self, path: str, answer: type[T], **query: object) -> T | None:
        """
        Return what is at a path below `/api`; None where there is nothing.

        Names whose value is None are left out of the query.
        """
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path, answer)

    def write(
        self, method: str, path: str, body: Mapping[str, object], answer: type[T]
    ) -> T | None:
        """
        Send what is decided; return what the API says of it, None where it is gone.

        Raises:
            ConfigurationError: it is refused for what it says, or cannot be done there.
        """
        return self._ask(method, path, answer, msgspec.json.encode(body))

    def _ask(
        self, method: str, path: str, answer: type[T], body: bytes | None = None
    ) -> T | None:
        """Return the answer; ApiError where there is none, None where it is 404."""
        status, data = self._sent(method, path, body)
        if status == 404:
            # A 404 of somebody else must not look like a group that has gone.
            self._version()
            return None
        if status in (400, 409, 422):
            raise ConfigurationError(_detail(data))
        if status >= 300:
            raise self._problem(status, data)
        try:
            return _decoded(data, answer)
        except (msgspec.MsgspecError, ValueError):
            raise ApiError(
                f"{self.url} is shadow_middleware {self._version()} and answers in "
                f"another form than {__version__} here knows; use one version for both"
            ) from None

    def _version(self) -> str:
        status, data = self._sent("GET", "/openapi.json")
        if status == 401:
            raise self._problem(status, data)
        try:
            about = msgspec.json.decode(data, type=_Document).info
        except msgspec.MsgspecError:
            about = None
        if status != 200 or about is None or about.title != "shadow_middleware":
            raise ApiError(
                f"{self.url} is no dashboard of shadow_middleware (it answers {status}); "
                f"name where one is, such as {_EXAMPLE}, with the prefix it is below"
            )
        return about.version

    def _problem(self, status: int, data: bytes) -> ApiError:
        if status == 401:
            return ApiError(
                f"{self.url} does not know this token; it is the one that the dashboard "
                "was started with"
            )
        if status < 400:
            return ApiError(f"{self.url} sends us elsewhere; name the address it is at")
        return ApiError(f"{self.url} answers {status}: {_detail(data)}")

    def _sent(
        self, method: str, path: str, body: bytes | None = None
    ) -> tuple[int, bytes]:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        try:
            with closing(self._connection()) as connection:
                connection.request(method, f"{self._base}/api{path}", body, headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
        except TimeoutError:
            raise ApiError(
                f"{self.url} did not answer within {self._patience:g} seconds"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or str(error) or repr(error)
            raise ApiError(f"{self.url} cannot be reached: {why}") from None

    def _connection(self) -> http.client.HTTPConnection:
        host, port = str(self._parts.hostname), self._parts.port
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=self._patience)
        return http.client.HTTPConnection(host, port, timeout=self._patience)


def _decoded(data: bytes, answer: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=answer)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Captured text may hold half a surrogate pair, which is escaped in the answer.
        loaded: Any = json.loads(data)
        return msgspec.convert(loaded, answer)


def _detail(data: bytes) -> str:
    try:
        return msgspec.json.decode(data, type=_Problem).detail
    except msgspec.MsgspecError:
        return "it does not say why"
