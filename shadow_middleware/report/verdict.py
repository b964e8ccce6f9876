"""
The verdict: promote, do not promote, or not enough evidence, with its reasons.

First form: the share of replays that agree, with a Wilson interval, for the whole
target and for each route that has enough of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from statistics import NormalDist

import msgspec

from shadow_middleware.evidence import Total
from shadow_middleware.report.figures import percent
from shadow_middleware.report.judgement import Evidence, evidence_of

__all__ = [
    "Criteria",
    "Interval",
    "RouteShare",
    "Ruling",
    "Share",
    "TargetVerdict",
    "Verdict",
    "verdict",
    "wilson",
]


class Ruling(StrEnum):
    """What to do about a target."""

    PROMOTE = "promote"
    DO_NOT_PROMOTE = "do_not_promote"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"


class Criteria(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a shadow before it may be promoted."""

    minimum_rate: float = 0.99
    """The share of decided replays that must agree; its lower bound has to reach it."""
    minimum_evidence: int = 100
    """Decided replays below which nothing is said."""
    minimum_route_evidence: int = 30
    """Decided replays from which a route is judged alone; 0 judges none alone."""
    minimum_coverage: float = 0.5
    """The share of replays that must be decided, and not dropped or incomparable."""
    confidence: float = 0.95
    """Of the interval, two-sided."""


class Interval(msgspec.Struct, frozen=True):
    """Where the true share lies, with the confidence that was asked for."""

    low: float
    high: float


class Share(msgspec.Struct, frozen=True):
    """How much of what was decided agrees, and what was left undecided."""

    agrees: int
    decided: int
    undecided: int
    """Dropped, or not comparable."""
    no_evidence: int
    """Live errors and replays skipped on purpose."""
    rate: float | None
    interval: Interval | None
    coverage: float | None


class RouteShare(msgspec.Struct, frozen=True):
    """The share of one route."""

    route: str
    share: Share


class TargetVerdict(msgspec.Struct, frozen=True):
    """What to do about one target, and why."""

    target: str
    ruling: Ruling
    reasons: list[str]
    share: Share
    failing_routes: list[RouteShare]
    """Routes that fall short with confidence, the worst first."""


class Verdict(msgspec.Struct, frozen=True):
    """The verdict over all targets: as good as the worst of them."""

    ruling: Ruling
    criteria: Criteria
    targets: list[TargetVerdict]


def wilson(agrees: int, n: int, confidence: float = 0.95) -> Interval:
    """
    Return the score interval of a share `agrees / n`; 0 to 1 where `n` is 0.

    Wilson, E. B.: Probable inference, the law of succession, and statistical
    inference. Journal of the American Statistical Association 22 (1927), 209-212.
    It takes replays as independent, so traffic of very few clients says less than
    it claims.
    """
    if n <= 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, z2 = agrees / n, z * z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low = 0.0 if agrees == 0 else max(0.0, middle - half)
    return Interval(low, 1.0 if agrees == n else min(1.0, middle + half))


def verdict(totals: Iterable[Total], criteria: Criteria | None = None) -> Verdict:
    """Return the verdict on every target that has counts."""
    asked = criteria or Criteria()
    by_target: dict[str, list[Total]] = {}
    for total in totals:
        by_target.setdefault(total.target, []).append(total)
    targets = [_judge(name, by_target[name], asked) for name in sorted(by_target)]
    return Verdict(_worst(one.ruling for one in targets), asked, targets)


def _worst(rulings: Iterable[Ruling]) -> Ruling:
    all_rulings = set(rulings)
    if Ruling.DO_NOT_PROMOTE in all_rulings:
        return Ruling.DO_NOT_PROMOTE
    if Ruling.NOT_ENOUGH_EVIDENCE in all_rulings or not all_rulings:
        return Ruling.NOT_ENOUGH_EVIDENCE
    return Ruling.PROMOTE


def _judge(target: str, totals: Sequence[Total], asked: Criteria) -> TargetVerdict:
    share = _share(evidence_of(totals), asked.confidence)
    failing = _failing_routes(totals, asked)
    ruling, reasons = _rule(share, failing, asked)
    return TargetVerdict(target, ruling, reasons, share, failing)


def _share(evidence: Evidence, confidence: float) -> Share:
    decided = evidence.decided
    return Share(
        agrees=evidence.agrees,
        decided=decided,
        undecided=evidence.unknown,
        no_evidence=evidence.nothing,
        rate=evidence.rate,
        interval=wilson(evidence.agrees, decided, confidence) if decided else None,
        coverage=evidence.coverage,
    )


def _failing_routes(totals: Iterable[Total], asked: Criteria) -> list[RouteShare]:
    by_route: dict[str, list[Total]] = {}
    for total in totals:
        by_route.setdefault(total.route, []).append(total)
    shares = [
        RouteShare(route, _share(evidence_of(rows), asked.confidence))
        for route, rows in by_route.items()
    ]
    failing = [one for one in shares if _falls_short(one.share, asked)]
    return sorted(failing, key=lambda one: (one.share.rate or 0.0, one.route))


def _falls_short(share: Share, asked: Criteria) -> bool:
    enough = 0 < asked.minimum_route_evidence <= share.decided
    bound = share.interval
    return enough and bound is not None and bound.high < asked.minimum_rate


def _rule(
    share: Share, failing: Sequence[RouteShare], asked: Criteria
) -> tuple[Ruling, list[str]]:
    bound = share.interval
    if bound is None or share.decided < asked.minimum_evidence:
        few = (
            f"{share.decided} replays decided, at least {asked.minimum_evidence} asked"
        )
        return Ruling.NOT_ENOUGH_EVIDENCE, [few]
    against = _reasons_against(share, bound, failing, asked)
    if against:
        return Ruling.DO_NOT_PROMOTE, against
    open_questions = _open_questions(share, bound, asked)
    if open_questions:
        return Ruling.NOT_ENOUGH_EVIDENCE, open_questions
    return Ruling.PROMOTE, [_agreement(share, bound, asked)]


def _reasons_against(
    share: Share, bound: Interval, failing: Sequence[RouteShare], asked: Criteria
) -> list[str]:
    reasons = []
    if bound.high < asked.minimum_rate:
        reasons.append(_agreement(share, bound, asked))
    for one in failing:
        counts = f"{one.share.agrees:,} of {one.share.decided:,}"
        rate = percent(one.share.rate or 0.0)
        reasons.append(f"{one.route}: only {counts} agree ({rate})")
    return reasons


def _open_questions(share: Share, bound: Interval, asked: Criteria) -> list[str]:
    reasons = []
    if bound.low < asked.minimum_rate:
        reasons.append(
            f"{_agreement(share, bound, asked)}; more traffic would narrow the bounds"
        )
    if share.coverage is not None and share.coverage < asked.minimum_coverage:
        reasons.append(
            f"{share.undecided:,} replays were dropped or could not be compared: "
            f"{percent(share.coverage)} decided, "
            f"at least {percent(asked.minimum_coverage)} asked"
        )
    return reasons


def _agreement(share: Share, bound: Interval, asked: Criteria) -> str:
    return (
        f"{share.agrees:,} of {share.decided:,} replays agree "
        f"({percent(share.rate or 0.0)}), between {percent(bound.low)} and "
        f"{percent(bound.high)} with {percent(asked.confidence)} confidence; "
        f"at least {percent(asked.minimum_rate)} asked"
    )
