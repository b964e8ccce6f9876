"""
Hints: which setting of ours most likely explains what the numbers show.

A hint names the setting, so that nobody takes a default of ours for a fault of
the shadow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from shadow_middleware.compare.partial import NO_BODY
from shadow_middleware.evidence import DivergenceRecord, Hinted, Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.report.judgement import (
    BREAKER_OPEN,
    OUR_MISTAKES,
    told_apart,
)
from shadow_middleware.settings import SAFE_METHODS

__all__ = ["Hint", "hints"]


class Hint(msgspec.Struct, frozen=True):
    """A sentence that explains what is seen, and how many replays it concerns."""

    count: int
    text: str


_UNREACHED = frozenset({"connect", "refused", "dns"})
_NOT_SENT = (Outcome.SKIPPED, Outcome.DROPPED)
_AT_A_BOUND = frozenset({"buffer_full", "paused", "queue_full"})
_BY_HAND = frozenset({"target_disabled", "switched_off"})
_LESS = frozenset({"rate", "rate_limit", "ramp_up"})
_Fits = Callable[[Total], bool]

_EXPLAINED: tuple[tuple[_Fits, str], ...] = (
    (
        lambda row: row.outcome in _NOT_SENT and row.reason == BREAKER_OPEN,
        "not sent, because the shadow had failed again and again: the circuit breaker "
        "was open (`breaker_failures`, `breaker_retry_after`). They count against it.",
    ),
    (
        lambda row: row.outcome in _NOT_SENT and row.reason == "target_gone",
        "not sent, because the shadow had failed for so long that it is gone "
        "(`breaker_fail_after`): it gets nothing until somebody enables it. They count "
        "against it.",
    ),
    (
        lambda row: row.outcome is Outcome.SKIPPED and row.reason in _BY_HAND,
        "were not sent because somebody has disabled the target, or switched all copies "
        "off. They count neither for it nor against it.",
    ),
    (
        lambda row: row.outcome is Outcome.SKIPPED and row.reason in _LESS,
        "were not sent because the target gets no more than that: its `rate`, its "
        "`rate_limit`, or less for a while after it has recovered (`breaker_ramp_up`).",
    ),
    (
        lambda row: row.reason == "target_removed",
        "were on their way to a target that somebody removed.",
    ),
    (
        lambda row: row.outcome is Outcome.SHADOW_ERROR and row.reason in _UNREACHED,
        "could not connect: is the shadow up, and is `shadow_url` right?",
    ),
    (
        lambda row: row.outcome is Outcome.SHADOW_ERROR and row.reason == "tls",
        "could not agree on TLS: does the environment trust the shadow's certificate "
        "(SSL_CERT_FILE), or does it ask for one of yours (`transport`)?",
    ),
    (
        lambda row: row.outcome is Outcome.TIMEOUT,
        "ran out of time (`connect_timeout`, `read_timeout`, `total_timeout`).",
    ),
    (
        lambda row: row.outcome is Outcome.INCOMPARABLE and row.reason == NO_BODY,
        "agree in all that the file knows; it does not know the body of live's answer, "
        "so they count neither for the shadow nor against it.",
    ),
    (
        lambda row: row.outcome is Outcome.INCOMPARABLE and row.reason != NO_BODY,
        "had a body cut by a cap, so they could not be compared "
        "(`max_response_body`, `max_shadow_body`, `max_expanded_body`).",
    ),
    (
        lambda row: row.outcome is Outcome.DROPPED and row.reason in _AT_A_BOUND,
        "were dropped at a bound of ours and never replayed (`buffer_count`, "
        "`buffer_bytes`, `queue_count`, `queue_bytes`, `concurrency`; or lower `rate`).",
    ),
    (
        lambda row: row.outcome is Outcome.DROPPED and row.reason == "starved",
        "were dropped because the agent got too little CPU: its queue was full while it "
        "waited for a processor more than it ran. It gives way to live (`agent_nice`); "
        "give it a core, lower `rate`, or have workers on other hosts (`broker_url`).",
    ),
    (
        lambda row: row.outcome is Outcome.DROPPED and row.reason == "agent_died",
        "were lost with an agent that was killed or crashed; the log says when.",
    ),
    (
        lambda row: row.outcome is Outcome.DROPPED and row.reason == "shutdown",
        "were not done when the agent had to end (`drain_timeout`).",
    ),
    (
        lambda row: row.outcome is Outcome.SKIPPED and row.reason == "method",
        "were left alone on purpose: their method is not one that the target mirrors "
        "(`methods`).",
    ),
    (
        lambda row: row.outcome is Outcome.SKIPPED and row.reason == "request_cut",
        "could not be sent, because their request body is not whole: it is over "
        "`max_request_body`, or the live app did not read it.",
    ),
    (
        lambda row: row.outcome in _NOT_SENT and row.reason in OUR_MISTAKES,
        "ended by a mistake of shadow_middleware itself; its log has the traceback.",
    ),
    (
        lambda row: row.outcome is Outcome.LIVE_ERROR,
        "had no right answer to compare with: the live app itself failed. They count "
        "neither for nor against the shadow.",
    ),
)

_NO_WRITES = (
    "Only methods that do not write were mirrored. Writes are left alone until a "
    "target asks for them (`methods`)."
)


def hints(
    totals: Sequence[Total],
    records: Iterable[DivergenceRecord],
    lost: int = 0,
    hinted: Iterable[Hinted] = (),
) -> list[Hint]:
    """
    Return what explains the numbers of one target, the most telling first.

    Args:
        totals: Its counts.
        records: Its stored divergences, whose own hints are gathered.
        lost: Divergences that are counted but have no record.
        hinted: The hints of divergences that are not among the records.
    """
    gathered = Counter(record.hint for record in records if record.hint)
    for one in hinted:
        gathered[one.hint] += one.count
    found = [Hint(count, text) for text, count in gathered.most_common()]
    counted = told_apart(totals)
    for fits, text in _EXPLAINED:
        count = sum(row.count for row in counted if fits(row))
        if count:
            found.append(Hint(count, f"{_replays(count)} {text}"))
    if lost:
        found.append(Hint(lost, _lost(lost)))
    if totals and not any(map(_writes, {row.route for row in totals})):
        found.append(Hint(0, _NO_WRITES))
    return found


def _replays(count: int) -> str:
    return "1 replay" if count == 1 else f"{count:,} replays"


def _lost(lost: int) -> str:
    what = "1 divergence is" if lost == 1 else f"{lost:,} divergences are"
    return f"{what} counted without a record: the store was away (`store_buffer`)."


def _writes(route: str) -> bool:
    method, space, _ = route.partition(" ")
    return bool(space) and method not in SAFE_METHODS
