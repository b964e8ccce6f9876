"""Whatever stands still beyond the wall, a client of live does not notice."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from shadow_middleware import signals
from shadow_middleware.testing import (
    Behaviour,
    ShadowServer,
    asgi,
    collect,
    frozen,
    slow,
)
from tests.agents import agents, only_own_agents
from tests.promises.staging import ALL_METHODS, Live, counted, echo, serving, until

__all__ = ["only_own_agents"]

REQUESTS = 150
BODY = bytes(20_000)
"""In all several times what the kernel takes on its way to the agent."""
BEARABLE = 9.0
"""Seconds; far above what a busy machine adds, far below what anybody sleeps here."""


def slowest(live: Live) -> float:
    """Return the longest that one of many clients had to wait; each uploads a little."""
    waits = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        assert (200, BODY) == live.ask("POST", body=BODY)
        waits.append(time.perf_counter() - began)
    return max(waits)


@pytest.mark.parametrize("engine", ["agent", "thread"])
@pytest.mark.parametrize("behaviour", [slow(60.0), frozen], ids=["slow", "frozen"])
def test_no_client_waits_for_a_shadow(behaviour: Behaviour, engine: str) -> None:
    """W2: not up to its timeout, and not at all."""
    with (
        ShadowServer(behaviour) as shadow,
        serving(
            shadow_url=shadow.url,
            engine=engine,
            store_url="",
            methods=ALL_METHODS,
            drain_timeout=0.1,
        ) as live,
    ):
        live.ask()
        shadow.wait_for(1)

        assert slowest(live) < BEARABLE


@contextmanager
def stopped(agent: psutil.Process) -> Iterator[None]:
    """Freeze the agent as a whole, with everything that it could answer with."""
    os.kill(agent.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(agent.pid, signal.SIGCONT)


def test_no_client_waits_for_an_agent() -> None:
    """W1: stopped, and with what it has not taken filling the buffer."""
    with (
        ShadowServer() as shadow,
        serving(
            shadow_url=shadow.url,
            store_url="",
            methods=ALL_METHODS,
            buffer_bytes=1_000_000,
        ) as live,
    ):
        live.ask()
        shadow.wait_for(1)
        (agent,) = agents()
        with stopped(agent):
            assert slowest(live) < BEARABLE
            assert live.side.state.dropped


@pytest.fixture
def _threads_change_places_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@contextmanager
def busy(*works: Callable[[], Any]) -> Iterator[None]:
    """Do each of the works over and over, on a thread of its own."""
    over = threading.Event()

    def repeat(work: Callable[[], Any]) -> None:
        while not over.wait(0.001):
            work()

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


class Audience:
    """Receivers of signals that do what receivers should not."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def asks_live(self, sender: str, *, event: dict[str, Any]) -> None:
        """Ask the live app, which makes another event, for a while."""
        if self._live.side.state.selected < 150:
            self._live.ask()

    def fails(self, sender: str, *, event: dict[str, Any]) -> None:
        """Raise."""
        raise RuntimeError("a receiver that fails")

    def comes_and_goes(self) -> None:
        """Subscribe, look at the state, and leave."""
        with signals.replay_finished.connected_to(self.fails):
            assert self._live.side.state.held >= 0


def ask_all_at_once(live: Live, clients: int, times: int) -> None:
    """Be many clients; each gets all of its answers."""
    answers: list[tuple[int, bytes]] = []

    def be_a_client() -> None:
        answers.extend(live.ask() for _ in range(times))

    threads = [threading.Thread(target=be_a_client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [(200, b"hello")] * clients * times == answers


@pytest.mark.usefixtures("_threads_change_places_often")
@pytest.mark.parametrize("engine", ["agent", "thread"])
def test_traffic_lists_and_receivers_do_not_lock_each_other(
    engine: str, store: str
) -> None:
    """W3, W4: a receiver that asks live, others that come and go, and reports."""
    settings: dict[str, Any] = {"engine": engine, "store_url": store}
    with (
        ShadowServer(asgi(echo)) as shadow,
        serving(shadow_url=shadow.url, signal_rate=1e4, **settings) as live,
    ):
        audience = Audience(live)
        with (
            collect() as outcomes,
            signals.replay_finished.connected_to(audience.asks_live),
            busy(audience.comes_and_goes, lambda: counted(store)),
        ):
            ask_all_at_once(live, clients=4, times=20)
            outcomes.wait_for(80)

        until(lambda: live.side.state.ended == live.side.state.selected)
        until(lambda: sum(counted(store).values()) == live.side.state.selected)
        assert 80 < len(live.received) == live.side.state.selected
