"""
The collector may run a finaliser of ours anywhere, even while our own lock is held on
that very thread: it must never wait for that lock (W1 W3).
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from shadow_middleware.capture import Capture, Record
from shadow_middleware.handoff.agent_socket import AgentSocket
from shadow_middleware.live import LiveSide
from shadow_middleware.settings import load
from shadow_middleware.wsgi import ShadowMiddleware

SHAPES: dict[str, Callable[[], Iterable[bytes]]] = {
    "list": lambda: [b"a"],
    "generator": lambda: (chunk for chunk in [b"a"]),
    "sized": lambda: (b"a",),
}


class NoKeeper:
    """Keeps no agent at the other end."""

    def start(self) -> None:
        pass

    def close(self, timeout: float, *, wait: bool) -> bool:
        return True


class Collecting(Capture):
    """A capture during whose encoding the collector runs."""

    def record(self) -> Record:
        gc.collect()
        return super().record()


@contextmanager
def no_collector() -> Iterator[None]:
    """Let garbage lie until the test collects it."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def leave_garbage(live: LiveSide, shape: str) -> None:
    """Serve a request whose answer nobody closes, and drop it in a cycle."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return SHAPES[shape]()

    middleware = ShadowMiddleware(app, shadow_url="http://127.0.0.1:9")
    middleware.live = live
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    cycle: list[object] = [middleware(environ, lambda *head: lambda data: None)]
    cycle.append(cycle)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_finaliser_inside_the_hand_over_does_not_wait_for_itself(shape: str) -> None:
    """W1 W3: an unclosed answer, collected inside `offer`, is counted and blocks nobody."""
    handoff = AgentSocket(lambda _: NoKeeper(), max_bytes=2**20, max_count=10)
    live = LiveSide(load({"shadow_url": "http://127.0.0.1:9"}), handoff)
    capture = Collecting(live, "GET", b"/", b"", (), 0)

    with no_collector():
        leave_garbage(live, shape)
        thread = threading.Thread(target=handoff.offer, args=(capture,), daemon=True)
        thread.start()
        thread.join(10)

    assert not thread.is_alive()
    handoff.settle()
    assert 2 == handoff.state.selected


def test_too_much_deferred_work_is_counted_as_dropped() -> None:
    """W9: what finalisers leave behind is bounded, and its loss is a number."""
    handoff = AgentSocket(lambda _: NoKeeper(), max_bytes=2**20, max_count=2)
    done: list[int] = []
    for number in range(4):
        handoff.defer(lambda number=number: done.append(number))  # type: ignore[misc]

    handoff.settle()

    assert [0, 1] == done
    assert {"buffer_full": 2} == handoff.state.dropped
