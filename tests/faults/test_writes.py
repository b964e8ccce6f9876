"""No write reaches a shadow twice, and every exchange is counted once."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable

from shadow_middleware import runtime
from shadow_middleware.testing import (
    BEHAVIOURS,
    Received,
    ShadowServer,
    asgi,
    frozen,
    refusing,
)
from tests.agents import agents, only_own_agents
from tests.promises.staging import ALL_METHODS, Live, counted, echo, serving, until

__all__ = ["only_own_agents"]

WRITES = ("POST", "PUT", "PATCH", "DELETE")


def write(live: Live, names: list[str]) -> list[str]:
    """Ask live to write each of these, by turns with every method; return the names."""
    for number, name in enumerate(names):
        status, _ = live.ask(WRITES[number % 4], f"/{name}", body=name.encode())
        assert 200 == status
    return names


def reached(names: list[str]) -> Callable[[list[Received]], bool]:
    """Return whether a shadow has got each of these."""
    wanted = {f"/{name}".encode() for name in names}
    return lambda received: wanted <= {one.target for one in received}


def copies(shadow: ShadowServer) -> Counter[str]:
    """Return how often each write reached the shadow."""
    return Counter(one.target.decode()[1:] for one in shadow.received)


def test_no_behaviour_of_a_shadow_makes_a_write_go_out_twice(store: str) -> None:
    """Slow, lying, endless, resetting and frozen, each on connections in use and new."""
    asked: list[str] = []
    with (
        ShadowServer(asgi(echo)) as shadow,
        serving(
            shadow_url=shadow.url,
            store_url=store,
            engine="thread",
            methods=ALL_METHODS,
            total_timeout=2.0,
            breaker_failures=0,
            max_shadow_body=100_000,
        ) as live,
    ):
        for name, behaviour in BEHAVIOURS.items():
            # The first leave connections behind, in use and ready to be used again.
            asked += write(live, [f"{name}-before-{number}" for number in range(4)])
            there = len(shadow.wait_until(reached(asked[-4:]), 30.0))
            shadow.become(behaviour)
            asked += write(live, [f"{name}-{number}" for number in range(4)])
            if behaviour is refusing:
                until(lambda: live.side.state.ended == live.side.state.selected)
            else:
                shadow.wait_for(there + 4)
            shadow.become(asgi(echo))
        assert runtime.shutdown(90.0)

    assert {1} == set(copies(shadow).values())
    assert set(copies(shadow)) <= set(asked)
    assert len(asked) == sum(counted(store).values())


def test_what_a_killed_agent_had_sent_is_not_sent_by_the_next(store: str) -> None:
    """kill -9 in mid-flight: what its shadow was working on is counted, and left."""
    with (
        ShadowServer(frozen) as shadow,
        serving(shadow_url=shadow.url, store_url=store, methods=ALL_METHODS) as live,
    ):
        first = write(live, [f"first-{number}" for number in range(8)])
        shadow.wait_for(8)
        [agent] = agents()
        os.kill(agent.pid, signal.SIGKILL)
        until(lambda: live.side.state.agents == 2)
        shadow.become(asgi(echo))
        second = write(live, [f"second-{number}" for number in range(8)])
        until(lambda: set(second) <= set(copies(shadow)))
        assert runtime.shutdown(90.0)

    assert Counter(first + second) == copies(shadow)
    assert {("shadow", "dropped"): 8, ("shadow", "match"): 8} == counted(store)
