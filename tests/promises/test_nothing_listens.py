"""Nobody can reach us: there is no port, no member list, no open door."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psutil

from shadow_middleware.testing import ShadowServer
from tests.agents import agents, only_own_agents
from tests.promises.staging import serving, until

__all__ = ["only_own_agents"]

ROOT = Path(__file__).parents[2]


def listening(process: psutil.Process) -> set[object]:
    """Return every address, of the network or the file system, that it listens at."""
    found = {c.laddr for c in process.net_connections("inet") if c.status == "LISTEN"}
    return found | {c.laddr for c in process.net_connections("unix")} - {""}


def test_mirroring_opens_no_port() -> None:
    """W25: neither in the live process nor in its agent."""
    with (
        ShadowServer() as shadow,
        serving(shadow_url=shadow.url, store_url="") as live,
    ):
        before = listening(psutil.Process())
        live.ask()
        shadow.wait_for(1)
        (agent,) = agents()

        assert {("127.0.0.1", shadow.port), ("127.0.0.1", live.server.port)} <= before
        assert before == listening(psutil.Process())
        assert set() == listening(agent)


def test_an_agent_speaks_to_its_targets_only() -> None:
    """W26: there is no cluster to join and nobody to tell of us."""
    with (
        ShadowServer() as shadow,
        serving(shadow_url=shadow.url, store_url="") as live,
    ):
        for _ in range(20):
            live.ask()
        shadow.wait_for(20)
        (agent,) = agents()

        assert {("127.0.0.1", shadow.port)} == {
            tuple(c.raddr) for c in agent.net_connections("inet")
        }


def test_only_its_user_can_speak_to_a_shared_agent(tmp_path: Path) -> None:
    """W25: the socket is closed to everybody else, and there is no other way in."""
    path = tmp_path / "agent.sock"
    command = [sys.executable, "-m", "shadow_middleware.cli.main", "agent"]
    agent = subprocess.Popen(
        [*command, "--listen", f"unix:{path}"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
    )
    try:
        until(path.exists)
        until(lambda: is_open(path))
        mode = stat.S_IMODE(path.stat().st_mode)
        found = listening(psutil.Process(agent.pid))
    finally:
        agent.send_signal(signal.SIGTERM)

    assert 0 == agent.wait(90)
    assert 0o600 == mode
    assert {os.fspath(path)} == found
    assert not path.exists()


def is_open(path: Path) -> bool:
    """Whether somebody answers there."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(os.fspath(path)) == 0
