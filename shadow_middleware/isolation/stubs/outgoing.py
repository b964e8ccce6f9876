"""What all HTTP stubs ask: is this request stood in for, and with what answer?"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from shadow_middleware.errors import OutgoingRefusedError
from shadow_middleware.isolation.context import current
from shadow_middleware.isolation.options import Answer, Http
from shadow_middleware.isolation.recording import note

__all__ = ["refused", "stand_in", "stands_in"]


def stands_in(http: Http, method: str, url: str) -> bool:
    """Whether a copy makes this request, so that it must not go out."""
    if current() is None:
        return False
    return not http.passes(method, urlsplit(url).hostname or "")


def stand_in(http: Http, method: str, url: str, body: object = b"") -> Answer:
    """
    Record a request that does not go out; return its answer.

    Raises:
        OutgoingRefusedError: there is none for it.
    """
    method = method.upper()
    note("http", f"{method} {url}", _text(body))
    answer = http.answer(method, url)
    if answer is None:
        raise refused(method, url)
    return answer


def refused(method: str, url: str) -> OutgoingRefusedError:
    """Return the error for a request that is not answered."""
    request = current()
    if request is not None:
        request.refuse(OutgoingRefusedError.reason)
    return OutgoingRefusedError(f"a copy must not send {method} {url}")


def _text(body: object) -> str:
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body).decode("utf-8", "replace")
    if isinstance(body, str):
        return body
    if isinstance(body, Mapping) or body is None:
        return repr(body) if body else ""
    return f"({type(body).__name__})"
