"""What the apps under test share: gates that the client opens, and a journal."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

FOLDER = Path(os.environ.get("MATRIX_FOLDER", "."))
SHADOW_URL = os.environ.get("MATRIX_SHADOW_URL", "")
PATIENCE = 45.0
"""Seconds that anything waits before it gives up and shows as a difference."""

LARGE = bytes(range(256)) * (3 * 4096)
"""3 MiB, three times the cap."""


def settings(**more: object) -> dict[str, object]:
    """Return settings that mirror everything and let go quickly at shutdown."""
    return {
        "shadow_url": SHADOW_URL,
        "store_url": "",
        "engine": os.environ.get("MATRIX_ENGINE", "agent"),
        "methods": ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"),
        "breaker_failures": 0,
        "drain_timeout": 0.2,
    } | more


def is_open(gate: str, step: int) -> bool:
    """Whether the client has opened this gate up to this step."""
    return (FOLDER / f"{gate}.{step}").exists()


def wait_until_open(gate: str, step: int) -> None:
    """Block until the client opens the gate."""
    deadline = time.monotonic() + PATIENCE
    while not is_open(gate, step) and time.monotonic() < deadline:
        threading.Event().wait(0.001)


class Journal:
    """What happened in the app besides its answers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._entries: list[str] = []

    def add(self, entry: str) -> None:
        """Note that something happened."""
        with self._changed:
            self._entries.append(entry)
            self._changed.notify_all()

    def has(self, entry: str) -> bool:
        """Whether it happened."""
        with self._changed:
            return entry in self._entries

    def wait_for(self, entry: str) -> bool:
        """Whether it happened, or happens before patience ends."""
        with self._changed:
            return self._changed.wait_for(lambda: entry in self._entries, PATIENCE)


JOURNAL = Journal()
