"""The same figures as OpenTelemetry instruments, through a real SDK."""

from __future__ import annotations

from typing import Any

import pytest

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.metrics.board import Board, Place
from shadow_middleware.metrics.figures import Figures
from shadow_middleware.metrics.otel import Instruments, instruments_of
from shadow_middleware.testing import ShadowServer
from tests.metrics.providing import READER
from tests.promises.staging import serving, until

PROVIDER = "tests.metrics.providing:provider"
FIGURES: Figures = {
    ("selected", ()): 7.0,
    ("replays", ("shadow", "GET /users/{id}", "match")): 3.0,
    ("breaker_state", ("shadow", "open")): 1.0,
    ("replay_duration", ("shadow", "live", "231")): 4.0,
}


def observed() -> dict[str, list[tuple[dict[str, Any], Any]]]:
    """Return what the reader collects now: attributes and point, by instrument."""
    data: Any = READER.get_metrics_data()
    return {
        metric.name: [(dict(p.attributes), p) for p in metric.data.data_points]
        for resource in (data.resource_metrics if data else [])
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_figures_are_observed_under_conventional_names() -> None:
    """Counters, gauges and durations, with the attributes that others use."""
    instruments = instruments_of(PROVIDER)
    earlier = sum(point.value for _, point in _of_users())
    instruments.put("one", FIGURES)
    found = observed()

    ((attributes, point),) = _of_users()
    assert {
        "http.request.method": "GET",
        "http.route": "/users/{id}",
        "shadow_middleware.outcome": "match",
        "shadow_middleware.target": "shadow",
    } == attributes
    assert 3 == point.value - earlier
    assert "shadow_middleware.breaker.state" in found
    before = _durations()

    instruments.put(
        "one", {**FIGURES, ("replay_duration", ("shadow", "live", "231")): 6.0}
    )
    assert before + 2 == _durations()
    instruments.leave("one")


def test_two_sources_of_one_process_are_one_instrument() -> None:
    """A meter takes callbacks once; and what has gone takes its gauges with it."""
    before = _value("selected")
    instruments = instruments_of(PROVIDER)
    instruments.put("a", FIGURES)
    instruments.put("b", FIGURES)
    open_before = _value("breaker.state")
    assert before + 14 == _value("selected")

    instruments.leave("a")
    assert before + 14 == _value("selected")
    assert open_before - 1 == _value("breaker.state")
    instruments.leave("b")


def test_a_provider_that_is_not_there_is_named() -> None:
    """The one who set it reads which it was."""
    with pytest.raises(ConfigurationError, match="nowhere:at_all"):
        Instruments("nowhere:at_all")


def test_a_provider_that_fails_costs_nothing_but_its_metrics(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Replays go on, and the log says it once."""
    board = Board()
    place = Place(otel="tests.metrics.providing:broken")
    board.show([(place, FIGURES)])
    board.show([(place, FIGURES)])

    assert ["no OpenTelemetry metrics: no collector"] == caplog.messages


def test_an_agent_feeds_the_provider_that_a_setting_names() -> None:
    """`otel_metrics`, with the agent on a thread, so that the test can look."""
    before = _replays()
    with (
        ShadowServer() as shadow,
        serving(
            shadow_url=shadow.url, engine="thread", store_url="", otel_metrics=PROVIDER
        ) as live,
    ):
        live.ask()

        assert until(lambda: _replays() > before)


def _of_users() -> list[tuple[dict[str, Any], Any]]:
    replays = observed().get("shadow_middleware.replays", [])
    return [one for one in replays if one[0]["http.route"] == "/users/{id}"]


def _value(name: str) -> float:
    found = observed().get(f"shadow_middleware.{name}", [])
    return float(sum(point.value for _, point in found))


def _durations() -> int:
    found = observed()["shadow_middleware.replay.duration"]
    return sum(p.count for a, p in found if a["shadow_middleware.leg"] == "live")


def _replays() -> float:
    found = observed().get("shadow_middleware.replays", [])
    return float(sum(p.value for a, p in found if a["http.route"] == "/"))
