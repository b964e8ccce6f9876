"""
What an outcome says about the shadow: for it, against it, or nothing.

The one place that decides it; summary, verdict and screens all ask here.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, assert_never

import msgspec

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import Outcome

__all__ = [
    "BREAKER_OPEN",
    "COMPARED",
    "FAILED",
    "HELD_BACK",
    "OUR_MISTAKES",
    "Evidence",
    "Says",
    "evidence_of",
    "says",
    "told_apart",
]

COMPARED: Final = (Outcome.MATCH, Outcome.NOISE, Outcome.DIVERGENCE)
"""Outcomes of answers that were compared to their end."""
FAILED: Final = (Outcome.SHADOW_ERROR, Outcome.TIMEOUT)
"""Outcomes of replays that got no whole answer."""
BREAKER_OPEN = "breaker_open"
HELD_BACK = frozenset({BREAKER_OPEN, "target_gone"})
"""The reasons of replays that were not sent because the shadow kept failing."""
OUR_MISTAKES = frozenset({"internal_error", "capture_failed"})
"""The reasons of exchanges that a mistake of ours ended."""


class Says(StrEnum):
    """What one outcome is evidence for."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    UNKNOWN = "unknown"
    """It should have been decided and was not: it lowers the coverage."""
    NOTHING = "nothing"
    """It could never have said anything about the shadow."""


def says(outcome: Outcome, reason: str = "") -> Says:
    """
    Return what an outcome says about the shadow.

    A shadow that fails is evidence against it, also where its breaker is open, or it is
    gone, and nothing was sent: down must never look like no divergence. A live error
    says nothing, because there is no right answer to compare with; nor does what a
    person has switched off.
    """
    # Elsewhere a reason is a name that somebody gave: of a rule, of an exception.
    if reason and outcome in _NOT_SENT:
        if reason in HELD_BACK:
            return Says.DISAGREES
        if reason in OUR_MISTAKES:
            return Says.UNKNOWN
    return _SAYS[outcome]


def _says(outcome: Outcome) -> Says:
    match outcome:
        case Outcome.MATCH | Outcome.NOISE:
            return Says.AGREES
        case Outcome.DIVERGENCE | Outcome.SHADOW_ERROR | Outcome.TIMEOUT:
            return Says.DISAGREES
        case Outcome.INCOMPARABLE | Outcome.DROPPED:
            return Says.UNKNOWN
        case Outcome.LIVE_ERROR | Outcome.SKIPPED:
            return Says.NOTHING
        case _:
            assert_never(outcome)


_NOT_SENT: Final = frozenset({Outcome.SKIPPED, Outcome.DROPPED})
_SAYS: Final = {one: _says(one) for one in Outcome}


class Evidence(msgspec.Struct, frozen=True):
    """Counts of what outcomes say."""

    agrees: int = 0
    disagrees: int = 0
    unknown: int = 0
    nothing: int = 0

    @property
    def decided(self) -> int:
        """How many say something."""
        return self.agrees + self.disagrees

    @property
    def rate(self) -> float | None:
        """The share that agrees among those that say something."""
        return self.agrees / self.decided if self.decided else None

    @property
    def coverage(self) -> float | None:
        """The share that says something among those that should."""
        wanted = self.decided + self.unknown
        return self.decided / wanted if wanted else None


def told_apart(totals: Iterable[Total]) -> list[Total]:
    """
    Return the totals by outcome and reason alone, in few rows.

    All divergences are one: what they are counted under says nothing of the shadow.
    """
    sums: dict[tuple[Outcome, str], int] = {}
    divergence = Outcome.DIVERGENCE  # looking a member up takes longer than the rest
    for row in totals:
        outcome = row.outcome
        key = (outcome, "" if outcome is divergence else row.reason)
        sums[key] = sums.get(key, 0) + row.count
    return [Total("", "", *key, count) for key, count in sums.items()]


def evidence_of(totals: Iterable[Total]) -> Evidence:
    """Return what the counts say together."""
    sums = dict.fromkeys(Says, 0)
    for total in totals:
        sums[says(total.outcome, total.reason)] += total.count
    return Evidence(
        agrees=sums[Says.AGREES],
        disagrees=sums[Says.DISAGREES],
        unknown=sums[Says.UNKNOWN],
        nothing=sums[Says.NOTHING],
    )
