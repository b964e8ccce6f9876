"""The policy: every key moves the verdict, and a wrong one is named with the nearest."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shadow_middleware.configuration import Place
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.evidence import LatencyTotal, Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import KnownRoute, RouteUse
from shadow_middleware.report.checks import Check, State
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.report.policy import (
    LatencyPolicy,
    Policy,
    RoutePolicies,
    RoutePolicy,
    Tolerated,
    policy_from,
)
from shadow_middleware.report.sketch import bucket_of
from shadow_middleware.report.verdict import Ruling, verdict

OK, NO, OPEN = Ruling.PROMOTE, Ruling.DO_NOT_PROMOTE, Ruling.NOT_ENOUGH_EVIDENCE
NOW = 1_700_000_000.0


def read(**values: Any) -> Policy:
    """Return the policy that a file's table makes."""
    return policy_from(
        {
            name: (one, Place(f"verdict.{name}", "file x"))
            for name, one in values.items()
        }
    )


def total(
    outcome: Outcome, count: int, route: str = "GET /a", reason: str = ""
) -> Total:
    """Return one count of the target `shadow`."""
    return Total("shadow", route, outcome, reason, count)


def times(leg: str, ms: float, count: int, route: str = "GET /a") -> LatencyTotal:
    """Return so many equal times of one leg."""
    return LatencyTotal("shadow", route, leg, bucket_of(ms * 1e3), count)


HELD = Holdings(
    totals=[
        total(Outcome.MATCH, 3_000),
        total(Outcome.NOISE, 100),
        total(Outcome.TIMEOUT, 8, reason="read"),
        total(Outcome.DROPPED, 50, reason="queue_full"),
        total(Outcome.MATCH, 800, "GET /b"),
        total(Outcome.MATCH, 20, "GET /c/{id}"),
    ],
    latencies=[
        *(times("live", 10, 3_000), times("shadow", 18, 3_000)),
        *(times("live", 10, 400, "GET /b"), times("shadow", 100, 400, "GET /b")),
    ],
    routes=[KnownRoute(f"GET /{name}", NOW) for name in "abxy"],
    uses=[
        RouteUse(0, "GET /a", 2, 100, 100),
        RouteUse(0, "GET /b", 2, 100, 100),
        RouteUse(0, "GET /x", 2, 800, 0),
    ],
    newest=int(NOW // 60) - 60,
    now=NOW,
)


@pytest.mark.parametrize(
    ("policy", "ruling"),
    [
        ({}, OK),
        ({"minimum_rate": 0.999}, OPEN),
        ({"minimum_rate": 0.9999}, NO),
        ({"minimum_evidence": 5_000}, OPEN),
        ({"minimum_route_evidence": 0}, OK),
        ({"prove_routes": True}, OPEN),
        ({"weighting": "routes"}, OPEN),
        ({"weighting": "traffic"}, OK),
        ({"weighting": "traffic", "minimum_rate": 0.995}, OPEN),
        ({"minimum_coverage": 0.99}, OPEN),
        ({"minimum_coverage": 0.99, "neutral": ["dropped"]}, OK),
        ({"minimum_route_coverage": 0.5}, OK),
        ({"minimum_route_coverage": 0.51}, OPEN),
        ({"minimum_traffic_coverage": 0.2}, OK),
        ({"minimum_traffic_coverage": 0.21}, OPEN),
        ({"maximum_noise": 0.03}, OK),
        ({"maximum_noise": 0.02}, OPEN),
        ({"maximum_noise": 0.02, "neutral": ["noise"]}, OK),
        ({"minimum_rate": 0.998, "neutral": ["timeout"]}, OK),
        ({"minimum_rate": 0.998, "tolerated": {"timeout": 0.001}}, OPEN),
        ({"minimum_rate": 0.998, "tolerated": {"timeout": 0.01}}, OK),
        ({"freshness": "2h"}, OK),
        ({"freshness": "30m"}, OPEN),
        ({"confidence": 0.5, "minimum_rate": 0.9955}, OK),
        ({"confidence": 0.95, "minimum_rate": 0.9955}, OPEN),
        ({"latency": {"p50": 2.0, "floor_ms": 5}}, NO),
        ({"latency": {"p50": 12.0, "floor_ms": 5}}, OK),
        ({"latency": {"p50": 1.2, "floor_ms": 200}}, OK),
        ({"latency": {"p95": 2.0, "floor_ms": 5}}, NO),
        ({"latency": {"p99": 12.0}}, OK),
        ({"routes": [{"route": "GET /a", "minimum_rate": 0.98}]}, OK),
        ({"routes": [{"route": "GET /a", "minimum_rate": 0.998}]}, OPEN),
        ({"routes": [{"route": "GET /a", "minimum_rate": 0.9999}]}, NO),
        ({"routes": [{"route": "/c/*", "minimum_evidence": 20}]}, OK),
        ({"routes": [{"route": "/c/*", "minimum_evidence": 21}]}, OPEN),
        ({"routes": [{"route": "GET /gone", "minimum_evidence": 1}]}, OPEN),
        ({"routes": [{"route": "GET /a", "maximum_noise": 0.03}]}, OPEN),
        ({"routes": [{"route": "GET /b", "maximum_noise": 0.03}]}, OK),
        ({"routes": [{"route": "/b", "latency": {"p50": 2, "floor_ms": 5}}]}, NO),
        ({"routes": [{"route": "/b", "latency": {"p50": 20, "floor_ms": 5}}]}, OK),
        (
            {
                "latency": {"p50": 2.0, "floor_ms": 5},
                "routes": [{"route": "/b", "latency": {"floor_ms": 500, "p50": 2}}],
            },
            OK,
        ),
    ],
)
def test_every_key_moves_the_verdict(policy: dict[str, Any], ruling: Ruling) -> None:
    """W66: each is alive, one way and the other."""
    found = verdict(HELD, read(**policy))

    assert ruling is found.ruling, found.targets[0].reasons


def test_every_key_is_tried() -> None:
    """None is left out of the table above."""
    [mark] = test_every_key_moves_the_verdict.pytestmark
    tried = repr([policy for policy, _ in mark.args[1]])
    keys = {
        field.name
        for struct in (Policy, RoutePolicy, LatencyPolicy)
        for field in msgspec.structs.fields(struct)
    }

    assert set() == {key for key in keys if f"'{key}'" not in tried}


@pytest.mark.parametrize("name", ["divergence", "shadow_error", "timeout"])
def test_each_tolerated_outcome_is_its_own(name: str) -> None:
    """A share of it is left out of the count; the rest counts as ever."""
    rows = [total(Outcome.MATCH, 990), total(Outcome(name), 10)]
    asked = Policy(tolerated=Tolerated(**{name: 0.006}))

    [target] = verdict(Holdings(totals=rows), asked).targets

    assert (990, 994, 6) == (
        target.share.agrees,
        target.share.decided,
        target.share.no_evidence,
    )


def test_an_open_breaker_is_the_errors_that_opened_it() -> None:
    """Neutral and tolerated mean both."""
    rows = [
        total(Outcome.MATCH, 1_000),
        total(Outcome.SKIPPED, 50, reason="breaker_open"),
    ]

    [target] = verdict(Holdings(totals=rows), Policy(neutral=("shadow_error",))).targets

    assert (1_000, 50) == (target.share.decided, target.share.no_evidence)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"min_rate": 1}, "verdict.min_rate: unknown .*did you mean 'minimum_rate'"),
        ({"minimum_rate": 99}, r"verdict.minimum_rate: 99.0 .*did you mean 0.99\?"),
        ({"minimum_rate": "high"}, "verdict.minimum_rate: 'high' is not a number"),
        ({"minimum_evidence": 0}, "verdict.minimum_evidence: 0 is below 1"),
        ({"minimum_evidence": 1.5}, "minimum_evidence: 1.5 is not a whole number"),
        ({"confidence": 1}, "verdict.confidence: 1.0 is not from 0.5 to below 1"),
        ({"confidence": 95}, r"did you mean 0.95\?"),
        ({"weighting": "route"}, r"weighting: .*did you mean 'routes'\?"),
        ({"neutral": ["timeuot"]}, r"neutral\[0\]: .*did you mean 'timeout'\?"),
        ({"neutral": ["divergence"]}, r"neutral\[0\]: unknown value 'divergence'"),
        ({"tolerated": {"timeout": 2}}, "tolerated.timeout: 2.0 is no share"),
        ({"tolerated": {"noise": 1}}, "tolerated.noise: unknown"),
        ({"latency": {"p90": 2}}, r"latency.p90: unknown .*did you mean"),
        ({"latency": {"p50": 0.5}}, "latency.p50: 0.5 is no ratio"),
        ({"latency": {"floor_ms": -1}}, "latency.floor_ms: -1.0 is below 0"),
        ({"freshness": "7 days"}, "freshness: '7 days' is no length of time"),
        ({"freshness": 7}, "freshness: 7 is not a string"),
        ({"routes": {"GET /a": {}}}, "routes: .* is not a list"),
        ({"routes": [{}]}, r"routes\[0\]: 'route' is missing"),
        ({"routes": [{"route": " "}]}, r"routes\[0\].route: is empty"),
        ({"routes": [{"rout": "/a"}]}, r"rout: unknown .*did you mean 'route'\?"),
        (
            {"routes": [{"route": "/a", "minimum_rate": 2}]},
            r"routes\[0\].minimum_rate: 2.0 is no share",
        ),
        (
            {"routes": [{"route": "/a", "minimum_evidence": -1}]},
            r"routes\[0\].minimum_evidence: -1 is below 0",
        ),
    ],
)
def test_a_wrong_policy_is_named_with_the_nearest_right_one(
    values: dict[str, Any], problem: str
) -> None:
    """The key, the value, and what would be right."""
    with pytest.raises(ConfigurationError, match=problem):
        read(**values)


@pytest.mark.parametrize(
    ("route", "glob"),
    [
        ("GET /users/{id}", "GET /users/*"),
        ("POST /users/{id}", "/users/**"),
        ("GET /users", "/users/**"),
        ("GET /", "**"),
        ("-", "**"),
    ],
)
def test_the_first_glob_that_fits_holds(route: str, glob: str) -> None:
    """With a method, or without for every method."""
    globs = ["GET /users/*", "/users/**", "**"]
    found = RoutePolicies(read(routes=[{"route": one} for one in globs])).of(route)

    assert found is not None
    assert glob == found.route


def test_a_route_that_no_glob_fits_is_as_all() -> None:
    """There is no need to name any."""
    assert None is RoutePolicies(read(routes=[{"route": "GET /a"}])).of("POST /a")


def test_a_later_source_stands_above_an_earlier_one() -> None:
    """Options above the file, key by key."""
    place = Place("x", "y")

    found = policy_from(
        {"minimum_rate": (0.9, place), "minimum_evidence": (7, place)},
        {"minimum_rate": (0.8, place)},
    )

    assert (0.8, 7) == (found.minimum_rate, found.minimum_evidence)


def test_what_a_route_still_needs_is_said() -> None:
    """How many more requests of which route, and at least so many."""
    asked = read(prove_routes=True)

    checks = verdict(HELD, asked).targets[0].checks
    [check] = [one for one in checks if one.route == "GET /c/{id}"]

    assert isinstance(check, Check)
    assert State.OPEN is check.state
    assert check.more is not None
    assert check.text.endswith(
        f"; about {check.more:,} more requests of GET /c/{{id}} would decide it"
    )
    more = total(Outcome.MATCH, check.more, "GET /c/{id}")
    held = msgspec.structs.replace(HELD, totals=[*HELD.totals, more])
    assert OK is verdict(held, asked).ruling
