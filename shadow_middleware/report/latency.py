"""Latency of both legs, read from sketches: p50, p95, p99, delta and ratio."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from shadow_middleware.evidence import LatencyTotal, StepLatency
from shadow_middleware.report.sketch import by_leg, quantile

__all__ = ["Latency", "Percentiles", "latency_of"]


class Percentiles(msgspec.Struct, frozen=True):
    """Three quantiles, each within 2 %."""

    p50: float
    p95: float
    p99: float


class Latency(msgspec.Struct, frozen=True):
    """
    Both legs over the same exchanges: replays that got a whole answer.

    Times run from the start of the request to the last byte, on one kind of clock.
    """

    samples: int
    live_ms: Percentiles
    shadow_ms: Percentiles
    delta_ms: Percentiles
    """Shadow minus live: above 0 the shadow is slower."""
    ratio: Percentiles
    """Shadow over live, defined down to 1 µs."""


def latency_of(rows: Iterable[LatencyTotal | StepLatency]) -> Latency | None:
    """Return the latency of all rows together; None without times of both legs."""
    legs = by_leg(rows)
    live, shadow = _percentiles(legs["live"]), _percentiles(legs["shadow"])
    if live is None or shadow is None:
        return None
    return Latency(
        samples=sum(legs["shadow"].values()),
        live_ms=live,
        shadow_ms=shadow,
        delta_ms=Percentiles(
            shadow.p50 - live.p50, shadow.p95 - live.p95, shadow.p99 - live.p99
        ),
        ratio=Percentiles(
            shadow.p50 / live.p50, shadow.p95 / live.p95, shadow.p99 / live.p99
        ),
    )


def _percentiles(buckets: Mapping[int, int]) -> Percentiles | None:
    p50, p95, p99 = (quantile(buckets, q) for q in (0.5, 0.95, 0.99))
    if p50 is None or p95 is None or p99 is None:
        return None
    return Percentiles(p50 / 1e3, p95 / 1e3, p99 / 1e3)
