"""
The same figures as OpenTelemetry instruments. The only file that knows its API.

Counters and gauges are observed when the reader of the provider asks; durations are
recorded as they come in. Attributes are named as the semantic conventions name them,
where there is a name: `http.route` and `http.request.method`.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.metrics.exposition import BOUNDARIES, middle_of
from shadow_middleware.metrics.figures import Figures, added, lasting
from shadow_middleware.metrics.instruments import ALL, DURATION, Instrument

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation

__all__ = ["Instruments", "instruments_of"]

_ATTRIBUTES = {
    "target": "shadow_middleware.target",
    "outcome": "shadow_middleware.outcome",
    "reason": "shadow_middleware.reason",
    "leg": "shadow_middleware.leg",
    "result": "shadow_middleware.result",
    "state": "shadow_middleware.state",
    "kind": "shadow_middleware.kind",
    "where": "shadow_middleware.where",
}


class Instruments:
    """All instruments of one meter. Any thread may put figures and observe."""

    def __init__(self, provider: str) -> None:
        """
        Make them.

        Args:
            provider: `global`, or `module:function` that returns a `MeterProvider`.

        Raises:
            ConfigurationError: there is no such function, or no OpenTelemetry.
        """
        self._figures: dict[object, Figures] = {}
        self._gone: Figures = {}
        self._changing = threading.Lock()
        meter = _meter(provider)
        for one in ALL.values():
            if one is not DURATION and not one.stored:
                self._observe(meter, one)
        self._duration = meter.create_histogram(
            DURATION.otel,
            unit=DURATION.unit,
            description=DURATION.help,
            explicit_bucket_boundaries_advisory=list(BOUNDARIES),
        )

    def put(self, source: object, figures: Figures) -> None:
        """Show these of one source from now on, beside those of the others."""
        with self._changing:
            before = self._figures.get(source, {})
            self._figures[source] = figures
        for key, count in figures.items():
            if key[0] == DURATION.name:
                self._record(key[1], int(count - before.get(key, 0)))

    def leave(self, source: object) -> None:
        """Keep the counters of a source that has gone, and no gauge."""
        with self._changing:
            left = lasting(self._figures.pop(source, {}))
            self._gone = added([self._gone, left])

    def _record(self, labels: tuple[str, ...], number: int) -> None:
        target, leg, bucket = labels
        attributes = _attributes(DURATION, (target, leg))
        for _ in range(number):
            self._duration.record(middle_of(bucket), attributes)

    def _observe(self, meter: Meter, one: Instrument) -> None:
        make: Any = (
            meter.create_observable_counter
            if one.kind == "counter"
            else meter.create_observable_up_down_counter
        )

        def observed(options: CallbackOptions) -> Iterable[Observation]:
            return self._observations(one)

        make(one.otel, [observed], unit=one.unit, description=one.help)

    def _observations(self, one: Instrument) -> Iterable[Observation]:
        from opentelemetry.metrics import Observation

        with self._changing:
            figures = added([self._gone, *self._figures.values()])
        return [
            Observation(value, _attributes(one, labels))
            for (name, labels), value in figures.items()
            if name == one.name
        ]


_made: dict[str, Instruments] = {}
_making = threading.Lock()


def instruments_of(provider: str) -> Instruments:
    """
    Return the instruments of a provider, made once in each process.

    A meter takes the callbacks of an instrument once, so whoever has figures for it
    shares them.

    Raises:
        ConfigurationError: there is no such function, or no OpenTelemetry.
    """
    with _making:
        if provider not in _made:
            _made[provider] = Instruments(provider)
        return _made[provider]


def _meter(provider: str) -> Meter:
    try:
        from opentelemetry import metrics
    except ImportError:
        raise ConfigurationError(
            "otel_metrics needs opentelemetry-api; "
            "install it: pip install 'shadow-middleware[metrics]'"
        ) from None
    if provider == "global":
        return metrics.get_meter("shadow_middleware")
    module, _, name = provider.partition(":")
    try:
        function: Any = importlib.import_module(module)
        for part in name.split("."):
            function = getattr(function, part)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"otel_metrics: {provider!r} is not there: {error}"
        ) from None
    return function().get_meter("shadow_middleware")  # type: ignore[no-any-return]


def _attributes(one: Instrument, labels: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for label, value in zip(one.labels, labels, strict=True):
        if label == "route":
            method, space, path = value.partition(" ")
            found["http.route"] = path if space else value
            if space:
                found["http.request.method"] = method
        else:
            found[_ATTRIBUTES[label]] = value
    return found
