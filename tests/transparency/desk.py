"""A hand-off that keeps what it is offered, so that no agent is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shadow_middleware.capture import Capture, Record
from shadow_middleware.handoff.base import HandoffState
from shadow_middleware.handoff.census import Census
from shadow_middleware.live import LiveSide
from shadow_middleware.settings import load
from tests.fakes import captured


class Kept:
    """Implements `Handoff`; `offered` is all that crossed the wall."""

    def __init__(self, error: Exception | None = None) -> None:
        self.offered: list[Capture] = []
        self.session = "test"
        self.paused_until = 0
        self.resting = False
        self.small = 2**14
        self.timed = False
        self.census = Census()
        self._error = error

    def offer(self, capture: Capture) -> None:
        if self._error is not None:
            raise self._error
        self.offered.append(capture)

    def add(self, record: Record) -> None:
        self.offer(captured(record))

    def refuse(self) -> None:
        raise NotImplementedError

    @property
    def free_bytes(self) -> int:
        return 2**24

    def defer(self, work: Callable[[], None]) -> None:
        work()

    def start(self) -> None:
        if self._error is not None:
            raise self._error

    def flush(self, timeout: float = 0.0) -> bool:
        if self._error is not None:
            raise self._error
        return True

    def close(self, timeout: float, *, wait: bool = True) -> bool:
        return True

    @property
    def state(self) -> HandoffState:
        raise NotImplementedError


ANY_METHOD = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


def live_side(error: Exception | None = None, **settings: Any) -> tuple[LiveSide, Kept]:
    """Return a live side that mirrors everything, and what it hands over."""
    kept = Kept(error)
    given = {"shadow_url": "http://127.0.0.1:9", "methods": ANY_METHOD} | settings
    return LiveSide(load(given), kept), kept
