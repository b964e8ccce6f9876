"""Figures as text for Prometheus. The only file that knows prometheus_client."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.metrics.figures import Figures
from shadow_middleware.metrics.instruments import ALL, DURATION, Instrument
from shadow_middleware.report.sketch import upper_edge

if TYPE_CHECKING:
    from prometheus_client.core import Metric

__all__ = ["BOUNDARIES", "CONTENT_TYPE", "middle_of", "prometheus_text"]

BOUNDARIES: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Seconds; the sketch in the store knows quantiles better, within 2 %."""
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def prometheus_text(figures: Figures) -> bytes:
    """
    Return the figures as Prometheus reads them.

    Instruments without a figure are left out, but for those without labels.

    Raises:
        ConfigurationError: the extra `metrics` is not installed.
    """
    try:
        from prometheus_client import CollectorRegistry, generate_latest
    except ImportError:
        raise ConfigurationError(
            "metrics need prometheus-client; "
            "install it: pip install 'shadow-middleware[metrics]'"
        ) from None
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(figures))
    return generate_latest(registry)


class _Families:
    """What a registry asks for its families."""

    def __init__(self, figures: Figures) -> None:
        self._values: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
        for (name, labels), value in figures.items():
            self._values[name][labels] = value
        self._stored = any(ALL[name].stored for name in self._values)

    def collect(self) -> Iterator[Metric]:
        """Return every family that has something to say."""
        for one in ALL.values():
            values = self._values.get(one.name, {})
            if not values and not one.labels and one.stored is self._stored:
                values = {(): 0.0}
            if values:
                yield _family(one, values)


def _family(one: Instrument, values: Mapping[tuple[str, ...], float]) -> Metric:
    from prometheus_client import core

    if one is DURATION:
        return _histogram(core, values)
    made: dict[str, Any] = {
        "counter": core.CounterMetricFamily,
        "gauge": core.GaugeMetricFamily,
    }
    family: Metric = made[one.kind](one.prometheus, one.help, labels=one.labels)
    for labels in sorted(values):
        family.add_metric(labels, values[labels])  # type: ignore[attr-defined]
    return family


def _histogram(core: Any, values: Mapping[tuple[str, ...], float]) -> Metric:
    family = core.HistogramMetricFamily(
        DURATION.prometheus, DURATION.help, labels=DURATION.labels
    )
    legs: dict[tuple[str, ...], list[tuple[float, float]]] = defaultdict(list)
    for (target, leg, bucket), count in values.items():
        legs[target, leg].append((middle_of(bucket), count))
    for labels in sorted(legs):
        times = legs[labels]
        total = sum(seconds * count for seconds, count in times)
        family.add_metric(labels, list(_buckets(times)), total)
    return family  # type: ignore[no-any-return]


def _buckets(times: Iterable[tuple[float, float]]) -> Iterator[tuple[str, float]]:
    times = list(times)
    for edge in BOUNDARIES:
        yield str(edge), sum(n for seconds, n in times if seconds <= edge)
    yield "+Inf", sum(n for _, n in times)


def middle_of(bucket: str) -> float:
    """Return the seconds that stand for a bucket of the sketch, within 2 %."""
    return upper_edge(int(bucket)) / 1.02 / 1e6
