"""
Whether what rests of an exchange is what it was, so that it can be sent again.

A masked token, a cut body or a header too many, and the stored request is another one.
What is asked here is asked of the record as it was built, not of how it was built.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from shadow_middleware.evidence import DivergenceRecord
from shadow_middleware.exchange import Request, Response

__all__ = ["END_OF_CUT", "LEFT_OUT", "is_comparable", "is_replayable"]

END_OF_CUT = " bytes in all)"
"""How a text ends that was cut."""
LEFT_OUT = "[left out: more divergences at once than there was time to redact]"
"""What stands for a body that was left out."""
_NO_TEXT = re.compile(r"\[\d+ bytes of [^\]\n]*\]\Z")


def is_replayable(
    record: DivergenceRecord, request: Request, is_sent: Callable[[bytes], bool]
) -> bool:
    """
    Return whether the stored request is the one that the target got.

    Args:
        record: As it will rest.
        request: As it was captured.
        is_sent: Whether a header of that lower-case name goes to the target.
    """
    return (
        request.body.complete
        and _bytes(record.path) == request.path_and_query
        and _bytes(record.request_body) == request.body.data
        and _same_headers(record, request, is_sent)
    )


def _same_headers(
    record: DivergenceRecord, request: Request, is_sent: Callable[[bytes], bool]
) -> bool:
    if len(record.request_headers) != len(request.headers):
        return False
    return all(
        _bytes(kept) == value
        for (name, value), (_, kept) in zip(
            request.headers, record.request_headers, strict=True
        )
        if is_sent(name.lower())
    )


def is_comparable(
    record: DivergenceRecord, live: Response | None, max_body: int
) -> bool:
    """
    Return whether live's stored answer is whole enough to compare another one with.

    What is masked in it is no harm: the other answer is masked alike.
    """
    if live is None or not live.body.complete:
        return False
    text = record.live_body
    if not text:
        return not live.body.length
    cut = len(text) >= max_body or text.endswith(END_OF_CUT)
    return not (cut or text == LEFT_OUT or _NO_TEXT.match(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
