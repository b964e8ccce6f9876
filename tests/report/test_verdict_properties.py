"""Properties of a verdict that hold whatever the evidence is."""

from __future__ import annotations

import random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import RouteUse
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.report.policy import Policy, Tolerated
from shadow_middleware.report.rates import (
    by_route,
    held_together,
    same_for_each_route,
    share_of,
    weighed_by_traffic,
)
from shadow_middleware.report.verdict import Ruling, verdict

ROUTES = ["GET /a", "GET /b", "GET /c"]
REASONS = {Outcome.SKIPPED: ["method", "breaker_open"], Outcome.DROPPED: ["paused"]}


@st.composite
def totals(draw: st.DrawFn) -> list[Total]:
    """Draw counts, most of which agree."""
    rows = []
    for route in draw(st.lists(st.sampled_from(ROUTES), min_size=1, unique=True)):
        rows.append(
            Total("shadow", route, Outcome.MATCH, "", draw(st.integers(1, 5_000)))
        )
        for outcome in draw(st.lists(st.sampled_from(list(Outcome)), unique=True)):
            reason = draw(st.sampled_from(REASONS.get(outcome, [""])))
            count = draw(st.integers(1, 60))
            rows.append(Total("shadow", route, outcome, reason, count))
    return rows


POLICIES = st.builds(
    Policy,
    minimum_rate=st.sampled_from([0.9, 0.99, 0.995]),
    minimum_evidence=st.sampled_from([1, 100]),
    minimum_route_evidence=st.sampled_from([0, 1, 30]),
    prove_routes=st.booleans(),
    weighting=st.sampled_from(["sampled", "routes"]),
    maximum_noise=st.sampled_from([0.01, 1.0]),
    tolerated=st.builds(Tolerated, timeout=st.sampled_from([0.0, 0.01])),
)


@given(
    totals(),
    POLICIES,
    st.sampled_from([*ROUTES, "GET /new"]),
    st.sampled_from([Outcome.MATCH, Outcome.NOISE]),
    st.integers(1, 3_000),
)
def test_more_that_agrees_never_turns_promote_into_do_not(
    rows: list[Total], policy: Policy, route: str, outcome: Outcome, more: int
) -> None:
    """It may open a question, such as that of a new route."""
    before = verdict(Holdings(totals=rows), policy).ruling
    agreeing = Total("shadow", route, outcome, "", more)

    after = verdict(Holdings(totals=[*rows, agreeing]), policy).ruling

    assert not (before is Ruling.PROMOTE and after is Ruling.DO_NOT_PROMOTE)


@given(totals(), POLICIES, st.randoms(use_true_random=False))
def test_the_order_of_totals_says_nothing(
    rows: list[Total], policy: Policy, chance: random.Random
) -> None:
    """Equal evidence has an equal verdict, to the last digit."""
    mixed = list(rows)
    chance.shuffle(mixed)

    first, second = (verdict(Holdings(totals=one), policy) for one in (rows, mixed))

    assert msgspec.to_builtins(first) == msgspec.to_builtins(second)


@given(totals(), st.lists(st.integers(0, 1_000), min_size=3, max_size=3))
def test_weighed_rates_lie_within_their_bounds(
    rows: list[Total], weights: list[int]
) -> None:
    """And between the lowest and the highest route."""
    policy = Policy()
    shares = {
        route: held_together(share_of(some, policy), policy, 3)
        for route, some in by_route(rows).items()
    }
    uses = [
        RouteUse(0, route, 2, weight, 0)
        for route, weight in zip(ROUTES, weights, strict=True)
    ]
    rates = [share.rate for share in shares.values() if share.rate is not None]

    for found in (
        same_for_each_route(shares),
        weighed_by_traffic(shares, uses, share_of(rows, policy)),
    ):
        assert found.rate is not None
        assert found.interval is not None
        assert found.interval.low - 1e-9 <= found.rate <= found.interval.high + 1e-9
        assert min(rates) - 1e-9 <= found.rate <= max(rates) + 1e-9


def test_each_weight_is_as_it_says() -> None:
    """A busy route that agrees hides a rare one that does not, unless it is weighed."""
    rows = [
        Total("shadow", "GET /a", Outcome.MATCH, "", 900),
        Total("shadow", "GET /b", Outcome.DIVERGENCE, "", 100),
    ]
    uses = [RouteUse(0, "GET /a", 2, 100, 0), RouteUse(0, "GET /b", 2, 300, 0)]

    [target] = verdict(Holdings(totals=rows, uses=uses)).targets

    assert (0.9, 0.5, 0.25) == (
        target.share.rate,
        target.unweighted.rate,
        target.traffic_weighted.rate,
    )
    [unused] = verdict(Holdings(totals=rows)).targets
    assert ("sampled", 0.9) == (
        unused.traffic_weighted.by,
        unused.traffic_weighted.rate,
    )
