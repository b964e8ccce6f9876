"""What is counted for metrics: bounded, additive, and true after an agent's end."""

from __future__ import annotations

from typing import Any

import pytest

from shadow_middleware.errors import DecodeError
from shadow_middleware.evidence import Batch, Count, LatencyCount, Progress
from shadow_middleware.exchange import CONTROL, Outcome
from shadow_middleware.metrics.exposition import prometheus_text
from shadow_middleware.metrics.figures import added, lasting, pack, unpack
from shadow_middleware.metrics.instruments import ALL
from shadow_middleware.metrics.meter import MOST_REASONS, Meter
from shadow_middleware.metrics.stored import stored_figures
from shadow_middleware.store.memory import MemoryStore
from tests.metrics.scraping import samples


def count(number: int = 1, **fields: Any) -> Count:
    """Return a count of matches at `GET /a`, unless the fields say otherwise."""
    plain = {"target": "shadow", "route": "GET /a", "outcome": Outcome.MATCH}
    return Count(1, **{**plain, "reason": "", **fields}, count=number)


def test_outcomes_add_up_over_flushes_and_minutes() -> None:
    """A counter grows for as long as the agent runs."""
    meter = Meter(10)
    meter.counted([count(2), count(3, route="GET /b")])
    meter.counted([count(4)])

    assert {
        ("replays", ("shadow", "GET /a", "match")): 6,
        ("replays", ("shadow", "GET /b", "match")): 3,
    } == meter.figures()


def test_routes_beyond_the_bound_share_one_name() -> None:
    """`metrics_routes`: an app with a million paths makes no million series."""
    meter = Meter(2)
    meter.counted([count(route=f"GET /{number}") for number in range(1_000)])

    assert {"GET /0": 1, "GET /1": 1, "(other)": 998} == {
        labels[1]: value for (_, labels), value in meter.figures().items()
    }


def test_reasons_are_bounded_and_only_told_where_they_are_words() -> None:
    """The signature of a divergence is no label, and no flood of reasons is kept."""
    meter = Meter(10)
    drops = [
        count(outcome=Outcome.DROPPED, reason=f"r{number}")
        for number in range(MOST_REASONS + 50)
    ]
    meter.counted([count(outcome=Outcome.DIVERGENCE, reason="9f3a"), *drops])
    reasons = [key[1][2] for key in meter.figures() if key[0] == "reasons"]

    assert MOST_REASONS + 1 == len(reasons)
    assert "(other)" in reasons
    assert "9f3a" not in reasons


def test_the_control_is_no_target() -> None:
    """Its requests are no replays, and stand apart."""
    meter = Meter(10)
    meter.counted([count(target=CONTROL, outcome=Outcome.TIMEOUT, reason="total")])

    assert {("control_requests", ("timeout", "total")): 1} == meter.figures()


def test_durations_become_a_histogram_within_two_percent() -> None:
    """Buckets of the sketch fall into those of Prometheus; the sum is close."""
    meter = Meter(10)
    meter.counted([], [LatencyCount(0, "shadow", "GET /a", "live", 231, 10)])
    found = samples(prometheus_text(meter.figures()))
    name = "shadow_middleware_replay_duration_seconds"
    leg = (("leg", "live"), ("target", "shadow"))

    def bucket(edge: str) -> float:
        return found[f"{name}_bucket", (("le", edge), *leg)]

    # 1.0408… ** 231 microseconds are 10.3 ms.
    assert (0, 10, 10) == (bucket("0.01"), bucket("0.025"), bucket("+Inf"))
    assert 10 == found[f"{name}_count", leg]
    assert 0.1 == pytest.approx(found[f"{name}_sum", leg], rel=0.05)


def test_figures_of_two_agents_add_up() -> None:
    """Counters and gauges alike: a host is the sum of its agents."""
    one = {("queue_depth", ("a",)): 2.0, ("selected", ()): 5.0}

    assert {("queue_depth", ("a",)): 3.0, ("selected", ()): 5.0} == added(
        [one, {("queue_depth", ("a",)): 1.0}]
    )


def test_what_an_agent_took_with_it_counts_as_dropped() -> None:
    """Counters stay, gauges go, and what was under way has an end."""
    figures = {
        ("selected", ()): 9.0,
        ("replays", ("a", "GET /", "match")): 6.0,
        ("queue_depth", ("a",)): 2.0,
        ("under_way", ("a",)): 3.0,
    }

    assert {
        ("selected", ()): 9.0,
        ("replays", ("a", "GET /", "match")): 6.0,
        ("replays", ("a", "-", "dropped")): 3.0,
        ("reasons", ("a", "dropped", "agent_died")): 3.0,
    } == lasting(figures)


def test_figures_survive_the_way_to_another_process() -> None:
    """And an instrument of another version is passed over."""
    figures = {("replays", ("a", "GET /ä", "match")): 6.0, ("of_tomorrow", ()): 1.0}

    assert {("replays", ("a", "GET /ä", "match")): 6.0} == unpack(pack(figures))
    with pytest.raises(DecodeError):
        unpack(b"\x01nonsense")


def test_a_store_is_shown_as_what_it_holds() -> None:
    """Fleet-wide figures, under names of their own, the busiest routes first."""
    store = MemoryStore()
    store.write(
        Batch(
            [count(5), count(50, route="GET /b"), count(outcome=Outcome.SKIPPED)],
            progress=[Progress("s", "shadow", 60, 56, 60.0)],
        )
    )
    found = samples(prometheus_text(stored_figures(store, most_routes=1)))
    replays = {
        labels: value
        for (name, labels), value in found.items()
        if name == "shadow_middleware_store_replays_total"
    }

    assert {("match", "(other)"): 5, ("skipped", "(other)"): 1} | {
        ("match", "GET /b"): 50
    } == {(dict(key)["outcome"], dict(key)["route"]): n for key, n in replays.items()}
    target = (("target", "shadow"),)
    assert 60 == found["shadow_middleware_store_selected_total", target]
    assert 4 == found["shadow_middleware_store_under_way", target]
    assert all(name.startswith("shadow_middleware_store_") for name, _ in found)


def test_every_instrument_has_names_of_its_own() -> None:
    """In both worlds."""
    assert len(ALL) == len({one.prometheus for one in ALL.values()})
    assert len(ALL) == len({one.otel for one in ALL.values()})
