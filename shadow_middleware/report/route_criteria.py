"""
The criteria of single routes.

They speak where a route is shown to miss what is asked. Where the policy asks a
route to be shown to hold it, they are open until it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shadow_middleware.inference import more_needed
from shadow_middleware.report import verdict_reasons as say
from shadow_middleware.report.case import Case, RouteCase
from shadow_middleware.report.checks import Check, Criterion, State, holds
from shadow_middleware.report.policy import LatencyPolicy, Policy
from shadow_middleware.report.shift import Shift

__all__ = ["latency_checks", "least_rate", "route_checks"]


def route_checks(case: Case) -> Iterator[Check]:
    """Yield the criteria of each route, and those that no route fits."""
    for one in case.routes:
        yield from _evidence(one)
        yield from _rate(one, case.policy)
        yield from _noise(one)
        asked = one.asked.latency if one.asked else None
        yield from latency_checks(
            one.shifts,
            asked or case.policy.latency,
            one.route,
            shown=asked is not None or case.policy.prove_routes,
        )
    yield from _unexercised(case)


def least_rate(one: RouteCase, policy: Policy) -> float:
    """Return the rate that is asked of a route."""
    own = one.asked.minimum_rate if one.asked else None
    return policy.minimum_rate if own is None else own


def _evidence(one: RouteCase) -> Iterator[Check]:
    least = one.asked.minimum_evidence if one.asked else None
    if least:
        missing = max(0, least - one.share.decided)
        yield Check(
            criterion=Criterion.EVIDENCE,
            route=one.route,
            state=holds(not missing),
            text=say.route_few(one.route, one.share.decided, least),
            value=one.share.decided,
            asked=least,
            more=missing or None,
        )


def _rate(one: RouteCase, policy: Policy) -> Iterator[Check]:
    own = one.asked is not None and one.asked.minimum_rate is not None
    together, bounds = one.together, one.share.interval
    alone = own or policy.prove_routes or policy.minimum_route_evidence > 0
    if not alone or together is None or bounds is None:
        return
    least = least_rate(one, policy)
    state, only, more = State.PASSED, "", None
    if together.high < least:
        too_few = max(0, policy.minimum_route_evidence - one.share.decided)
        state, only = (State.OPEN if too_few else State.FAILED), "only "
        more, bounds = too_few or None, together
    elif (own or policy.prove_routes) and bounds.low < least:
        state = State.OPEN
        more = more_needed(
            one.share.agrees, one.share.decided, least, policy.confidence
        )
    text = say.route_agreement(one.route, one.share, bounds, least, only)
    if state is State.OPEN:
        text = f"{text}; {say.more_would_decide(more, one.route)}"
    yield Check(
        criterion=Criterion.RATE,
        route=one.route,
        state=state,
        text=text,
        value=one.share.rate,
        asked=least,
        more=more,
    )


def _noise(one: RouteCase) -> Iterator[Check]:
    most = one.asked.maximum_noise if one.asked else None
    if most is not None:
        yield Check(
            criterion=Criterion.NOISE,
            route=one.route,
            state=holds(one.share.noise_share <= most),
            text=say.noise(one.share, most, one.route),
            value=one.share.noise_share,
            asked=most,
        )


def latency_checks(
    shifts: Mapping[str, Shift], asked: LatencyPolicy, route: str, *, shown: bool
) -> Iterator[Check]:
    """
    Yield a criterion for each quantile that something is asked of.

    Args:
        shifts: Of the route, or of the whole.
        asked: Ratios and floor.
        route: '' for the whole.
        shown: Whether it must be shown that it is fast enough.
    """
    for name, ratio in asked.ratios.items():
        if name not in shifts:
            continue
        slower = shifts[name].is_slower(ratio, asked.floor_ms)
        state = State.FAILED if slower else State.PASSED
        if slower is None and shown:
            state = State.OPEN
        yield Check(
            criterion=Criterion.LATENCY,
            route=route,
            quantile=name,
            state=state,
            text=say.latency(name, shifts[name], asked, ratio, route),
            value=shifts[name].ratio,
            asked=ratio,
        )


def _unexercised(case: Case) -> Iterator[Check]:
    met = {one.asked.route for one in case.routes if one.asked}
    for asked in case.policy.routes:
        if asked.minimum_evidence and asked.route not in met:
            yield Check(
                criterion=Criterion.EVIDENCE,
                route=asked.route,
                state=State.OPEN,
                text=say.unexercised(asked.route, asked.minimum_evidence),
                value=0,
                asked=asked.minimum_evidence,
                more=asked.minimum_evidence,
            )
