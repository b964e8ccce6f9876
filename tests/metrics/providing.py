"""A provider of OpenTelemetry meters that a setting can name."""

from __future__ import annotations

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

__all__ = ["READER", "broken", "provider"]

READER = InMemoryMetricReader()
_PROVIDER = MeterProvider([READER])


def provider() -> MeterProvider:
    """Return the one whose reader the test looks into."""
    return _PROVIDER


def broken() -> MeterProvider:
    """Fail, as a collector does that is not configured."""
    raise RuntimeError("no collector")
