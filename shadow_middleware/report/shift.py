"""
How far the shadow's quantiles lie from live's, with bounds that need no distribution.

The number of times that lie at or below the true q quantile is a sum of trials with
chance q. So the quantile lies between those order statistics whose ranks a bound for
a share of q allows (David, Nagaraja: Order Statistics, 3rd edition, 2003, section
7.1). With a confidence sequence for the share, the bounds hold however often one
looks (Howard, Ramdas: Sequential estimation of quantiles with applications to A/B
testing and best-arm identification. Bernoulli 28 (2022), 1704-1728, section 3).
Sketches know a time up to its bucket, so the outer edges of the buckets are taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import msgspec

from shadow_middleware.evidence import LatencyTotal
from shadow_middleware.inference import lies_above
from shadow_middleware.report.sketch import by_leg, lower_edge, quantile, upper_edge

__all__ = ["QUANTILES", "Bounds", "Shift", "quantile_bounds", "shifts_of"]

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Bounds(msgspec.Struct, frozen=True):
    """Where something lies; an end is None where nothing is known of it."""

    low: float | None
    high: float | None


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """One quantile of both legs, and how far they are apart, in milliseconds."""

    live_ms: float
    shadow_ms: float
    live_bounds: Bounds
    shadow_bounds: Bounds
    delta_ms: float
    """Shadow minus live: above 0 the shadow is slower."""
    delta_bounds: Bounds
    ratio: float
    """Shadow over live."""
    ratio_bounds: Bounds

    def is_slower(self, ratio: float, floor_ms: float) -> bool | None:
        """Return whether it is slower by both measures; None where it cannot be told."""
        most, least = self.ratio_bounds.high, self.ratio_bounds.low
        most_ms, least_ms = self.delta_bounds.high, self.delta_bounds.low
        if most is not None and most <= ratio:
            return False
        if most_ms is not None and most_ms <= floor_ms:
            return False
        if least is None or least_ms is None:
            return None
        return True if least > ratio and least_ms > floor_ms else None


def shifts_of(
    rows: Iterable[LatencyTotal], confidence: float = 0.95
) -> dict[str, Shift]:
    """
    Return the shift at each quantile; {} without times of both legs.

    Each leg is bounded with half of the error, so both bounds of a shift hold at once
    however live's times and the shadow's depend on each other.
    """
    legs = by_leg(rows)
    if not legs["live"] or not legs["shadow"]:
        return {}
    each = 1 - (1 - confidence) / 2
    return {
        name: _shift(legs["live"], legs["shadow"], q, each)
        for name, q in QUANTILES.items()
    }


def _shift(
    live: Mapping[int, int], shadow: Mapping[int, int], q: float, confidence: float
) -> Shift:
    before, after = quantile(live, q) or 1.0, quantile(shadow, q) or 1.0
    first = quantile_bounds(live, q, confidence)
    second = quantile_bounds(shadow, q, confidence)
    return Shift(
        live_ms=before / 1e3,
        shadow_ms=after / 1e3,
        live_bounds=first,
        shadow_bounds=second,
        delta_ms=(after - before) / 1e3,
        delta_bounds=Bounds(
            _less(second.low, first.high), _less(second.high, first.low)
        ),
        ratio=after / before,
        ratio_bounds=Bounds(
            _over(second.low, first.high), _over(second.high, first.low)
        ),
    )


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _over(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other


def quantile_bounds(
    buckets: Mapping[int, int], q: float, confidence: float = 0.95
) -> Bounds:
    """Return where the true `q` quantile lies, in milliseconds."""
    count = sum(buckets.values())
    fewest, most = _ranks(count, q, confidence)
    low = high = None
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if low is None and seen >= fewest > 0:
            low = lower_edge(bucket) / 1e3
        if high is None and seen > most:
            high = upper_edge(bucket) / 1e3
    return Bounds(low, high)


@lru_cache(maxsize=16_384)
def _ranks(count: int, q: float, confidence: float) -> tuple[int, int]:
    """Return the least and the largest number of times that may lie at or below it."""
    # About where they are, so that few numbers are tried.
    away = int(
        2 * math.sqrt((math.log(2 / (1 - confidence)) + 2) * q * (1 - q) * count)
    )

    def reaches(k: int) -> bool:
        return not lies_above(count - k, count, 1 - q, confidence)

    def exceeds(k: int) -> bool:
        return lies_above(k, count, q, confidence)

    fewest = _first(count, int(q * count) - away, reaches)
    return fewest, _first(count, int(q * count) + away, exceeds) - 1


def _first(end: int, near: int, holds: Callable[[int], bool]) -> int:
    """Return the first number from 0 to `end` that holds, or `end` + 1."""
    low, high, step = 0, end + 1, 1
    while low < high:
        middle = min(max(near, low), high - 1)
        if holds(middle):
            high, near = middle, middle - step
        else:
            low, near = middle + 1, middle + step
        step *= 2
        if step > high - low:
            near = (low + high) // 2
    return low
