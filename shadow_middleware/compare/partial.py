"""
Comparing with an answer of which not all is known, as a file may hold it. Pure.

What is not known is left out on both sides, and what is left is compared as ever. That
can find a divergence; it can never make a match of what was not seen.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shadow_middleware.compare.comparer import BODILESS, Comparison
from shadow_middleware.exchange import Difference, Exchange, Headers, Response, Unknown

__all__ = ["MASKED", "NO_BODY", "NO_HEADERS", "concluded", "restricted"]

NO_BODY: Final = "no_body_recorded"
"""The reason of what agrees as far as it is known, without live's body."""
NO_HEADERS: Final = "headers not recorded"
"""Explains headers of the shadow beside which nothing of live's is known."""
MASKED: Final = "masked in the file"
"""Explains values in whose place the file has a mark."""


def restricted(exchange: Exchange, response: Response) -> tuple[Exchange, Response]:
    """Return both sides with no more than what is known of live's answer."""
    live = exchange.response
    if live is None or not exchange.unknown:
        return exchange, response
    if Unknown.HEADERS in exchange.unknown:
        response = msgspec.structs.replace(
            response, headers=_named(response.headers, live.headers), trailers=()
        )
        live = msgspec.structs.replace(live, trailers=())
    if Unknown.BODY in exchange.unknown:
        nothing = msgspec.structs.replace(live.body, data=b"", length=0, digest=None)
        live = msgspec.structs.replace(live, body=nothing)
        response = msgspec.structs.replace(response, body=nothing)
    return msgspec.structs.replace(exchange, response=live), response


def _named(headers: Headers, known: Headers) -> Headers:
    names = {name.lower() for name, _ in known}
    return [field for field in headers if field[0].lower() in names]


def concluded(exchange: Exchange, found: Comparison, mark: Any) -> Comparison:
    """
    Return what the comparison of two restricted sides says of the whole.

    Args:
        exchange: With what is not known of live's answer.
        found: What came of comparing the rest.
        mark: Finds the mark of a secret in a text.
    """
    if Unknown.VALUES in exchange.unknown:
        found = _unmasked(found, mark)
    if found.result == "different" or not exchange.unknown:
        return found
    if Unknown.BODY in exchange.unknown and not _is_bodiless(exchange):
        hint = "The file holds no body of live's answer, so only the rest was compared"
        return msgspec.structs.replace(found, result="incomparable", hint=hint)
    if Unknown.HEADERS in exchange.unknown and found.result == "equal":
        return msgspec.structs.replace(
            found, result="explained", explained=(NO_HEADERS,)
        )
    return found


def _is_bodiless(exchange: Exchange) -> bool:
    live = exchange.response
    return exchange.request.method == "HEAD" or (
        live is not None and live.status in BODILESS
    )


def _unmasked(found: Comparison, mark: Any) -> Comparison:
    """Return the comparison without differences from what is a mark in the file."""
    left = tuple(one for one in found.differences if not _is_masked(one, mark))
    if len(left) == len(found.differences):
        return found
    explained = (*found.explained, MASKED)
    result: Any = "different" if left else "explained"
    if not left and found.cut:
        result = "incomparable"
    return msgspec.structs.replace(
        found, result=result, differences=left, explained=explained
    )


def _is_masked(one: Difference, mark: Any) -> bool:
    return isinstance(one.live, str) and mark.search(one.live) is not None
