"""An agent that is killed costs the client nothing, and none outlives its server."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from shadow_middleware.testing import Received, ShadowServer
from tests.transparency.client import Client, get
from tests.transparency.servers import SERVERS, running

pytestmark = pytest.mark.slow

WITH_AGENTS = (
    "uvicorn httptools uvloop",
    "hypercorn trio",
    "granian asgi",
    "gunicorn sync",
    "gunicorn preload",
    "gunicorn uvicorn worker preload",
    "waitress",
    "django runserver",
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


@pytest.mark.parametrize("name", WITH_AGENTS)
def test_a_killed_agent_is_replaced_and_none_is_left_behind(
    name: str, tmp_path: Path
) -> None:
    """W5 W40: live answers the same while the agent is dead; SIGTERM leaves no orphan."""
    with ShadowServer() as shadow, running(SERVERS[name], tmp_path, shadow.url) as live:
        client = Client(live.port, tmp_path)
        before = client.exchange(get("/json"))
        ask_until_mirrored(client, shadow, "/json?first")
        (agent,) = agents_of(live.pid)

        agent.kill()
        while_dead = [client.exchange(get("/json")) for _ in range(5)]
        ask_until_mirrored(client, shadow, "/json?second")
        agents = agents_of(live.pid)

    gone, left_behind = psutil.wait_procs(agents, timeout=15)
    assert [before] * 5 == while_dead
    assert [] == left_behind
    assert 1 == len([new for new in gone if new.pid != agent.pid])
