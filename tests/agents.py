"""The agents that a test has started, and not those of tests before it."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

__all__ = ["agents", "only_own_agents"]

_EARLIER: set[psutil.Process] = set()


def agents() -> list[psutil.Process]:
    """Return the agents that this process has started in this test and that still run."""
    return [one for one in _running() if one not in _EARLIER]


@pytest.fixture(autouse=True)
def only_own_agents() -> Iterator[None]:
    """Leave out what an earlier test left behind: such agents may still drain."""
    _EARLIER.update(_running())
    yield
    _EARLIER.clear()


def _running() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if _is_agent(one)]


def _is_agent(process: psutil.Process) -> bool:
    try:
        return "shadow_middleware.agent" in process.cmdline()
    except psutil.Error:  # it has ended meanwhile
        return False
