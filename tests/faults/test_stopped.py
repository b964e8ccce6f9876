"""An agent that stood still says so of nobody else."""

from __future__ import annotations

import asyncio
import threading
import time

from shadow_middleware import runtime
from shadow_middleware.testing import Received, Reply, ShadowServer, answering
from tests.agents import agents, only_own_agents
from tests.promises.staging import counted, serving, until
from tests.promises.test_live_waits_for_nobody import stopped

__all__ = ["only_own_agents"]

TIMEOUT = 3.0


def test_an_agent_that_was_stopped_does_not_blame_the_shadow(store: str) -> None:
    """SIGSTOP for longer than a timeout: what came meanwhile has come in time."""
    may_answer, answered = threading.Event(), threading.Semaphore(0)

    async def hello(received: Received) -> Reply:
        if received.target != b"/first":
            await asyncio.to_thread(may_answer.wait, 30.0)
        answered.release()
        return Reply(200, ((b"content-type", b"text/plain"),), b"hello")

    with (
        ShadowServer(answering(hello)) as shadow,
        serving(
            shadow_url=shadow.url,
            store_url=store,
            total_timeout=TIMEOUT,
            breaker_failures=0,
        ) as live,
    ):
        live.ask(target="/first")
        until(lambda: live.side.state.ended == 1)
        for number in range(2):
            live.ask(target=f"/{number}")
        shadow.wait_for(3)
        [agent] = agents()
        with stopped(agent):
            may_answer.set()
            for _ in range(3):
                assert answered.acquire(timeout=30.0)
            late = time.monotonic() + TIMEOUT + 0.5
            until(lambda: time.monotonic() > late)
        assert runtime.shutdown(20.0)

    assert {("shadow", "match"): 3} == counted(store)
