"""
The verdict: promote, do not promote, or not enough evidence, with its reasons.

The bounds that decide hold however often one looks, so it may be asked every minute
until it is no longer open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.report.case import case_of
from shadow_middleware.report.checks import Check, Criterion, State
from shadow_middleware.report.criteria import checks_of
from shadow_middleware.report.findings import Finding, findings_of, in_words
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.report.judgement import Says, says, told_apart
from shadow_middleware.report.policy import Policy
from shadow_middleware.report.rates import Share, Weighed
from shadow_middleware.report.shift import Shift
from shadow_middleware.report.versions import Stratum

__all__ = ["RouteShare", "Ruling", "TargetVerdict", "Verdict", "verdict"]

_NAMED = 5
"""Groups that are named as reasons, those with the most divergences."""


class Ruling(StrEnum):
    """What to do about a target."""

    PROMOTE = "promote"
    DO_NOT_PROMOTE = "do_not_promote"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"


class RouteShare(msgspec.Struct, frozen=True):
    """One route: how much of it agrees, and how its latency shifted."""

    route: str
    share: Share
    latency: Mapping[str, Shift] = {}
    """By quantile: `p50`, `p95`, `p99`."""


class TargetVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about one target, and why."""

    target: str
    ruling: Ruling
    reasons: list[str]
    checks: list[Check]
    """Every criterion, whether it held or not."""
    share: Share
    unweighted: Weighed
    """Each route the same."""
    traffic_weighted: Weighed
    """Each route by its part of live traffic."""
    routes: list[RouteShare]
    failing_routes: list[RouteShare]
    """Routes that fall short with confidence, the worst first."""
    latency: Mapping[str, Shift]
    """Of all routes together, by quantile."""
    groups: list[Finding]
    """The groups that count, those with the most divergences first."""
    version: str
    """The version that was judged; '' where the target names none, or for all."""
    all_versions: bool
    left_out: dict[str, int]
    """Replays of other versions, which do not count."""
    unanswered: dict[str, int]
    """Replays that count against it without an answer of its, by reason."""
    in_flight: int
    """Exchanges that have not ended: what comes of them does not count yet."""


class Verdict(msgspec.Struct, frozen=True):
    """The verdict over all targets: as good as the worst of them."""

    ruling: Ruling
    criteria: Policy
    targets: list[TargetVerdict]


def verdict(
    held: Holdings, policy: Policy | None = None, *, one_look: bool = True
) -> Verdict:
    """
    Return the verdict on every target that anything is held of.

    Unless for `one_look`, routes have no intervals that hold for one look.
    """
    asked = policy or Policy()
    strata = {one.target: one for one in held.strata}
    names = sorted({row.target for row in held.totals} | strata.keys())
    targets = [
        _judge(name, held, asked, strata.get(name, Stratum(name, "", True)), one_look)
        for name in names
    ]
    return Verdict(_worst(one.ruling for one in targets), asked, targets)


def _worst(rulings: Iterable[Ruling]) -> Ruling:
    all_rulings = set(rulings)
    if Ruling.DO_NOT_PROMOTE in all_rulings:
        return Ruling.DO_NOT_PROMOTE
    if Ruling.NOT_ENOUGH_EVIDENCE in all_rulings or not all_rulings:
        return Ruling.NOT_ENOUGH_EVIDENCE
    return Ruling.PROMOTE


def _judge(
    target: str, held: Holdings, policy: Policy, stratum: Stratum, one_look: bool
) -> TargetVerdict:
    case = case_of(target, held, policy, one_look=one_look)
    checks = checks_of(case)
    groups = _groups(target, held)
    ruling = _ruling(checks)
    shares = {
        one.route: RouteShare(one.route, one.share, one.shifts) for one in case.routes
    }
    return TargetVerdict(
        target=target,
        ruling=ruling,
        reasons=_reasons(ruling, checks, groups),
        checks=checks,
        share=case.share,
        unweighted=case.unweighted,
        traffic_weighted=case.traffic_weighted,
        routes=list(shares.values()),
        failing_routes=_failing(checks, shares),
        latency=case.shifts,
        groups=groups,
        version=stratum.version,
        all_versions=stratum.all_versions,
        left_out=stratum.others,
        unanswered=_unanswered(row for row in held.totals if row.target == target),
        in_flight=held.open_accounts(target)[0],
    )


def _unanswered(totals: Iterable[Total]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row in told_apart(totals):
        against = says(row.outcome, row.reason) is Says.DISAGREES
        if against and row.outcome is not Outcome.DIVERGENCE:
            counts[row.reason or row.outcome.value] += row.count
    return dict(counts.most_common())


def _groups(target: str, held: Holdings) -> list[Finding]:
    insight = held.insight
    return findings_of(
        [row for row in held.totals if row.target == target],
        insight.signatures,
        insight.groups,
        insight.explained,
        held.divergences,
    )


def _ruling(checks: Sequence[Check]) -> Ruling:
    """Return what the criteria come to; too few replays say nothing either way."""
    evidence = checks[0]
    states = {check.state for check in checks}
    if evidence.state is State.OPEN:
        return Ruling.NOT_ENOUGH_EVIDENCE
    if State.FAILED in states:
        return Ruling.DO_NOT_PROMOTE
    return Ruling.NOT_ENOUGH_EVIDENCE if State.OPEN in states else Ruling.PROMOTE


def _reasons(
    ruling: Ruling, checks: Sequence[Check], groups: Sequence[Finding]
) -> list[str]:
    if ruling is Ruling.PROMOTE:
        rate = [one for one in checks if one.criterion is Criterion.RATE]
        return [rate[0].text]
    failed = ruling is Ruling.DO_NOT_PROMOTE
    wanted = State.FAILED if failed else State.OPEN
    reasons = [one.text for one in checks if one.state is wanted]
    if checks[0].state is State.OPEN:
        fresh = [one for one in checks[1:] if one.criterion is Criterion.FRESHNESS]
        stale = [one.text for one in fresh if one.state is State.OPEN]
        reasons = [checks[0].text, *stale]
    return reasons + [in_words(one) for one in groups[:_NAMED]]


def _failing(
    checks: Sequence[Check], shares: Mapping[str, RouteShare]
) -> list[RouteShare]:
    failing = [
        shares[one.route]
        for one in checks
        if one.route in shares
        and one.criterion is Criterion.RATE
        and one.state is State.FAILED
    ]
    return sorted(failing, key=lambda one: (one.share.rate or 0.0, one.route))
