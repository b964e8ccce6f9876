"""From a recorded exchange to one that the pipeline takes. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from shadow_middleware.compare.comparer import BODILESS
from shadow_middleware.exchange import Exchange, Response, Timing, Unknown
from shadow_middleware.traffic.recorded import Missing, Recorded

__all__ = [
    "FATE_UNKNOWN",
    "NO_ANSWER",
    "NO_BODY",
    "answered",
    "exchange_of",
    "lacks_body",
    "needs_answer",
]

NO_ANSWER: Final = "no_answer_recorded"
NO_BODY: Final = "no_request_body"
FATE_UNKNOWN: Final = "fate_unknown"
"""Of a write that a killed process may have sent: it is not sent a second time."""

_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_UNKNOWN: Final = {
    Missing.RESPONSE_HEADERS: Unknown.HEADERS,
    Missing.RESPONSE_BODY: Unknown.BODY,
    Missing.TIMING: Unknown.TIMING,
}


def exchange_of(recorded: Recorded, number: int, now: float) -> Exchange:
    """
    Return the exchange as it is replayed at `now`, in Unix seconds.

    What cannot be sent has a reason to be skipped, so it is counted like all else.

    Args:
        recorded: As it was read.
        number: How often its file was replayed before, in this run.
        now: The time that its outcome counts under.
    """
    exchange, missing = recorded.exchange, recorded.missing
    unknown = [_UNKNOWN[one] for one in Missing if one in missing and one in _UNKNOWN]
    if any(place.startswith("response") for place in recorded.masked):
        unknown.append(Unknown.VALUES)
    return msgspec.structs.replace(
        exchange,
        id=f"{exchange.id}.{number + 1}" if number else exchange.id,
        at=now,
        answered_at=exchange.at,
        route=exchange.route or exchange.request.path.decode("latin-1"),
        skip=exchange.skip or _unsendable(recorded),
        unknown=tuple(unknown),
    )


def _unsendable(recorded: Recorded) -> str | None:
    writes = recorded.exchange.request.method not in _BODILESS
    return NO_BODY if writes and Missing.REQUEST_BODY in recorded.missing else None


def needs_answer(recorded: Recorded) -> bool:
    """Whether nothing is known of live's answer, nor that live failed."""
    exchange = recorded.exchange
    nothing = exchange.response is None and exchange.live_error is None
    return nothing or Missing.RESPONSE in recorded.missing


def lacks_body(recorded: Recorded) -> bool:
    """Whether live's answer is known but for its body, which it had."""
    exchange = recorded.exchange
    if exchange.response is None or Missing.RESPONSE_BODY not in recorded.missing:
        return False
    return (
        exchange.request.method != "HEAD" and exchange.response.status not in BODILESS
    )


def answered(
    exchange: Exchange, response: Response, timing: Timing, at: float
) -> Exchange:
    """Return the exchange with the answer of the control in live's place."""
    return msgspec.structs.replace(
        exchange, response=response, timing=timing, answered_at=at, unknown=()
    )
