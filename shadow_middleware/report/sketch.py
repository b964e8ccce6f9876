"""
Latency sketches: logarithmic buckets that add up over processes, hosts and time.

`observe` files times into buckets, `store` adds them up, reports read quantiles.
Pure arithmetic; after Masson, Rim, Lee: DDSketch, VLDB 2019,
https://www.vldb.org/pvldb/vol12/p2195-masson.pdf
"""

from __future__ import annotations

import math
from collections.abc import Mapping

__all__ = [
    "WINDOW_MINUTES",
    "bucket_of",
    "lower_edge",
    "quantile",
    "upper_edge",
    "window_of",
]

WINDOW_MINUTES = 10
"""How many minutes share one sketch."""

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
    return minute - minute % WINDOW_MINUTES


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
            return _middle(bucket)
    return _middle(max(buckets))


def lower_edge(bucket: int) -> float:
    """Return the microseconds that every time in the bucket reaches."""
    return _GAMMA ** (bucket - 1) if bucket > 0 else 0.0


def upper_edge(bucket: int) -> float:
    """Return the microseconds that no time in the bucket exceeds."""
    return float(_GAMMA**bucket)


def _middle(bucket: int) -> float:
    """Return the time that is at most 2 % from any other in the bucket."""
    return 2 * _GAMMA**bucket / (_GAMMA + 1)
