"""
Latency sketches: logarithmic buckets that add up over processes, hosts and time.

`observe` files times into buckets, `store` adds them up, reports read quantiles.
Pure arithmetic; after Masson, Rim, Lee: DDSketch, VLDB 2019,
https://www.vldb.org/pvldb/vol12/p2195-masson.pdf
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from shadow_middleware.evidence import LATENCY_WINDOW, LatencyTotal, StepLatency

__all__ = [
    "bucket_of",
    "by_leg",
    "lower_edge",
    "middle",
    "quantile",
    "upper_edge",
    "window_of",
]

_ACCURACY = 0.02
_GAMMA = (1 + _ACCURACY) / (1 - _ACCURACY)
_LOG_GAMMA = math.log(_GAMMA)


def bucket_of(us: float) -> int:
    """Return the bucket that a time in microseconds falls into; 0 up to 1 µs."""
    if us <= 1:
        return 0
    return math.ceil(math.log(us) / _LOG_GAMMA)


def window_of(minute: int) -> int:
    """Return the first minute of the window that `minute` falls into."""
    return minute - minute % LATENCY_WINDOW


def quantile(buckets: Mapping[int, int], q: float) -> float | None:
    """
    Return the `q` quantile in microseconds, within 2 %; None where nothing was seen.

    Args:
        buckets: How many times fell into each bucket.
        q: From 0 for the smallest to 1 for the largest.
    """
    total = sum(buckets.values())
    if total <= 0:
        return None
    rank = q * (total - 1)
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen > rank:
            return middle(bucket)
    return middle(max(buckets))


def by_leg(rows: Iterable[LatencyTotal | StepLatency]) -> dict[str, dict[int, int]]:
    """Return the sketch of each leg, `live` and `shadow` at least, over all rows."""
    legs: dict[str, dict[int, int]] = {"live": {}, "shadow": {}}
    for row in rows:
        buckets = legs.setdefault(row.leg, {})
        buckets[row.bucket] = buckets.get(row.bucket, 0) + row.count
    return legs


def lower_edge(bucket: int) -> float:
    """Return the microseconds that every time in the bucket reaches."""
    return _GAMMA ** (bucket - 1) if bucket > 0 else 0.0


def upper_edge(bucket: int) -> float:
    """Return the microseconds that no time in the bucket exceeds."""
    return float(_GAMMA**bucket)


def middle(bucket: int) -> float:
    """Return the time that is at most 2 % from any other in the bucket."""
    return 2 * _GAMMA**bucket / (_GAMMA + 1)
