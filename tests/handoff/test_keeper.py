"""The keeper: one agent at a time, and none but the present one is spoken to."""

from __future__ import annotations

import errno
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

import pytest

from shadow_middleware.capture import Capture
from shadow_middleware.handoff import codec
from shadow_middleware.handoff.agent_socket import AgentSocket
from shadow_middleware.handoff.base import Pipe
from shadow_middleware.handoff.keeper import Keeper, rest_after
from shadow_middleware.live import LiveSide
from shadow_middleware.settings import load


class Deaf:
    """Nobody listens to any signal."""

    def wanted(self) -> tuple[str, ...]:
        return ()

    def take(self, name: str, payload: dict[str, Any]) -> None: ...

    def close(self, timeout: float) -> None: ...


class Agents:
    """Launches agents that are nothing but the other ends of their sockets."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []

    def __call__(self) -> Pipe:
        ours, theirs = socket.socketpair()
        theirs.settimeout(30.0)
        self.sockets.append(theirs)
        return Pipe(ours, lambda timeout: True)


def hears(agent: socket.socket, kind: int) -> bytes:
    """Return the payload of the next frame of that kind that an agent gets."""
    frames = codec.Frames()
    while data := agent.recv(1 << 16):
        for found, payload in frames.feed(data):
            if found == kind:
                return payload
    raise AssertionError("the connection ended")


def kinds_of(agent: socket.socket) -> list[int]:
    """Return the kinds of all frames that an agent still gets, up to the end."""
    frames, kinds = codec.Frames(), list[int]()
    while data := agent.recv(1 << 16):
        kinds += [kind for kind, _ in frames.feed(data)]
    return kinds


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 30.0
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)


class Bed:
    """A live side with a keeper, and the agents that it gets."""

    def __init__(self) -> None:
        self.agents = Agents()
        self.handoff = AgentSocket(
            lambda handoff: Keeper(handoff, self.agents, b"", Deaf()),
            max_bytes=1 << 20,
            max_count=1000,
        )
        settings = load({"shadow_url": "http://shadow.test"}, environ={})
        self.live = LiveSide(settings, self.handoff)

    def exchange(self) -> None:
        """Let one exchange happen."""
        capture = Capture(self.live, "GET", b"/", b"", (), self.live.now())
        capture.status = 200
        capture.finish("/")

    def agent(self, number: int) -> socket.socket:
        """Return the agent of that number, once it has come."""
        until(lambda: len(self.agents.sockets) >= number)
        return self.agents.sockets[number - 1]


@pytest.fixture
def bed() -> Iterator[Bed]:
    """Give a keeper to play with, and leave no thread of one behind."""
    before = keepers()
    bed = Bed()
    yield bed
    bed.handoff.close(0.0, wait=False)
    for agent in bed.agents.sockets:
        agent.close()
    until(lambda: keepers() == before)


def keepers() -> int:
    """Return how many keepers run."""
    return sum("keeper" in thread.name for thread in threading.enumerate())


def test_an_agent_that_goes_late_takes_nothing_from_the_next(bed: Bed) -> None:
    """Parted from and slow to go, it must not end the connection of another."""
    before = keepers()
    bed.exchange()
    hears(bed.agent(1), codec.BATCH)
    bed.handoff.close(0.0, wait=False)
    bed.exchange()
    hears(bed.agent(2), codec.BATCH)
    bed.agent(1).close()
    until(lambda: keepers() == before + 1)
    bed.exchange()

    assert 3 == codec.decode_batch(hears(bed.agent(2), codec.BATCH)).selected


def test_an_agent_that_is_parted_from_gets_nothing_more(bed: Bed) -> None:
    """What comes later is for the next: the stream of the last one ends."""
    bed.exchange()
    hears(bed.agent(1), codec.BATCH)
    bed.handoff.close(0.0, wait=False)
    bed.exchange()

    assert 2 == codec.decode_batch(hears(bed.agent(2), codec.BATCH)).selected
    assert [codec.BYE] == kinds_of(bed.agent(1))


def test_an_agent_that_is_parted_from_puts_nothing_to_rest(bed: Bed) -> None:
    """There is nobody left who could say when that is over."""
    before = keepers()
    bed.exchange()
    hears(bed.agent(1), codec.BATCH)
    bed.handoff.close(0.0, wait=False)
    kinds_of(bed.agent(1))  # what it had not read would end its connection at once
    resting = codec.Status(ended=1, waiting=0, in_flight=0, resting=True)
    bed.agent(1).sendall(codec.frame(codec.STATUS, resting))
    bed.agent(1).close()
    until(lambda: keepers() == before)

    assert [False, 1] == [bed.handoff.resting, bed.handoff.ended]


def test_an_agent_that_was_at_work_is_replaced_soon() -> None:
    """Only those that die young are waited for, and longer each time."""
    lives = (0.1, 0.1, 0.1, 10.0, 0.1, *[0.1] * 6)
    rests = list(accumulate(lives, rest_after, initial=0.0))

    assert [0.5, 1.0, 2.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] == rests[1:]


def test_a_process_without_descriptors_gets_an_agent_when_it_has_some_again(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W5: an app at its limit of open files must not be without an agent for ever."""
    made = selectors.DefaultSelector

    def full() -> selectors.BaseSelector:
        monkeypatch.setattr(selectors, "DefaultSelector", made)
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(selectors, "DefaultSelector", full)
    bed.exchange()
    bed.agent(2)
    bed.exchange()

    assert 2 == codec.decode_batch(hears(bed.agent(2), codec.BATCH)).selected
