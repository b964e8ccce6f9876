"""An agent gives way to the app: which of them gets a processor first."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from shadow_middleware import runtime
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.handoff.priority import give_way
from shadow_middleware.runtime import live_side
from shadow_middleware.settings import load
from tests.agents import agents, only_own_agents
from tests.promises.staging import until

__all__ = ["only_own_agents"]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sleeper() -> Iterator[psutil.Popen]:
    """Give a process that does nothing."""
    command = [sys.executable, "-S", "-c", "input()"]
    with psutil.Popen(command, stdin=subprocess.PIPE, text=True) as process:
        yield process
        if process.is_running():
            process.kill()


def below(steps: int) -> int:
    """Return the priority that is so many steps below ours."""
    return min(19, os.getpriority(os.PRIO_PROCESS, 0) + steps)


def priority(process: psutil.Process) -> int:
    """Return how low a process is."""
    return os.getpriority(os.PRIO_PROCESS, process.pid)


def test_an_agent_is_below_the_process_that_started_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`agent_nice`: its threads too; in live's session, or Linux would not compare them."""
    monkeypatch.setattr(runtime, "_handoffs", {})
    live = live_side(
        load({"shadow_url": "http://s.test", "store_url": "", "agent_nice": 3})
    )
    live.handoff.start()
    agent: psutil.Process = until(agents)[0]
    until(lambda: priority(agent) == below(3))
    until(lambda: live.state.agents)
    threads = {os.getpriority(os.PRIO_PROCESS, one.id) for one in agent.threads()}
    session, group = os.getsid(agent.pid), os.getpgid(agent.pid)
    runtime.shutdown(20.0)

    assert {below(3)} == threads
    assert (os.getsid(0), agent.pid) == (session, group)


def test_an_agent_of_all_apps_gives_way_too(tmp_path: Path) -> None:
    """`shadow-middleware agent --nice`."""
    listen = f"unix:{tmp_path}/agent.sock"
    command = ("-m", "shadow_middleware.cli.main", "agent", "--listen", listen)
    agent = psutil.Popen(
        [sys.executable, *command, "--nice", "4"],
        env=os.environ | {"PYTHONPATH": os.fspath(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        assert until(lambda: priority(agent) == below(4))
    finally:
        agent.kill()
        agent.wait()


def test_no_steps_leave_all_as_it_is(sleeper: psutil.Popen) -> None:
    """`agent_nice = 0`."""
    assert give_way(0, sleeper.pid)
    assert below(0) == priority(sleeper)


def test_there_is_nothing_below_the_lowest(sleeper: psutil.Popen) -> None:
    """An app that is low already has an agent that is no lower than can be."""
    assert give_way(19, sleeper.pid)
    assert give_way(19, sleeper.pid)
    assert 19 == priority(sleeper)


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="Linux has it")
def test_one_that_wakes_up_takes_the_processor_from_nobody(
    sleeper: psutil.Popen,
) -> None:
    """SCHED_BATCH: it waits for the next turn."""
    assert give_way(1, sleeper.pid)
    assert os.SCHED_BATCH == os.sched_getscheduler(sleeper.pid)


def test_a_process_that_has_gone_is_no_error(sleeper: psutil.Popen) -> None:
    """Nor is a system that allows nothing: that is said, and all goes on."""
    sleeper.kill()
    sleeper.wait()

    assert not give_way(5, sleeper.pid)


@pytest.mark.parametrize(("wrong", "right"), [(-5, "0"), (20, "19")])
def test_steps_that_there_are_not_are_refused(wrong: int, right: str) -> None:
    """With the nearest that there are."""
    with pytest.raises(ConfigurationError, match=f"agent_nice.*nearest is {right}"):
        load({"shadow_url": "http://s.test", "agent_nice": wrong})
