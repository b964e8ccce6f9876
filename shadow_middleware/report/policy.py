"""
The policy: what is asked of a shadow before it may be promoted.

Read from the `[verdict]` table of a TOML file that can be reviewed in a pull
request; options of the command stand above it. One validator for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from shadow_middleware.compare.globs import PathMatcher
from shadow_middleware.configuration import Check, Checks, Place, build
from shadow_middleware.exchange import Outcome
from shadow_middleware.report.times import seconds_in
from shadow_middleware.validation import at_least

__all__ = [
    "LatencyPolicy",
    "Policy",
    "RoutePolicies",
    "RoutePolicy",
    "Tolerated",
    "policy_from",
]


class LatencyPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How much slower than live a route may be. 0 asks nothing of a quantile."""

    p50: float = 0.0
    """Times that the shadow's median may be of live's."""
    p95: float = 0.0
    """Times that the shadow's p95 may be of live's."""
    p99: float = 0.0
    """Times that the shadow's p99 may be of live's."""
    floor_ms: float = 50.0
    """Milliseconds that a quantile must be slower by, as well, to be too slow."""

    @property
    def ratios(self) -> dict[str, float]:
        """The ratios that are asked for, by quantile."""
        every = {"p50": self.p50, "p95": self.p95, "p99": self.p99}
        return {name: ratio for name, ratio in every.items() if ratio}


class Tolerated(msgspec.Struct, frozen=True, kw_only=True):
    """
    The share of an outcome that may be left out of the count, of what was decided.

    What goes beyond it counts against the shadow, as without it.
    """

    divergence: float = 0.0
    """Share of divergences, such as 0.001 for one in a thousand."""
    shadow_error: float = 0.0
    """Share of shadow errors, with what was not sent because of them."""
    timeout: float = 0.0
    """Share of time-outs."""


class RoutePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the routes that a glob fits; what is left out is as for all."""

    route: str
    """Glob over `GET /users/{id}`, or over `/users/{id}` for every method."""
    minimum_rate: float | None = None
    """Share that must agree, and that must be shown: its lower bound has to reach it."""
    minimum_evidence: int | None = None
    """Decided replays that each route must have, and there must be such a route."""
    maximum_noise: float | None = None
    """Largest share of noise among the decided replays."""
    latency: LatencyPolicy | None = None
    """Ratios and floor for these routes, in place of those for all."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a shadow before it may be promoted."""

    minimum_rate: float = 0.99
    """Share of decided replays that must agree; its lower bound has to reach it."""
    minimum_evidence: int = 100
    """Decided replays below which nothing is said."""
    minimum_route_evidence: int = 30
    """Decided replays from which a route can fail alone; below it leaves the question
    open; 0 judges none alone."""
    prove_routes: bool = False
    """Whether each route must be shown to reach the rate, not only not to miss it."""
    weighting: Literal["sampled", "traffic", "routes"] = "sampled"
    """Whose rate decides: as sampled, by live traffic, or each route the same."""
    minimum_coverage: float = 0.5
    """Share of replays that must be decided, and not dropped or incomparable."""
    minimum_route_coverage: float = 0.0
    """Share of the app's own routes that must have been replayed; 0 asks nothing."""
    minimum_traffic_coverage: float = 0.0
    """Share of live traffic that must be like some that was replayed; 0 asks nothing."""
    maximum_noise: float = 1.0
    """Noise budget: the largest share of noise among the decided replays."""
    neutral: tuple[
        Literal["noise", "shadow_error", "timeout", "incomparable", "dropped"], ...
    ] = ()
    """Outcomes that count neither for nor against."""
    tolerated: Tolerated = Tolerated()
    """Outcomes of which a share is left out of the count."""
    latency: LatencyPolicy = LatencyPolicy()
    """How much slower than live a route may be."""
    freshness: str = ""
    """Age beyond which evidence does not count: `30m`, `24h`, `7d`; '' is any."""
    confidence: float = 0.95
    """With which a promotion is right, however often one looks."""
    routes: tuple[RoutePolicy, ...] = ()
    """What is asked of single routes; the first glob that fits holds."""

    @property
    def times_routes(self) -> bool:
        """Whether something is asked of the latency of single routes."""
        own = (one.latency for one in self.routes)
        return any(one.ratios for one in (self.latency, *own) if one is not None)

    @property
    def freshness_seconds(self) -> float | None:
        """The age in seconds; None where any is."""
        return seconds_in(self.freshness) if self.freshness else None

    @property
    def neutral_outcomes(self) -> frozenset[Outcome]:
        """The outcomes that count neither for nor against."""
        return frozenset(map(Outcome, self.neutral))


def policy_from(*sources: Mapping[str, tuple[Any, Place]]) -> Policy:
    """
    Return the validated policy from what its sources give, the later above the earlier.

    Raises:
        ConfigurationError: naming the key, the value and the nearest right one.
    """
    given: dict[str, tuple[Any, Place]] = {}
    for source in sources:
        given |= source
    return build(Policy, given, _CHECKS)


class RoutePolicies:
    """Finds what is asked of a route: the first glob that fits it holds."""

    def __init__(self, policy: Policy) -> None:
        self._globs = PathMatcher((_pointer(one.route), one) for one in policy.routes)

    def of(self, route: str) -> RoutePolicy | None:
        """Return what is asked of `METHOD /path`; None where no glob fits it."""
        found = self._globs.find(_pointer(route))
        return found[0] if found else None


def _pointer(glob: str) -> str:
    method, space, path = glob.partition(" ")
    if not space:
        return "/*" + glob if glob.startswith("/") else f"/*/{glob}"
    return f"/{method}" + (path if path.startswith("/") else f"/{path}")


# --- checks ----------------------------------------------------------------------------


def _share(place: Place, value: float) -> float:
    if not 0 <= value <= 1:
        percent = 1 < value <= 100
        advice = f"did you mean {value / 100:g}?" if percent else "such as 0.99"
        raise place.error(f"{place.show(value)} is no share from 0 to 1", advice)
    return value


def _confidence(place: Place, value: float) -> float:
    if not 0.5 <= value < 1:
        right = 50 <= value < 100
        advice = f"did you mean {value / 100:g}?" if right else "such as 0.95"
        raise place.error(f"{place.show(value)} is not from 0.5 to below 1", advice)
    return value


def _ratio(place: Place, value: float) -> float:
    if value and value < 1:
        advice = "1.2 is a fifth slower; 0 asks nothing"
        raise place.error(f"{place.show(value)} is no ratio of 1 or above", advice)
    return at_least(0)(place, value)  # type: ignore[no-any-return]


def _length_of_time(place: Place, value: str) -> str:
    text = value.strip()
    if text and not seconds_in(text):
        problem = f"{place.show(value)} is no length of time"
        raise place.error(problem, "write 90s, 30m, 24h, 7d or 2w")
    return text


def _glob(place: Place, value: str) -> str:
    text = " ".join(value.split())
    if not text:
        raise place.error("is empty", 'write a route such as "GET /users/*"')
    return text


def _if_given(check: Check) -> Check:
    return lambda place, value: None if value is None else check(place, value)


_CHECKS: Checks = {
    LatencyPolicy: {
        "p50": _ratio,
        "p95": _ratio,
        "p99": _ratio,
        "floor_ms": at_least(0),
    },
    Tolerated: {"divergence": _share, "shadow_error": _share, "timeout": _share},
    RoutePolicy: {
        "route": _glob,
        "minimum_rate": _if_given(_share),
        "minimum_evidence": _if_given(at_least(0)),
        "maximum_noise": _if_given(_share),
    },
    Policy: {
        "minimum_rate": _share,
        "minimum_evidence": at_least(1),
        "minimum_route_evidence": at_least(0),
        "minimum_coverage": _share,
        "minimum_route_coverage": _share,
        "minimum_traffic_coverage": _share,
        "maximum_noise": _share,
        "freshness": _length_of_time,
        "confidence": _confidence,
    },
}
