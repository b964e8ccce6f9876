"""Metrics of real agents: whole, added up, and in nobody's way."""

from __future__ import annotations

import importlib.util
import socket
from contextlib import ExitStack
from typing import Any

import psutil
import pytest

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.testing import ShadowServer
from tests.agents import agents, only_own_agents
from tests.metrics.scraping import Samples, free_address, samples, scrape
from tests.promises.staging import reserved, serving, until
from tests.promises.test_nothing_listens import listening

__all__ = ["only_own_agents"]

NAME = "shadow_middleware"
SHADOW = (("target", "shadow"),)


def seen(address: str, **headers: str) -> Samples:
    """Return what a scrape gives now; nothing where nobody listens."""
    return samples(scrape(address, **headers)[1])


def ended(address: str) -> float:
    """Return how many replays the metrics say have ended."""
    found = seen(address)
    return sum(n for (name, _), n in found.items() if name == f"{NAME}_replays_total")


def test_the_account_is_whole_as_the_metrics_tell_it() -> None:
    """Selected = all outcomes, nothing under way, nothing unaccounted for."""
    address = free_address()
    with (
        ShadowServer() as shadow,
        serving(
            shadow_url=shadow.url,
            store_url="",
            metrics_address=address,
            self_probe=1.0,
            control_url=f"{shadow.url}/control",
        ) as live,
    ):
        for number in range(20):
            live.ask(target=f"/{number % 4}")
        until(lambda: ended(address) == 20)
        found = until(
            lambda: (f := seen(address))[f"{NAME}_under_way", SHADOW] == 0 and f
        )

        assert 20 == found[f"{NAME}_selected_total", ()]
        assert 20 == found[f"{NAME}_captured_total", ()]
        assert 0 == found[f"{NAME}_unaccounted", SHADOW]
        assert 1 == found[f"{NAME}_live_processes", ()]
        closed = (("state", "closed"), *SHADOW)
        assert 1 == found[f"{NAME}_breaker_state", closed]
        told = (("result", "told"), *SHADOW)
        assert 20 == found[f"{NAME}_probes_total", told]
        controlled = [n for (name, _), n in found.items() if "control_req" in name]
        assert 20 == sum(controlled)
        leg = (("leg", "live"), *SHADOW)
        assert 20 == found[f"{NAME}_replay_duration_seconds_count", leg]


def test_what_the_live_process_paid_is_told() -> None:
    """Nanoseconds of CPU for each exchange, to encode and send it."""
    address = free_address()
    with (
        ShadowServer() as shadow,
        serving(shadow_url=shadow.url, store_url="", metrics_address=address) as live,
    ):
        for _ in range(20):
            live.ask()
        found = until(
            lambda: (
                (f := seen(address)).get((f"{NAME}_live_cost_exchanges_total", ()))
                == 20
                and f
            )
        )

        ns = found[f"{NAME}_live_cost_nanoseconds_total", ()]
        assert 1_000 < ns / 20 < 50_000_000


def test_two_agents_of_a_host_are_one_scrape() -> None:
    """Each live process has its agent; here two sets of settings have two."""
    address = free_address()
    with ExitStack() as stack:
        shadow = stack.enter_context(ShadowServer())
        for drain in (10.0, 9.0):
            live = stack.enter_context(
                serving(
                    shadow_url=shadow.url,
                    store_url="",
                    metrics_address=address,
                    drain_timeout=drain,
                )
            )
            for _ in range(5):
                live.ask()

        assert until(lambda: ended(address) == 10)
        assert 2 == seen(address)[f"{NAME}_agents", ()]
        assert 2 == len(agents())


def test_drops_are_told_by_their_reason() -> None:
    """A shadow that refuses opens its breaker, and the rest is skipped for that."""
    address = free_address()
    with (
        reserved() as shadow,
        serving(
            shadow_url=shadow.url,
            store_url="",
            metrics_address=address,
            breaker_failures=2,
            breaker_retry_after=60.0,
            concurrency=1,
        ) as live,
    ):
        for _ in range(10):
            live.ask()
        until(lambda: ended(address) == 10)
        found = seen(address)

        skipped = (("outcome", "skipped"), ("reason", "breaker_open"), *SHADOW)
        assert 8 == found[f"{NAME}_reasons_total", skipped]
        state = (("state", "open"), *SHADOW)
        assert 1 == found[f"{NAME}_breaker_state", state]


def test_routes_are_told_apart_up_to_a_bound() -> None:
    """`metrics_routes`."""
    address = free_address()
    with (
        ShadowServer() as shadow,
        serving(
            shadow_url=shadow.url,
            store_url="",
            metrics_address=address,
            metrics_routes=3,
        ) as live,
    ):
        for letter in "abcdefgh":
            live.ask(target=f"/{letter}")
        until(lambda: ended(address) == 8)
        routes = {dict(key).get("route") for (name, key) in seen(address)} - {None}

        assert 4 == len(routes)
        assert "(other)" in routes


def test_a_scrape_never_holds_a_replay() -> None:
    """Clients that ask and never read, and those that never ask, hold up nobody."""
    address = free_address()
    host, port = address.split(":")
    with (
        ShadowServer() as shadow,
        serving(shadow_url=shadow.url, store_url="", metrics_address=address) as live,
        ExitStack() as stack,
    ):
        live.ask()
        until(lambda: ended(address) == 1)
        for number in range(40):
            idle = stack.enter_context(socket.create_connection((host, int(port)), 5))
            if number % 2:
                idle.sendall(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n")
        for _ in range(20):
            live.ask()

        shadow.wait_for(21)
        until(lambda: live.side.state.ended == 21)


def test_only_the_agent_listens_and_only_where_it_is_told_to() -> None:
    """W25: a port where one is asked for, with a token; none in the live process."""
    address = free_address()
    token = {"Authorization": "Bearer s3cret-of-the-scraper"}
    with (
        ShadowServer() as shadow,
        serving(
            shadow_url=shadow.url,
            store_url="",
            metrics_address=address,
            metrics_token="s3cret-of-the-scraper",
        ) as live,
    ):
        before = listening(psutil.Process())
        live.ask()
        until(lambda: scrape(address, **token)[0] == 200)
        (agent,) = agents()
        host, port = address.split(":")

        assert before == listening(psutil.Process())
        assert {(host, int(port))} == listening(agent)
        assert 401 == scrape(address)[0]


@pytest.mark.parametrize(
    ("settings", "module"),
    [
        ({"metrics_address": "127.0.0.1:9464"}, "prometheus_client"),
        ({"otel_metrics": "global"}, "opentelemetry"),
    ],
)
def test_a_missing_extra_is_named_at_the_start(
    settings: dict[str, Any], module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent has nobody to tell, so the middleware says how to install it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with (
        pytest.raises(ConfigurationError, match=rf"{module}.*\[metrics\]"),
        serving(shadow_url="http://127.0.0.1:9", **settings),
    ):
        pass
