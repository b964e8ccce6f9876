"""
From what a format tells to a record: ids, pseudonyms, places, bad records.

One `Maker` serves one file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final

from shadow_middleware.exchange import (
    Body,
    Exchange,
    Headers,
    Request,
    Response,
    Timing,
)
from shadow_middleware.traffic.importers.options import Options, Unreadable
from shadow_middleware.traffic.ndjson import sample_of
from shadow_middleware.traffic.recorded import NO_TIMING, BadRecord, Missing, Recorded

__all__ = [
    "BODILESS",
    "Maker",
    "check_time",
    "first_value",
    "known",
    "lacking",
    "unknown",
]

BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that have a body so rarely that a source which tells of none has none."""
_YEAR_10000: Final = 253_402_300_800
_MOST: Final = 2**53
"""What every reader of JSON takes for a whole number."""


class Maker:
    """Makes the records of one file."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._count = 0
        self._whole_file = options.source.encode("utf-8", "surrogateescape")

    def record(
        self,
        place: int | str,
        at: float,
        request: Request,
        response: Response | None,
        *,
        timing: Timing | None = None,
        missing: Iterable[Missing] = (),
        user: bytes = b"",
        client: bytes = b"",
        route: str = "",
    ) -> Recorded:
        """
        Return the record of an exchange.

        Args:
            place: The number of its line or entry.
            at: When live began to serve it, in seconds since the epoch.
            timing: None where the source tells of none.
            missing: What else the source does not tell.
            user: Who asked, as the source names them; only a pseudonym is kept.
            client: The address that asked, likewise.
            route: The template, where the source knows it.

        Raises:
            Unreadable: it was at a time that there is not.
        """
        check_time(at)
        self._count += 1
        lacks = set(missing)
        if timing is None:
            lacks.add(Missing.TIMING)
        if response is None:
            lacks.add(Missing.RESPONSE)
        exchange = Exchange(
            id=f"{self._options.process}-{self._count:x}",
            at=round(at, 6),
            request=request,
            response=response,
            timing=timing or NO_TIMING,
            route=route or request.path.decode("utf-8", "replace"),
            key=self._key(request.headers, user, client),
        )
        return Recorded(exchange, frozenset(lacks), self.place(place))

    def bad(self, place: int | str, reason: str, sample: bytes = b"") -> BadRecord:
        """Return a bad record that shows how the piece begins, without its secrets."""
        return BadRecord(self.place(place), reason, sample_of(sample))

    def place(self, place: int | str) -> str:
        """Return where a piece is: `access.log:17`."""
        return f"{self._options.source}:{place}"

    def _key(self, headers: Headers, user: bytes, client: bytes) -> str | None:
        session = self._options.session
        if session.kind == "none":
            return None
        if session.kind == "file":
            return self._pseudonym(b"file", self._whole_file)
        if session.kind == "header":
            name = session.name.lower().encode("latin-1", "replace")
            return self._pseudonym(b"header", first_value(headers, name))
        if session.kind == "cookie":
            return self._pseudonym(b"cookie", _cookie(headers, session.name))
        if user and session.kind != "client":
            return self._pseudonym(b"user", user)
        if session.kind == "user":
            return None
        return self._pseudonym(b"client", _device(headers, client))

    def _pseudonym(self, kind: bytes, value: bytes) -> str | None:
        if not value:
            return None
        made = blake2b(value, digest_size=12, key=self._options.salt, person=kind)
        return made.hexdigest()


def check_time(at: float) -> float:
    """
    Return the time.

    Raises:
        Unreadable: it is none between 1970 and 9999.
    """
    if not 0 <= at < _YEAR_10000:
        raise Unreadable("the time is out of range")
    return at


def known(data: bytes) -> Body:
    """Return a body of which all bytes are known."""
    return Body(data, len(data))


def lacking(request: Request, response: Response | None) -> set[Missing]:
    """Return which bodies of what went over the wire are cut."""
    lacks = set()
    if not request.body.complete:
        lacks.add(Missing.REQUEST_BODY)
    if response is not None and not response.body.complete:
        lacks.add(Missing.RESPONSE_BODY)
    return lacks


def unknown(length: int = 0) -> Body:
    """Return a body of which at most the length is known."""
    return Body(b"", min(length, _MOST))


def first_value(headers: Headers, wanted: bytes) -> bytes:
    """Return the first value of a header, its name in lower case; b"" without one."""
    return next((value for name, value in headers if name.lower() == wanted), b"")


def _device(headers: Headers, client: bytes) -> bytes:
    """Return address and user agent: who shares an address seldom shares both."""
    address = client or first_value(headers, b"x-forwarded-for").partition(b",")[0]
    if not address:
        return b""
    return address.strip() + b" " + first_value(headers, b"user-agent")


def _cookie(headers: Headers, wanted: str) -> bytes:
    for name, value in _cookies(headers):
        if name == wanted.encode("latin-1", "replace"):
            return value
    return b""


def _cookies(headers: Headers) -> Iterator[tuple[bytes, bytes]]:
    for header, line in headers:
        if header.lower() == b"cookie":
            for pair in line.split(b";"):
                name, _, value = pair.strip().partition(b"=")
                yield name, value
