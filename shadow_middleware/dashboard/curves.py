"""What the charts draw: a series as columns, in the order of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from shadow_middleware.exchange import Outcome
from shadow_middleware.reading import Series
from shadow_middleware.report.series import Point, TimePoint

__all__ = ["Curves", "curves_of"]


class Curves(msgspec.Struct, frozen=True):
    """One target's series, as the charts and the tables below them want it."""

    points: list[Point]
    times: list[TimePoint]
    rate: dict[str, Any]
    outcomes: dict[str, Any]
    latency: dict[str, Any]


def curves_of(series: Series) -> Curves | None:
    """Return the curves; None where there is nothing to draw."""
    points, times = series.points, series.times
    if not any(one.outcomes for one in points):
        return None
    rate, outcomes, latency = _rate(points), _outcomes(points), _latency(times)
    rate["step"] = outcomes["step"] = series.step
    latency["step"] = series.times_step
    return Curves(points, times, rate, outcomes, latency)


def _rate(points: Sequence[Point]) -> dict[str, Any]:
    bounds = [one.interval for one in points]
    return {
        "at": [one.at for one in points],
        "rate": [one.rate for one in points],
        "low": [None if one is None else one.low for one in bounds],
        "high": [None if one is None else one.high for one in bounds],
    }


def _outcomes(points: Sequence[Point]) -> dict[str, Any]:
    met = {name for one in points for name in one.outcomes}
    return {
        "at": [one.at for one in points],
        "outcomes": {
            outcome.value: [one.outcomes.get(outcome.value, 0) for one in points]
            for outcome in Outcome
            if outcome.value in met
        },
    }


def _latency(times: Sequence[TimePoint]) -> dict[str, Any]:
    legs = {
        "live": [one.latency.live_ms for one in times],
        "shadow": [one.latency.shadow_ms for one in times],
    }
    return {
        "at": [one.at for one in times],
        **{
            leg: {
                name: [getattr(one, name) for one in percentiles]
                for name in ("p50", "p95", "p99")
            }
            for leg, percentiles in legs.items()
        },
    }
