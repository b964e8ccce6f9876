"""
From a captured exchange to the request that one target gets.

Path and query go out byte for byte behind the target's base path. Headers keep
their order, case and duplicates, except those that belong to one connection, those
that frame the body (the sender writes them anew), and those that are withheld.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec

from shadow_middleware.errors import ReplayRefused
from shadow_middleware.exchange import Exchange, Headers, Request
from shadow_middleware.settings import Settings, Target
from shadow_middleware.transform.credentials import withheld_names
from shadow_middleware.transform.marker import MARKER_HEADER
from shadow_middleware.transform.trace import LINK_HEADER, is_trace, trace_headers

__all__ = ["Outgoing", "checked", "host_of", "never_sent"]

_NOT_SENT = frozenset(
    {
        # Of one connection: RFC 9110, 7.6.1.
        b"connection",
        b"keep-alive",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
        # Of the framing, which the sender writes: RFC 9112, 6.
        b"content-length",
        b"expect",
        # Ours.
        MARKER_HEADER,
        LINK_HEADER,
    }
)
_NEVER_BY_CONNECTION = frozenset({b"host", b"content-type", b"content-encoding"})
"""What a client may not remove by naming it in `Connection`: without them the
request means something else."""

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_UNSAFE_VALUE = re.compile(rb"[\r\n\x00]")
_UNSAFE_TARGET = re.compile(rb"[\x00-\x20\x7f]")
_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")


class Outgoing:
    """Turns exchanges into requests for one target. Call it."""

    def __init__(self, target: Target, settings: Settings) -> None:
        url = urlsplit(target.address)
        self._base = url.path.rstrip("/").encode("ascii")
        self._host = _authority(url.scheme, url.hostname or "", url.port)
        self._keeps_host = (target.host or settings.host) == "preserve"
        self._withheld = withheld_names(settings, target)
        self._name = target.name
        self._trace = settings.trace

    def __call__(self, exchange: Exchange, marker: bytes) -> Request:
        """
        Return the request to send, final but for its framing headers.

        Args:
            exchange: The exchange as captured.
            marker: The value of the marker header.

        Raises:
            ReplayRefused: it cannot be sent faithfully and safely: the body was cut
                (`request_cut`), or a header, the target or the method could split
                or smuggle a request (`header`, `target`, `method`).
        """
        request = exchange.request
        if not request.body.complete:
            raise ReplayRefused(
                f"only {len(request.body.data)} of {request.body.length} bytes of the "
                "request body were kept; raise max_request_body to replay it",
                reason="request_cut",
            )
        _check_line(request)
        return Request(
            method=request.method,
            path=self._path(request),
            query=request.query,
            headers=self._headers(request.headers, marker, exchange.id),
            body=request.body,
            scheme=request.scheme,
            http_version=request.http_version,
        )

    def host_for(self, request: Request) -> str:
        """Return the host that the target is addressed by, as in the Host header."""
        if self._keeps_host:
            return host_of(request)
        return self._host.decode("latin-1")

    def _path(self, request: Request) -> bytes:
        path = request.path
        if path[:1] == b"/":
            return self._base + path
        if path == b"*" and not self._base:
            return path
        raise ReplayRefused(
            f"the path must begin with '/': {path[:40]!r}", reason="target"
        )

    def _headers(
        self, headers: Headers, marker: bytes, exchange: str
    ) -> list[tuple[bytes, bytes]]:
        lower = [name.lower() for name, _ in headers]
        named = _named_by_connection(headers) if b"connection" in lower else ()
        withheld = self._withheld
        kept: list[tuple[bytes, bytes]] = []
        context: list[tuple[bytes, bytes]] = []
        for field, name in zip(headers, lower, strict=True):
            if name in named or withheld[name] or never_sent(name):
                continue
            _check(field)
            (context if is_trace(name) else kept).append(field)
        self._set_host(kept, forwarded=b"x-forwarded-host" in lower)
        if context:
            kept += trace_headers(context, self._trace, f"{exchange} {self._name}")
        kept.append((b"X-Shadow-Request", marker))
        return kept

    def _set_host(self, kept: list[tuple[bytes, bytes]], *, forwarded: bool) -> None:
        at = [i for i, (name, _) in enumerate(kept) if name.lower() == b"host"]
        if len(at) > 1:
            raise ReplayRefused("more than one Host header", reason="header")
        if not at:
            kept.insert(0, (b"Host", self._host))
            return
        name, original = kept[at[0]]
        if not self._keeps_host:
            kept[at[0]] = (name, self._host)
        if not forwarded:
            kept.append((b"X-Forwarded-Host", original))


def checked(request: Request, like: Request) -> Request:
    """
    Return a request that steps have changed, safe to be sent.

    Args:
        request: As the steps left it.
        like: As it was before, for the marker: no step may take it off.

    Raises:
        ReplayRefused: a header, the target or the method could split a request.
    """
    _check_line(request)
    if request.path[:1] != b"/" and request.path != b"*":
        raise ReplayRefused("the path must begin with '/'", reason="target")
    kept = [field for field in request.headers if not never_sent(field[0].lower())]
    for field in kept:
        _check(field)
    kept += [field for field in like.headers if field[0].lower() == MARKER_HEADER]
    return msgspec.structs.replace(request, headers=kept)


def host_of(request: Request) -> str:
    """Return the host that a request is for, '' where it names none."""
    for name, value in request.headers:
        if len(name) == 4 and name.lower() == b"host":
            return value.decode("latin-1")
    return ""


def never_sent(name: bytes) -> bool:
    """Whether a header of this name, in lower case, is of one connection, or ours."""
    return name in _NOT_SENT or name[:6] == b"proxy-"


def _authority(scheme: str, host: str, port: int | None) -> bytes:
    shown = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
    if port is None or port == {"http": 80, "https": 443}.get(scheme):
        return shown.encode("ascii")
    return f"{shown}:{port}".encode("ascii")


def _named_by_connection(headers: Headers) -> frozenset[bytes]:
    names = {
        name.strip().lower()
        for field, value in headers
        if field.lower() == b"connection"
        for name in value.split(b",")
    }
    return frozenset(names - _NEVER_BY_CONNECTION)


def _check_line(request: Request) -> None:
    """Refuse a method or a target that would make another request of it."""
    if not _METHOD.match(request.method):
        raise ReplayRefused(f"not a method: {request.method!r}", reason="method")
    if _UNSAFE_TARGET.search(request.path) or _UNSAFE_TARGET.search(request.query):
        raise ReplayRefused("a blank or control byte in the path", reason="target")


def _check(field: tuple[bytes, bytes]) -> None:
    name, value = field
    if not _is_token(name):
        raise ReplayRefused(f"not a header name: {name[:40]!r}", reason="header")
    if _UNSAFE_VALUE.search(value):
        raise ReplayRefused(
            f"a line break or NUL in header {name.decode('ascii')}", reason="header"
        )


@lru_cache(maxsize=1024)
def _is_token(name: bytes) -> bool:
    return _TOKEN.match(name) is not None
