"""
The criteria of the whole: what each asks of a target, and what it found.

Each has to be shown to hold: as long as one is open, nothing is promoted.
"""

from __future__ import annotations

from collections.abc import Iterator

from shadow_middleware.inference import Interval, more_needed
from shadow_middleware.report import verdict_reasons as say
from shadow_middleware.report.case import Case
from shadow_middleware.report.checks import Check, Criterion, State, holds
from shadow_middleware.report.route_criteria import latency_checks, route_checks

__all__ = ["checks_of"]


def checks_of(case: Case) -> list[Check]:
    """Return every criterion that the policy asks for, those of the whole first."""
    return [
        _evidence(case),
        *_freshness(case),
        *_rate(case),
        *_coverage(case),
        *_exercised(case),
        *_noise(case),
        *latency_checks(case.shifts, case.policy.latency, "", shown=True),
        *route_checks(case),
    ]


def _evidence(case: Case) -> Check:
    missing = max(0, case.policy.minimum_evidence - case.share.decided)
    return Check(
        criterion=Criterion.EVIDENCE,
        state=holds(not missing),
        text=say.few(case.share, case.policy),
        value=case.share.decided,
        asked=case.policy.minimum_evidence,
        more=missing or None,
    )


def _freshness(case: Case) -> Iterator[Check]:
    asked = case.policy.freshness_seconds
    if asked is not None:
        yield Check(
            criterion=Criterion.FRESHNESS,
            state=holds(case.age is not None and case.age <= asked),
            text=say.old(case.age, case.policy.freshness),
            value=case.age,
            asked=asked,
        )


def _rate(case: Case) -> Iterator[Check]:
    rate, bounds, least = case.rate, case.bounds, case.policy.minimum_rate
    if rate is None or bounds is None:
        return
    text = (
        say.agreement(case.share, bounds, case.policy)
        if case.weighting == "sampled"
        else say.weighed(rate, bounds, case.policy)
    )
    state, more = _rate_state(bounds, least), None
    if state is State.OPEN and case.weighting == "sampled":
        share = case.share
        more = more_needed(share.agrees, share.decided, least, case.policy.confidence)
        text = f"{text}; {say.more_would_decide(more)}"
    yield Check(
        criterion=Criterion.RATE,
        state=state,
        text=text,
        value=rate,
        asked=least,
        more=more,
    )


def _rate_state(bounds: Interval, least: float) -> State:
    if bounds.high < least:
        return State.FAILED
    return holds(bounds.low >= least)


def _coverage(case: Case) -> Iterator[Check]:
    found, asked = case.share.coverage, case.policy.minimum_coverage
    if found is not None:
        yield Check(
            criterion=Criterion.COVERAGE,
            state=holds(found >= asked),
            text=say.coverage(case.share, case.policy),
            value=found,
            asked=asked,
        )


def _exercised(case: Case) -> Iterator[Check]:
    """Check how much of the app was put to the test at all."""
    known, policy = case.coverage, case.policy
    routes = known.route_share if known else None
    traffic = known.traffic_share if known else None
    for criterion, what, found, asked in (
        (
            Criterion.ROUTE_COVERAGE,
            "routes of the app that were replayed",
            routes,
            policy.minimum_route_coverage,
        ),
        (
            Criterion.TRAFFIC_COVERAGE,
            "live traffic like some that was replayed",
            traffic,
            policy.minimum_traffic_coverage,
        ),
    ):
        if asked:
            yield Check(
                criterion=criterion,
                state=holds(found is not None and found >= asked),
                text=say.share_below(what, found, asked),
                value=found,
                asked=asked,
            )


def _noise(case: Case) -> Iterator[Check]:
    asked = case.policy.maximum_noise
    if asked < 1:
        yield Check(
            criterion=Criterion.NOISE,
            state=holds(case.share.noise_share <= asked),
            text=say.noise(case.share, asked),
            value=case.share.noise_share,
            asked=asked,
        )
