"""
The live app answers the same with us and without us, on every server, whatever the
shadow does, and while its agent is dead (W1 W2 W5 W6 W35 W40 W42 W52).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from shadow_middleware.testing import BEHAVIOURS, Received, ShadowServer
from tests.transparency.client import Client, get
from tests.transparency.scenarios import Scenario
from tests.transparency.servers import SERVERS, Running, Server, running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("children_uncounted"),
]

LATE = 5.0
"""A slow shadow answers after this many seconds: an app that waited shows it."""
KILLED = (
    "uvicorn httptools uvloop",
    "hypercorn trio",
    "granian asgi",
    "gunicorn sync",
    "gunicorn preload",
    "gunicorn uvicorn worker preload",
    "waitress",
    "django runserver",
)
"""Servers whose agent is killed as well."""


def answers(client: Client, server: Server) -> tuple[dict[str, object], float]:
    """Return all that can be seen of the answers, and the seconds of the slowest."""
    seen: dict[str, object] = {}
    slowest = 0.0
    for name, scenario in server.scenarios.items():
        seen[name], took = timed(scenario, client)
        if took >= LATE:  # a machine that stalls does so once, an app that waits again
            took = min(took, timed(scenario, client)[1])
        slowest = max(slowest, took)
    return seen, slowest


def timed(scenario: Scenario, client: Client) -> tuple[object, float]:
    """Return what is seen of an answer, and its seconds."""
    began = time.monotonic()
    return scenario(client), time.monotonic() - began


def differing(bare: dict[str, object], seen: dict[str, object]) -> dict[str, object]:
    """Return what differs, cut short enough to read."""
    return {
        name: (repr(bare[name])[:600], repr(seen[name])[:600])
        for name in bare
        if bare[name] != seen[name]
    }


def has_been_asked(received: list[Received]) -> bool:
    """Whether the traffic has been mirrored, uploads as well."""
    targets = {request.target for request in received}
    return targets >= {b"/json?a=1&a=%C3%A4&b", b"/nothing", b"/large"} and any(
        request.body == b"hello \x00\xff" for request in received
    )


def agents_of(pid: int) -> list[psutil.Process]:
    """Return the agents among the descendants of a server."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            if "shadow_middleware.agent" in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue
    return found


def ask_until_mirrored(client: Client, shadow: ShadowServer, target: str) -> None:
    """Ask for the target until it is mirrored: what a dying agent took is lost."""

    def arrived(seen: list[Received]) -> bool:
        return any(request.target == target.encode() for request in seen)

    for _ in range(40):
        client.exchange(get(target))
        with suppress(TimeoutError):
            shadow.wait_until(arrived, 0.5)
            return
    raise TimeoutError(f"{target} was never mirrored")


def kill_the_agent(
    live: Running, client: Client, shadow: ShadowServer
) -> list[psutil.Process]:
    """Kill it: live answers the same meanwhile. Return the one that came after it."""
    before = client.exchange(get("/json"))
    ask_until_mirrored(client, shadow, "/json?first")
    (agent,) = agents_of(live.pid)

    agent.kill()
    assert [before] * 5 == [client.exchange(get("/json")) for _ in range(5)]
    ask_until_mirrored(client, shadow, "/json?second")
    (new,) = (one for one in agents_of(live.pid) if one.pid != agent.pid)
    return [agent, new]


def left_behind(agents: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Return those that are there although their server is gone."""
    return psutil.wait_procs(agents, timeout=60)[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "file.bin").write_bytes(b"0123456789" * 10_000)
    return tmp_path


@pytest.mark.parametrize("name", SERVERS)
def test_every_byte_is_as_without_us(name: str, folder: Path) -> None:
    """
    W5 W6 W35 W40 W42 W52: status, headers, framing, chunks and side effects are equal.

    An agent that is killed costs the client nothing and is replaced; none outlives its
    server.
    """
    server = SERVERS[name]
    with running(server, folder) as live:
        bare, _ = answers(Client(live.port, folder), server)

    with ShadowServer() as shadow, running(server, folder, shadow.url) as live:
        client = Client(live.port, folder)
        for state, behaviour in BEHAVIOURS.items():
            shadow.become(behaviour)
            seen, slowest = answers(client, server)

            assert {} == differing(bare, seen), f"the shadow is {state}"
            assert slowest < LATE, f"live waited: {state}"
            if state == "healthy":
                shadow.wait_until(has_been_asked)
                killed = kill_the_agent(live, client, shadow) if name in KILLED else []
        agents = [*killed, *agents_of(live.pid)]

    assert [] == left_behind(agents)
    assert bare["json"].startswith(b"HTTP/1.1 200")  # type: ignore[attr-defined]
