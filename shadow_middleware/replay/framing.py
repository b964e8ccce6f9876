"""How the body of a request is framed: by its length, where one is expected."""

from __future__ import annotations

from shadow_middleware.exchange import Request

__all__ = ["length_field", "target_of"]

_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "DELETE", "CONNECT"})


def length_field(request: Request) -> tuple[bytes, bytes] | None:
    """Return the header that frames the body; None where nobody expects one."""
    length = len(request.body.data)
    if not length and request.method in _BODILESS:
        return None
    return (b"Content-Length", b"%d" % length)


def target_of(request: Request) -> bytes:
    """Return what stands in the request line: path and query, byte for byte."""
    if not request.query:
        return request.path
    return b"%b?%b" % (request.path, request.query)
