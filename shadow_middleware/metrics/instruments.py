"""Which instruments there are: names, units, labels, and what each tells."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

__all__ = ["ALL", "DURATION", "Instrument"]


class Instrument(msgspec.Struct, frozen=True):
    """One number, or one for each combination of its labels."""

    name: str
    """Without prefix, unit and `_total`."""
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    """As OpenTelemetry writes it (UCUM)."""
    labels: tuple[str, ...]
    help: str
    stored: bool = False
    """Whether it is read from the store, and not from an agent."""

    @property
    def prometheus(self) -> str:
        """The name of the family in Prometheus, without `_total`."""
        suffix = {"ns": "_nanoseconds", "s": "_seconds", "By": "_bytes"}
        return f"shadow_middleware_{self.name}{suffix.get(self.unit, '')}"

    @property
    def otel(self) -> str:
        """The name of the instrument in OpenTelemetry."""
        return f"shadow_middleware.{self.name.replace('_', '.', 1)}"


_TARGET: Final = ("target",)
DURATION: Final = Instrument(
    "replay_duration",
    "histogram",
    "s",
    ("target", "leg"),
    "How long both legs took, live and shadow, of replays that were compared.",
)

_COUNTERS = (
    Instrument(
        "selected",
        "counter",
        "{exchange}",
        (),
        "Exchanges that selection let in, whatever became of them.",
    ),
    Instrument(
        "captured",
        "counter",
        "{exchange}",
        (),
        "Exchanges that reached the agent.",
    ),
    Instrument(
        "replays",
        "counter",
        "{replay}",
        ("target", "route", "outcome"),
        "Replays that ended, by outcome: each selected exchange once for each target.",
    ),
    Instrument(
        "reasons",
        "counter",
        "{replay}",
        ("target", "outcome", "reason"),
        "Replays that ended without match or divergence, by the reason.",
    ),
    Instrument(
        "control_requests",
        "counter",
        "{request}",
        ("outcome", "reason"),
        "What became of exchanges at the control, the second copy of live.",
    ),
    Instrument(
        "probes",
        "counter",
        "{request}",
        ("target", "result"),
        "Second requests to a shadow that tell its noise: told, unlike or failed.",
    ),
    Instrument(
        "live_cost",
        "counter",
        "ns",
        (),
        "CPU time that live processes spent to encode and send exchanges.",
    ),
    Instrument(
        "live_cost_exchanges",
        "counter",
        "{exchange}",
        (),
        "Exchanges that this CPU time was spent on.",
    ),
    Instrument(
        "store_lost",
        "counter",
        "{record}",
        ("kind",),
        "What the store never took: samples of divergences, outcomes, knowledge.",
    ),
    Instrument(
        "capture_written",
        "counter",
        "{exchange}",
        (),
        "Exchanges that were written to capture files.",
    ),
    Instrument(
        "capture_not_written",
        "counter",
        "{exchange}",
        ("reason",),
        "Sampled exchanges that are in no capture file, by the reason.",
    ),
    Instrument(
        "capture_size",
        "counter",
        "By",
        (),
        "Bytes of capture files, as they are on disk.",
    ),
    Instrument(
        "broker_published",
        "counter",
        "{exchange}",
        (),
        "Exchanges that the broker has confirmed.",
    ),
    Instrument(
        "broker_refused",
        "counter",
        "{message}",
        (),
        "Messages that the broker refused, be it that the stream was full.",
    ),
    Instrument(
        "broker_unknown",
        "counter",
        "{exchange}",
        (),
        "Exchanges of which nobody knows whether the broker has them: never sent twice.",
    ),
    Instrument(
        "worker_redelivered",
        "counter",
        "{message}",
        (),
        "Messages that the broker handed out before, to this worker or another.",
    ),
    Instrument(
        "worker_fenced",
        "counter",
        "{shift}",
        (),
        "Shifts that ended because leases were lost.",
    ),
    Instrument(
        "worker_undecodable",
        "counter",
        "{message}",
        (),
        "Messages that are not understood, or that no key opens.",
    ),
)
_GAUGES = (
    Instrument(
        "broker_waiting",
        "gauge",
        "{exchange}",
        ("where",),
        "Exchanges that wait in an agent for the broker, in memory or on disk.",
    ),
    Instrument(
        "broker_away",
        "gauge",
        "{agent}",
        (),
        "Agents that cannot publish now.",
    ),
    Instrument(
        "worker_partitions",
        "gauge",
        "{partition}",
        (),
        "Partitions that workers of this host have.",
    ),
    Instrument(
        "worker_broker_away",
        "gauge",
        "{worker}",
        (),
        "Workers that do not reach the broker.",
    ),
    Instrument(
        "under_way",
        "gauge",
        "{replay}",
        _TARGET,
        "Replays selected and not ended yet.",
    ),
    Instrument(
        "unaccounted",
        "gauge",
        "{replay}",
        _TARGET,
        "Selected, minus ended, waiting and in flight. Anything but 0 is a mistake "
        "of ours.",
    ),
    Instrument(
        "queue_depth", "gauge", "{replay}", _TARGET, "Replays that wait in the agent."
    ),
    Instrument(
        "queue_size",
        "gauge",
        "By",
        _TARGET,
        "Bytes that waiting replays and those in flight hold.",
    ),
    Instrument(
        "in_flight", "gauge", "{replay}", _TARGET, "Replays that are being sent."
    ),
    Instrument(
        "breaker_state",
        "gauge",
        "{agent}",
        ("target", "state"),
        "Agents whose circuit breaker is in this state: closed, half_open, open or gone.",
    ),
    Instrument(
        "resting",
        "gauge",
        "{agent}",
        (),
        "Agents that have nothing captured: all copies, or all targets, are switched off.",
    ),
    Instrument(
        "store_away",
        "gauge",
        "{agent}",
        (),
        "Agents whose store does not take what they write.",
    ),
    Instrument(
        "live_processes",
        "gauge",
        "{process}",
        (),
        "Live processes that are connected.",
    ),
    Instrument(
        "capture_waiting",
        "gauge",
        "{exchange}",
        (),
        "Exchanges that wait to be written to a capture file.",
    ),
    Instrument(
        "capture_away",
        "gauge",
        "{agent}",
        (),
        "Agents whose capture cannot be written now.",
    ),
    Instrument("agents", "gauge", "{agent}", (), "Agents that these numbers are of."),
)
_OF_STORE: Final = (
    Instrument(
        "store_replays",
        "counter",
        "{replay}",
        ("target", "route", "outcome"),
        "Replays in the store, of all hosts, as they were judged when they ended.",
        stored=True,
    ),
    Instrument(
        "store_reasons",
        "counter",
        "{replay}",
        ("target", "outcome", "reason"),
        "Replays in the store without match or divergence, by the reason.",
        stored=True,
    ),
    Instrument(
        "store_selected",
        "counter",
        "{exchange}",
        _TARGET,
        "Exchanges in the store that were selected for the target.",
        stored=True,
    ),
    Instrument(
        "store_under_way",
        "gauge",
        "{replay}",
        _TARGET,
        "Selected, minus ended, by the store's account; what a lost host took with it.",
        stored=True,
    ),
    Instrument(
        "store_divergences",
        "gauge",
        "{divergence}",
        (),
        "Divergences in the store with both answers.",
        stored=True,
    ),
)

ALL: Final[dict[str, Instrument]] = {
    one.name: one for one in (*_COUNTERS, *_GAUGES, DURATION, *_OF_STORE)
}
"""Every instrument by its name."""
