"""Which recorded exchanges fit: by route, path, method, status, header, text, time."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from shadow_middleware.compare.decode import decode
from shadow_middleware.exchange import Body, Exchange, Headers
from shadow_middleware.selection import Globs

__all__ = ["Search", "Wanted"]

_MOST_EXPANDED: Final = 16 * 1024 * 1024


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for. A field that is empty or None fits all."""

    routes: tuple[str, ...] = ()
    """Globs over `/users/{id}`, or over `GET /users/{id}` where they have a method."""
    paths: tuple[str, ...] = ()
    """Globs over the raw path."""
    methods: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    """`200`, `5xx`, or `none` where there is no answer."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """A name in lower case, and what its value holds, on either side."""
    text: str = ""
    """A pattern in a path, query, header or body of either side."""
    ignore_case: bool = False
    session: str = ""
    """A session's pseudonym, or how it begins."""
    id: str = ""
    """An exchange's id, or how it begins."""
    since: float | None = None
    until: float | None = None


class Search:
    """
    Says of an exchange whether it is one that is wanted.

    Raises:
        re.error: the text is no pattern.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._paths = Globs(wanted.paths)
        self._plain = Globs([one for one in wanted.routes if " " not in one])
        self._named = Globs([one for one in wanted.routes if " " in one])
        flags = re.IGNORECASE if wanted.ignore_case else 0
        self._text = re.compile(wanted.text.encode(), flags) if wanted.text else None

    def __call__(self, exchange: Exchange) -> bool:
        """Whether everything that is asked for fits; the cheapest is asked first."""
        return (
            self._fits_time(exchange)
            and self._fits_names(exchange)
            and self._fits_place(exchange)
            and self._fits_status(exchange)
            and self._fits_headers(exchange)
            and (self._text is None or self._holds(self._text, exchange))
        )

    def _fits_time(self, exchange: Exchange) -> bool:
        since, until = self._wanted.since, self._wanted.until
        at = exchange.at
        return (since is None or at >= since) and (until is None or at < until)

    def _fits_names(self, exchange: Exchange) -> bool:
        wanted = self._wanted
        return (
            (not wanted.methods or exchange.request.method in wanted.methods)
            and (exchange.key or "").startswith(wanted.session)
            and exchange.id.startswith(wanted.id)
        )

    def _fits_place(self, exchange: Exchange) -> bool:
        if self._paths and not self._paths.match(
            exchange.request.path.decode("latin-1")
        ):
            return False
        if not self._wanted.routes:
            return True
        return self._plain.match(exchange.route) or self._named.match(exchange.endpoint)

    def _fits_status(self, exchange: Exchange) -> bool:
        statuses = self._wanted.statuses
        if not statuses:
            return True
        response = exchange.response
        status = "none" if response is None else str(response.status)
        return status in statuses or f"{status[:1]}xx" in statuses

    def _fits_headers(self, exchange: Exchange) -> bool:
        both = [*exchange.request.headers]
        both += exchange.response.headers if exchange.response else ()
        return all(
            any(name == key.lower() and part in value for key, value in both)
            for name, part in self._wanted.headers
        )

    def _holds(self, text: re.Pattern[bytes], exchange: Exchange) -> bool:
        request, response = exchange.request, exchange.response
        if text.search(request.path_and_query):
            return True
        if _in_message(text, request.headers, request.body):
            return True
        return response is not None and _in_message(
            text, response.headers, response.body
        )


def _in_message(text: re.Pattern[bytes], headers: Headers, body: Body) -> bool:
    if any(text.search(b"%b: %b" % field) for field in headers):
        return True
    return text.search(_plain(headers, body)) is not None


def _plain(headers: Headers, body: Body) -> bytes:
    codings = [
        coding.strip()
        for name, value in headers
        if name.lower() == b"content-encoding"
        for coding in value.decode("latin-1").lower().split(",")
    ]
    return decode(body.data, codings, _MOST_EXPANDED).data if codings else body.data
