"""A replay that took too long, as a difference like any other."""

from __future__ import annotations

from typing import Final

from shadow_middleware.exchange import Difference, Kind, Part
from shadow_middleware.settings import Settings

__all__ = ["Slowness"]

_UNIT: Final = "ms"


class Slowness:
    """When a second answer is too slow beside live's: by the settings' policy."""

    def __init__(self, settings: Settings) -> None:
        self._ratio = settings.latency_ratio
        self._floor = settings.latency_floor
        self.counts = settings.latency_ratio > 0
        """Whether latency is judged at all."""

    def __call__(self, live_ms: float, other_ms: float | None) -> Difference | None:
        """Return the difference in latency, both in milliseconds; None if there is none."""
        if not self.counts or other_ms is None:
            return None
        if other_ms <= self._ratio * live_ms or other_ms - live_ms <= self._floor:
            return None
        return Difference(
            Part.LATENCY,
            "",
            Kind.CHANGED,
            round(live_ms, 3),
            round(other_ms, 3),
            live_is=_UNIT,
            shadow_is=_UNIT,
        )
