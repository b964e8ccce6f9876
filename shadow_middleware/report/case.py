"""All that the criteria of a verdict look at, gathered from what is held of one target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from shadow_middleware.evidence import LatencyTotal
from shadow_middleware.inference import Interval
from shadow_middleware.report.coverage import TargetCoverage, coverage_of
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.report.policy import Policy, RoutePolicies, RoutePolicy
from shadow_middleware.report.rates import (
    Share,
    Weighed,
    by_route,
    held_together,
    same_for_each_route,
    share_of,
    weighed_by_traffic,
)
from shadow_middleware.report.shift import Shift, shifts_of

__all__ = ["Case", "RouteCase", "case_of"]


class RouteCase(msgspec.Struct, frozen=True, kw_only=True):
    """One route of a target, and what is asked of it."""

    route: str
    share: Share
    together: Interval | None
    """Bounds that hold for all routes at once."""
    shifts: Mapping[str, Shift]
    asked: RoutePolicy | None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one target."""

    share: Share
    unweighted: Weighed
    traffic_weighted: Weighed
    routes: tuple[RouteCase, ...]
    shifts: Mapping[str, Shift]
    coverage: TargetCoverage | None
    age: float | None
    """Seconds since the newest evidence; None where there is none."""
    policy: Policy

    @property
    def weighting(self) -> str:
        """By what the deciding rate is weighed, as far as that is known."""
        if self.policy.weighting == "traffic":
            return self.traffic_weighted.by
        return self.policy.weighting

    @property
    def rate(self) -> float | None:
        """The rate that decides."""
        return self._deciding.rate

    @property
    def bounds(self) -> Interval | None:
        """Where the deciding rate lies."""
        return self._deciding.interval

    @property
    def _deciding(self) -> Share | Weighed:
        if self.weighting == "routes":
            return self.unweighted
        return self.traffic_weighted if self.weighting == "traffic" else self.share


def case_of(
    target: str, held: Holdings, policy: Policy, *, one_look: bool = True
) -> Case:
    """Return the case of one target; its routes with intervals for `one_look`, or not."""
    totals = [row for row in held.totals if row.target == target]
    times = [row for row in held.latencies if row.target == target]
    rows = by_route(totals)
    shares = {
        route: share_of(some, policy, one_look=one_look) for route, some in rows.items()
    }
    tests = sum(1 for share in shares.values() if share.decided)
    together = {
        route: held_together(share, policy, tests) for route, share in shares.items()
    }
    whole = share_of(totals, policy)
    return Case(
        share=whole,
        unweighted=same_for_each_route(together),
        traffic_weighted=weighed_by_traffic(together, held.uses, whole),
        routes=_routes(shares, together, times, policy),
        shifts=shifts_of(times, policy.confidence),
        coverage=_coverage(target, held, policy),
        age=_age(target, held),
        policy=policy,
    )


def _routes(
    shares: Mapping[str, Share],
    together: Mapping[str, Share],
    times: Iterable[LatencyTotal],
    policy: Policy,
) -> tuple[RouteCase, ...]:
    asked = RoutePolicies(policy)
    timed: dict[str, list[LatencyTotal]] = {}
    for row in times:
        timed.setdefault(row.route, []).append(row)
    # All that is looked at together must hold together, or some bound soon fails.
    confidence = 1 - (1 - policy.confidence) / max(1, len(timed))
    return tuple(
        RouteCase(
            route=route,
            share=share,
            together=together[route].interval,
            shifts=shifts_of(timed.get(route, ()), confidence),
            asked=asked.of(route),
        )
        for route, share in shares.items()
        if share.decided
    )


def _coverage(target: str, held: Holdings, policy: Policy) -> TargetCoverage | None:
    if not (policy.minimum_route_coverage or policy.minimum_traffic_coverage):
        return None
    found = coverage_of(held.routes, held.uses, held.totals, [target])
    return next((one for one in found.targets if one.target == target), None)


def _age(target: str, held: Holdings) -> float | None:
    judged = {one.target: one.version for one in held.strata if not one.all_versions}
    minutes = [
        one.last_minute
        for one in held.versions
        if one.target == target and one.version == judged.get(target, one.version)
    ]
    newest = max(minutes, default=held.newest)
    return None if newest is None else max(0.0, held.now - newest * 60.0)
