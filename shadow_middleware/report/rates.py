"""
Rates with bounds: how much of what was decided agrees, counted and weighed.

The bounds that decide come from a confidence sequence, which holds however often one
looks. Wilson's and Clopper and Pearson's stand beside them: they are narrower, and
hold for one look at a number of replays that was fixed before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.inference import (
    Interval,
    clopper_pearson,
    confidence_sequence,
    wilson,
)
from shadow_middleware.knowledge import RouteUse
from shadow_middleware.report.judgement import (
    HELD_BACK,
    Evidence,
    evidence_of,
    told_apart,
)
from shadow_middleware.report.policy import Policy, Tolerated

__all__ = [
    "Share",
    "Weighed",
    "by_route",
    "held_together",
    "same_for_each_route",
    "share_of",
    "weighed_by_traffic",
]


class Share(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How much of what was decided agrees, and what was left undecided."""

    agrees: int
    decided: int
    undecided: int
    """Dropped, or not comparable."""
    no_evidence: int
    """Live errors, replays skipped on purpose, and what the policy leaves out."""
    noise: int
    """Those that agree but for noise."""
    rate: float | None
    interval: Interval | None
    """Where the true share lies, however often one looks."""
    wilson: Interval | None
    """Wilson's score interval, for one look; None where it was not asked for."""
    clopper_pearson: Interval | None
    """The exact interval, for one look; None where it was not asked for."""
    coverage: float | None
    """The share that is decided among what should be."""

    @property
    def noise_share(self) -> float:
        """The share of noise among what was decided."""
        return self.noise / self.decided if self.decided else 0.0


def share_of(
    totals: Iterable[Total], policy: Policy, *, one_look: bool = True
) -> Share:
    """
    Return what the totals say under the policy.

    Args:
        totals: As they count today.
        policy: What counts neither for nor against, and the confidence.
        one_look: Whether the intervals for one look are wanted; they take most of the
            time.
    """
    rows = told_apart(totals)
    counted = [row for row in rows if not _neutral(row, policy)]
    evidence = _less_tolerated(evidence_of(counted), counted, policy.tolerated)
    left_out = sum(row.count for row in rows if _neutral(row, policy))
    agrees, decided = evidence.agrees, evidence.decided
    kinds = (confidence_sequence, *((wilson, clopper_pearson) if one_look else ()))
    bounds: list[Interval | None] = [None, None, None]
    if decided:
        for index, kind in enumerate(kinds):
            bounds[index] = kind(agrees, decided, policy.confidence)
    return Share(
        agrees=agrees,
        decided=decided,
        undecided=evidence.unknown,
        no_evidence=evidence.nothing + left_out,
        noise=sum(row.count for row in counted if row.outcome is Outcome.NOISE),
        rate=evidence.rate,
        interval=bounds[0],
        wilson=bounds[1],
        clopper_pearson=bounds[2],
        coverage=evidence.coverage,
    )


def held_together(share: Share, policy: Policy, tests: int) -> Share:
    """
    Return the share with an interval that holds at once with those of all `tests`.

    Each is bounded so tightly that all of them hold with the confidence asked for
    (Bonferroni). The intervals for one look stay what they are.
    """
    if not share.decided:
        return share
    confidence = 1 - (1 - policy.confidence) / max(1, tests)
    interval = confidence_sequence(share.agrees, share.decided, confidence)
    return msgspec.structs.replace(share, interval=interval)


def _outcome(row: Total) -> Outcome:
    """Return the outcome, where an open breaker is the errors that opened it."""
    not_sent = row.outcome in (Outcome.SKIPPED, Outcome.DROPPED)
    if not_sent and row.reason in HELD_BACK:
        return Outcome.SHADOW_ERROR
    return row.outcome


def _neutral(row: Total, policy: Policy) -> bool:
    return _outcome(row) in policy.neutral_outcomes


def _less_tolerated(
    evidence: Evidence, rows: Sequence[Total], tolerated: Tolerated
) -> Evidence:
    """Return the evidence without what is tolerated of each outcome."""
    allowed = 0
    for outcome, share in (
        (Outcome.DIVERGENCE, tolerated.divergence),
        (Outcome.SHADOW_ERROR, tolerated.shadow_error),
        (Outcome.TIMEOUT, tolerated.timeout),
    ):
        seen = sum(row.count for row in rows if _outcome(row) is outcome)
        allowed += min(seen, math.floor(share * evidence.decided))
    return msgspec.structs.replace(
        evidence,
        disagrees=evidence.disagrees - allowed,
        nothing=evidence.nothing + allowed,
    )


def by_route(totals: Iterable[Total]) -> dict[str, list[Total]]:
    """Return the totals of each route, by its name."""
    routes: dict[str, list[Total]] = {}
    for row in totals:
        routes.setdefault(row.route, []).append(row)
    return dict(sorted(routes.items()))


class Weighed(msgspec.Struct, frozen=True):
    """
    A rate over routes that do not weigh as much as they were sampled.

    Its bounds are the weighted sums of the routes' own bounds, all of which hold at
    once: true for any weights and any dependence, and wider than need be.
    """

    by: Literal["routes", "traffic", "sampled"]
    """Each route the same, by live traffic, or (where that is unknown) as sampled."""
    rate: float | None
    interval: Interval | None
    routes: int
    """How many routes have a weight and were decided."""


def same_for_each_route(shares: Mapping[str, Share]) -> Weighed:
    """Return the rate in which each route with evidence weighs the same."""
    return _weighed("routes", shares, dict.fromkeys(shares, 1.0))


def weighed_by_traffic(
    shares: Mapping[str, Share], uses: Iterable[RouteUse], whole: Share
) -> Weighed:
    """
    Return the rate in which each route weighs what live traffic makes of it.

    Args:
        shares: Of each route, bounded for all of them together.
        uses: How often live used which route.
        whole: The rate as sampled: what is left where live's use of all decided routes
            is unknown.
    """
    weights: dict[str, float] = {}
    for use in uses:
        if use.route in shares and shares[use.route].decided:
            weights[use.route] = weights.get(use.route, 0.0) + use.seen
    if not any(weights.values()):  # of no route that says anything
        decided = sum(1 for share in shares.values() if share.decided)
        return Weighed("sampled", whole.rate, whole.interval, decided)
    return _weighed("traffic", shares, weights)


def _weighed(
    by: Literal["routes", "traffic"],
    shares: Mapping[str, Share],
    weights: Mapping[str, float],
) -> Weighed:
    found = [
        (weights.get(route, 0.0), share.rate, share.interval)
        for route, share in sorted(shares.items())
        if weights.get(route) and share.rate is not None and share.interval is not None
    ]
    total = sum(weight for weight, _, _ in found)
    if not total:
        return Weighed(by, None, None, 0)
    rate = math.fsum(weight * rate for weight, rate, _ in found) / total
    low = math.fsum(weight * bound.low for weight, _, bound in found) / total
    high = math.fsum(weight * bound.high for weight, _, bound in found) / total
    return Weighed(by, rate, Interval(low, min(1.0, high)), len(found))
