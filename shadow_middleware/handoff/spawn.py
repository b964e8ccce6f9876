"""
How an agent comes to be: a child process of its own, or one shared by the host.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
from typing import Final

from shadow_middleware.handoff.base import Pipe
from shadow_middleware.handoff.priority import give_way

__all__ = ["AgentProcess", "connect_to"]

logger = logging.getLogger("shadow_middleware")

KERNEL_BUFFER: Final = 1024 * 1024


class _Agent(subprocess.Popen[bytes]):
    """A child that may outlive us: it drains what it has, then ends by itself."""

    def __del__(self) -> None:
        """Say nothing; Popen would warn that the child still runs."""


class AgentProcess:
    """
    Starts `shadow_middleware.agent` in a Python of its own. Call it.

    Args:
        nice: Steps by which each agent's priority is below ours; 0 is the same.
    """

    def __init__(self, nice: int = 0) -> None:
        self._nice = nice

    def __call__(self) -> Pipe:
        """
        Return the connection to a new agent.

        Raises:
            OSError: no process could be started.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.suppress(OSError):
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
        try:
            agent = _start(theirs.fileno())
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        # From here, as what it imports first is a second of work beside live.
        if not give_way(self._nice, agent.pid):
            logger.warning("the shadow agent has live's priority: it got no lower one")
        return Pipe(ours, lambda timeout: _has_ended(agent, timeout))


def _start(descriptor: int) -> _Agent:
    return _Agent(
        [_python(), "-m", "shadow_middleware.agent", "--fd", str(descriptor)],
        pass_fds=(descriptor,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        # What the app can import, `module:function` settings name.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)},
        # Ctrl-C in a terminal is for the app; the agent ends when the app does. Not a
        # session: Linux gives each of those as much as live's own has, whatever its
        # priority (sched(7), "The autogroup feature").
        process_group=0,
    )


def _python() -> str:
    """Return the interpreter; embedders such as uWSGI put themselves in its place."""
    if "python" in os.path.basename(sys.executable or ""):
        return sys.executable
    return os.path.join(sys.prefix, "bin", "python3")


def _has_ended(agent: _Agent, timeout: float) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        agent.wait(timeout)
    return agent.returncode is not None


def connect_to(path: str) -> Pipe:
    """
    Return a connection to the agent that listens at a Unix socket.

    Raises:
        OSError: nobody listens there.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    # A shared agent goes on without us; that it was told goodbye is all we know.
    return Pipe(connection, lambda timeout: True)
