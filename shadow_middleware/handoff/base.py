"""The port through which records cross the wall, and who stands behind it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from shadow_middleware.capture import Capture, Record
from shadow_middleware.handoff.census import Census

__all__ = ["Ears", "Handoff", "HandoffState", "Launcher", "Pipe"]


class HandoffState(msgspec.Struct, frozen=True):
    """What the live side knows of itself. Numbers only grow."""

    session: str
    selected: int
    """Exchanges that selection let in, whatever became of them."""
    handed: int
    """Of those, how many were given to an agent."""
    dropped: dict[str, int]
    """Of those, how many never left this process, by reason."""
    held: int
    """Of those, how many wait in this process now."""
    held_bytes: int
    ended: int
    """How many replays the agent says have ended."""
    agents: int
    """Agents started so far; more than one says that one died."""
    connected: bool


class Handoff(Protocol):
    """The live end of the wall. Nothing here blocks for long, nothing raises."""

    session: str
    """What this process is called: the ids of its exchanges begin with it."""
    paused_until: int
    """Monotonic nanoseconds before which nothing should be captured at all."""
    resting: bool
    """Whether nothing is to be captured, and nothing counted, until an agent says so."""
    timed: bool
    """Whether an asyncio loop has a timer that will send what is held."""
    small: int
    """Bytes that an exchange may have to be given to `add`."""
    census: Census
    """Takes note of what is not mirrored, and of the routes that there are."""

    @property
    def free_bytes(self) -> int:
        """About how many bytes more may be held; negative where it is too many."""
        ...

    def offer(self, capture: Capture) -> None:
        """Take a finished capture, or count it as dropped."""
        ...

    def add(self, record: Record) -> None:
        """Take the record of a small exchange; cheaper than `offer`."""
        ...

    def refuse(self) -> None:
        """Count one exchange that was not captured because of `paused_until`.

        One that is not captured because of `resting` was never selected.
        """
        ...

    def defer(self, work: Callable[[], None]) -> None:
        """
        Have work that ends in an offer done soon, on another thread.

        For finalisers: the collector runs them anywhere, even inside `offer` on the
        very thread that holds its lock. So this takes no lock.
        """
        ...

    def start(self) -> None:
        """Have an agent ready; called again it does nothing."""
        ...

    def flush(self, timeout: float = 0.0) -> bool:
        """Push out what is held; whether nothing is held any more."""
        ...

    def close(self, timeout: float, *, wait: bool = True) -> bool:
        """Push out what is held, say goodbye, and may wait for the agent's end."""
        ...

    @property
    def state(self) -> HandoffState:
        """The figures of now."""
        ...


class Pipe(msgspec.Struct, frozen=True):
    """A connection to a running agent, and how to learn that it has ended."""

    socket: socket.socket
    wait: Callable[[float], bool]
    """Wait up to so many seconds for the agent's end; whether it has ended."""
    mortal: bool = False
    """Whether the agent dies with this process, so that it has to be waited for."""


class Launcher(Protocol):
    """Brings up an agent and returns the connection to it."""

    def __call__(self) -> Pipe:
        """
        Return a connected stream socket.

        Raises:
            OSError: there is no agent to be had now; it is tried again later.
        """
        ...


class Ears(Protocol):
    """Who listens, in the live process, to what an agent announces."""

    def wanted(self) -> tuple[str, ...]:
        """Return the short names of the signals that somebody listens to now."""
        ...

    def take(self, name: str, payload: dict[str, Any]) -> None:
        """Take one event; neither block nor raise."""
        ...

    def close(self, timeout: float) -> None:
        """Give receivers up to `timeout` seconds to hear what was taken."""
        ...
