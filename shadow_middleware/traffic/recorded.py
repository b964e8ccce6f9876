"""
The words of traffic in files: a recorded exchange, and what its source did not say.

Importers and capture files give these; offline replay takes them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final

import msgspec

from shadow_middleware.exchange import Exchange, Timing

__all__ = ["NO_TIMING", "BadRecord", "Missing", "Recorded", "bodies_among"]

NO_TIMING: Final = Timing(0, 0, 0)
"""What stands where a source does not tell how long live took."""


class Missing(enum.StrEnum):
    """What a source does not tell of an exchange, and what a replay therefore lacks."""

    REQUEST_HEADERS = "request_headers"
    """Some or all of the request's headers are not known."""
    REQUEST_BODY = "request_body"
    """The request may have had a body; its bytes are not known."""
    RESPONSE = "response"
    """Nothing of the answer is known: `exchange.response` is None."""
    RESPONSE_HEADERS = "response_headers"
    """Some or all of the answer's headers are not known."""
    RESPONSE_BODY = "response_body"
    """The answer's bytes are not known; its length may be."""
    TIMING = "timing"
    """How long live took is not known: `exchange.timing` is `NO_TIMING`."""
    EXACT_TARGET = "exact_target"
    """The source decodes or rewrites path and query, so they are not byte for byte."""


class Recorded(msgspec.Struct, frozen=True):
    """One exchange from a file."""

    exchange: Exchange
    """Its `key` is a pseudonym of the session, never a cookie or a token itself."""
    missing: frozenset[Missing] = frozenset()
    """What the source did not record; empty is a faithful copy."""
    place: str = ""
    """Where it was read, for messages: `access.log:17`, `traffic.capture:3`."""
    masked: tuple[str, ...] = ()
    """Where secrets were replaced by marks: `request.query`, `response.body`…"""


class BadRecord(msgspec.Struct, frozen=True):
    """A piece of a file that is no exchange. It is counted and shown, never fatal."""

    place: str
    """Where it is, as `Recorded.place`."""
    reason: str
    """What is wrong with it, in a sentence for people."""
    sample: str = ""
    """How it begins, redacted and made printable; at most 80 characters."""


_BODIES: Final = {
    "request.body": Missing.REQUEST_BODY,
    "response.body": Missing.RESPONSE_BODY,
}


def bodies_among(left_out: Iterable[str]) -> frozenset[Missing]:
    """Return what is missing where masking has left parts out; see `masking.Masked`."""
    return frozenset(_BODIES[part] for part in left_out if part in _BODIES)
