"""An overview without the latency of single routes says the same of everything else."""

from __future__ import annotations

import msgspec
import pytest

from shadow_middleware.evidence import Batch, Count, LatencyCount
from shadow_middleware.exchange import Outcome
from shadow_middleware.reading import Reading
from shadow_middleware.report.policy import LatencyPolicy, Policy, RoutePolicy
from shadow_middleware.report.verdict import TargetVerdict
from shadow_middleware.store.memory import MemoryStore

MINUTE = 30_000_000
ROUTES = ("GET /a", "GET /b", "GET /c")


@pytest.fixture
def store() -> MemoryStore:
    """Three routes; the shadow is slower by a bucket on each than on the one before."""
    found = MemoryStore()
    found.write(
        Batch(
            counts=[
                Count(MINUTE, "shadow", route, Outcome.MATCH, "", 400)
                for route in ROUTES
            ],
            latencies=[
                LatencyCount(MINUTE, "shadow", route, leg, bucket, 400)
                for place, route in enumerate(ROUTES)
                for leg, bucket in (("live", 200), ("shadow", 220 + 20 * place))
            ],
        )
    )
    return found


def brief(verdict: TargetVerdict) -> TargetVerdict:
    """Return a verdict without what is said of single routes only where it is asked."""
    routes, failing = (
        [
            msgspec.structs.replace(
                one,
                latency={},
                share=msgspec.structs.replace(
                    one.share, wilson=None, clopper_pearson=None
                ),
            )
            for one in some
        ]
        for some in (verdict.routes, verdict.failing_routes)
    )
    return msgspec.structs.replace(verdict, routes=routes, failing_routes=failing)


def test_only_what_is_said_of_single_routes_is_left_out(store: MemoryStore) -> None:
    """What is said of all routes together is the same to the last digit."""
    reading = Reading(store, now=lambda: 60.0 * MINUTE)

    whole, short = reading.overview(), reading.overview(whole=False)

    summary, verdict = whole.summary.targets[0], whole.verdict.targets[0]
    assert summary.routes
    assert msgspec.structs.replace(summary, routes=[]) == short.summary.targets[0]
    assert all(one.latency for one in verdict.routes)
    assert brief(verdict) == short.verdict.targets[0]


SLOW = LatencyPolicy(p95=1.2, floor_ms=0.0)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(latency=SLOW),
        Policy(routes=(RoutePolicy(route="GET /c", latency=SLOW),)),
    ],
    ids=["all", "one route"],
)
def test_what_a_policy_asks_of_routes_is_looked_at(
    store: MemoryStore, policy: Policy
) -> None:
    """A route that is too slow is never missed for the sake of speed."""
    reading = Reading(store, policy=policy, now=lambda: 60.0 * MINUTE)

    found = reading.verdict(whole=False)

    assert brief(reading.verdict().targets[0]) == brief(found.targets[0])
    failed = {one.route for one in found.targets[0].checks if one.state == "failed"}
    assert "GET /c" in failed


def test_one_route_alone_keeps_its_latency(store: MemoryStore) -> None:
    """Its page shows it, whatever is asked."""
    short = Reading(store).summary(route="GET /b", whole=False)

    assert Reading(store).summary(route="GET /b") == short
    assert short.targets[0].routes[0].latency is not None
