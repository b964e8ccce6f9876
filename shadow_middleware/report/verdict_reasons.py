"""The sentences of a verdict: what was found, with its number, and what was asked."""

from __future__ import annotations

from shadow_middleware.inference import Interval
from shadow_middleware.report.figures import percent
from shadow_middleware.report.policy import LatencyPolicy, Policy
from shadow_middleware.report.rates import Share
from shadow_middleware.report.shift import Bounds, Shift

__all__ = [
    "agreement",
    "coverage",
    "few",
    "latency",
    "more_would_decide",
    "noise",
    "old",
    "route_agreement",
    "route_few",
    "share_below",
    "unexercised",
    "weighed",
]

_WEIGHTS = {
    "routes": "with each route weighing the same",
    "traffic": "weighed by live traffic",
}


def few(share: Share, policy: Policy) -> str:
    """Return that too little is decided to say anything."""
    least = policy.minimum_evidence
    return f"{share.decided} replays decided, at least {least} asked"


def agreement(share: Share, bounds: Interval, policy: Policy) -> str:
    """Return how many agree, between which bounds."""
    return (
        f"{_counts(share)} replays agree ({percent(share.rate or 0.0)}), "
        f"{_between(bounds, policy)}; at least {percent(policy.minimum_rate)} asked"
    )


def weighed(rate: float, bounds: Interval, policy: Policy) -> str:
    """Return the weighted rate, between which bounds."""
    return (
        f"{percent(rate)} agree {_WEIGHTS[policy.weighting]}, "
        f"{_between(bounds, policy)}; at least {percent(policy.minimum_rate)} asked"
    )


def more_would_decide(more: int | None, route: str = "") -> str:
    """Return how much more traffic would decide, taken as it came so far."""
    if more is None:
        return "it is too close to what is asked for any amount of traffic to decide"
    of = f" of {route}" if route else ""
    requests = "1 more request" if more == 1 else f"about {more:,} more requests"
    return f"{requests}{of} would decide it"


def route_agreement(
    route: str, share: Share, bounds: Interval, minimum: float, only: str = ""
) -> str:
    """Return how many of a route agree, between which bounds."""
    return (
        f"{route}: {only}{_counts(share)} agree ({percent(share.rate or 0.0)}), "
        f"between {percent(bounds.low)} and {percent(bounds.high)}; "
        f"at least {percent(minimum)} asked"
    )


def route_few(route: str, decided: int, least: int) -> str:
    """Return that a route has too little evidence."""
    return f"{route}: {decided:,} replays decided, at least {least:,} asked"


def unexercised(glob: str, least: int) -> str:
    """Return that no route fits what the policy names."""
    return (
        f"{glob}: no such route was replayed, at least {least:,} decided replays asked"
    )


def coverage(share: Share, policy: Policy) -> str:
    """Return how much of what should be decided is."""
    return (
        f"{share.undecided:,} replays were dropped or could not be compared: "
        f"{percent(share.coverage or 0.0)} decided, "
        f"at least {percent(policy.minimum_coverage)} asked"
    )


def share_below(what: str, share: float | None, least: float) -> str:
    """Return how much of the app was put to the test."""
    if share is None:
        return f"{what}: not known, at least {percent(least)} asked"
    return f"{what}: {percent(share)}, at least {percent(least)} asked"


def noise(share: Share, most: float, route: str = "") -> str:
    """Return the share of noise against its budget."""
    of = f"{route}: " if route else ""
    return (
        f"{of}{share.noise:,} of {share.decided:,} replays agree but for noise "
        f"({percent(share.noise_share)}), at most {percent(most)} asked"
    )


def old(age: float | None, freshness: str) -> str:
    """Return how old the newest evidence is."""
    if age is None:
        return f"nothing is recorded, evidence of the last {freshness} asked"
    return f"the newest evidence is {_long(age)} old, at most {freshness} asked"


def latency(
    name: str, shift: Shift, asked: LatencyPolicy, ratio: float, route: str = ""
) -> str:
    """Return how far one quantile is from live's, and how far it may be."""
    of = f"{route}: " if route else ""
    return (
        f"{of}{name} is {shift.live_ms:,.1f} ms on live and {shift.shadow_ms:,.1f} ms "
        f"on the shadow, {shift.ratio:.2f} times ({_span(shift.ratio_bounds)}) and "
        f"{shift.delta_ms:+,.1f} ms ({_span(shift.delta_bounds)}); at most "
        f"{ratio:g} times or {asked.floor_ms:g} ms asked"
    )


def _counts(share: Share) -> str:
    return f"{share.agrees:,} of {share.decided:,}"


def _between(bounds: Interval, policy: Policy) -> str:
    return (
        f"between {percent(bounds.low)} and {percent(bounds.high)} "
        f"with {percent(policy.confidence)} confidence"
    )


def _span(bounds: Bounds) -> str:
    if bounds.low is None and bounds.high is None:
        return "too few to say"
    if bounds.high is None:
        return f"at least {bounds.low:,.2f}"
    if bounds.low is None:
        return f"at most {bounds.high:,.2f}"
    return f"{bounds.low:,.2f} to {bounds.high:,.2f}"


def _long(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"
