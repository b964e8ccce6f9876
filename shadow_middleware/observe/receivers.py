"""
The last step of a signal: its receivers, in the live process, on a thread of theirs.

The thread starts with the first event. Receivers that raise are logged; one that
hangs keeps events waiting in a bounded queue, and what finds it full is counted and,
once in a while, said.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Any, Final

from shadow_middleware import signals

__all__ = ["Receivers"]

logger = logging.getLogger("shadow_middleware")

MAX_WAITING: Final = 1_000
LOG_INTERVAL: Final = 60.0
"""Seconds between two lines about events that are lost."""


class Receivers:
    """Implements `handoff.base.Ears` over the blinker signals."""

    def __init__(self) -> None:
        self._events: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._lost = 0
        self._logged_at = float("-inf")

    def wanted(self) -> tuple[str, ...]:
        """Return the short names of the signals that somebody listens to now."""
        return tuple(name for name, signal in signals.ALL.items() if signal.receivers)

    def take(self, name: str, payload: dict[str, Any]) -> None:
        """Take one event; neither block nor raise."""
        try:
            self._events.put_nowait((name, payload))
        except queue.Full:
            self._note_lost()
            return
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="shadow-middleware-signals", daemon=True
            )
            self._thread.start()

    def _note_lost(self) -> None:
        self._lost += 1
        now = time.monotonic()
        if now - self._logged_at >= LOG_INTERVAL:
            self._logged_at = now
            logger.warning(
                "receivers of signals are slower than events come: %d lost so far",
                self._lost,
            )

    def close(self, timeout: float) -> None:
        """Give receivers up to `timeout` seconds to hear what was taken."""
        deadline = time.monotonic() + timeout
        with self._events.all_tasks_done:
            while self._events.unfinished_tasks and time.monotonic() < deadline:
                self._events.all_tasks_done.wait(deadline - time.monotonic())

    def _run(self) -> None:
        while True:
            name, payload = self._events.get()
            try:
                _fire(name, payload)
            finally:
                self._events.task_done()


def _fire(name: str, payload: dict[str, Any]) -> None:
    signal = signals.ALL.get(name)
    if signal is None:
        return
    sender = payload.get("target")
    for receiver in signal.receivers_for(sender):
        try:
            receiver(sender, event=payload)
        except Exception:
            logger.exception("a receiver of the signal %s raised", name)
