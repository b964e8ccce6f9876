"""
Keeps the store within its bounds, from a thread of an agent or a worker.

Of all processes that write to a store one removes at a time. It works in short
transactions with rests between them, so that writers come first.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from random import Random
from typing import Final, Protocol

from shadow_middleware.evidence import Purged
from shadow_middleware.retention import Keep
from shadow_middleware.store.pace import Interrupted, Pace

__all__ = ["Housekeeper", "Tended"]

_logger = logging.getLogger("shadow_middleware.store")

EVERY: Final = 60.0
"""Seconds from one round to the next, at least."""

LEASE: Final = 60.0
"""Seconds after which another process goes on, where this one has died."""

SHARE: Final = 0.2
"""Of the time, how much transactions that remove may take, and rounds that look."""


class Tended(Protocol):
    """A store that is kept within bounds."""

    def retain(self, keep: Keep, pace: Pace | None = None) -> Purged:
        """Remove what is beyond what may be kept."""
        ...

    def lease_retention(self, holder: str, seconds: float) -> bool:
        """Be the one who removes, for so long; False while another process is."""
        ...

    def leave_retention(self, holder: str) -> None:
        """Let another process remove from now on."""
        ...

    def close(self) -> None:
        """Release every connection."""
        ...


class Housekeeper:
    """
    Removes what a store may not keep, every minute or more seldom.

    Args:
        open_store: Opens the store, on the housekeeper's thread, for each round.
        keep: What it may keep; nothing is started where that is everything.
        every: Seconds between two rounds.
        first: Seconds until the first one; left out, some part of `every`, so that
            processes that start together do not come together.
        name: Unique over all processes.
    """

    def __init__(
        self,
        open_store: Callable[[], Tended],
        keep: Keep,
        *,
        every: float = EVERY,
        first: float | None = None,
        name: str = "",
    ) -> None:
        self._open_store = open_store
        self._keep = keep
        self._every = every
        self._name = name or uuid.uuid4().hex
        self._first = every * Random().uniform(0.5, 1.0) if first is None else first
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing = False
        self.rounds = 0
        """Rounds that were done, whoever removed in them."""
        self.longest = 0.0
        """Seconds of the longest transaction in which anything was removed."""

    def start(self) -> None:
        """Begin, unless there is nothing to do or it has begun."""
        if self._keep and self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="shadow-middleware-housekeeper", daemon=True
            )
            self._thread.start()

    def stop(self, timeout: float) -> None:
        """End after the transaction that is under way, within so many seconds."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        pause = self._first
        while not self._stopped.wait(pause):
            started = time.monotonic()
            self._attempt()
            took = time.monotonic() - started
            pause = max(self._every, took / SHARE)

    def _attempt(self) -> None:
        try:
            self.round()
        except Exception as error:  # noqa: BLE001 -- a store may fail in any way
            if not self._failing:
                _logger.warning("old evidence is not removed: %s", error)
            self._failing = True
        else:
            self._failing = False

    def round(self) -> Purged | None:
        """
        Remove what is too much now, unless another process does.

        Returns:
            What was removed; None where that is another one's work, or this one was
            interrupted.
        """
        store = self._open_store()
        try:
            if not store.lease_retention(self._name, LEASE):
                return None
            try:
                return self._remove(store)
            finally:
                store.leave_retention(self._name)
        finally:
            self.rounds += 1
            store.close()

    def _remove(self, store: Tended) -> Purged | None:
        leased = time.monotonic()

        def rest(took: float) -> bool:
            nonlocal leased
            if self._stopped.wait(took * (1 / SHARE - 1)):
                return False
            now = time.monotonic()
            if now - leased > LEASE / 4:
                leased = now
                return store.lease_retention(self._name, LEASE)
            return True

        pace = Pace(rest)
        try:
            return store.retain(self._keep, pace)
        except Interrupted:
            return None
        finally:
            self.longest = max(self.longest, pace.longest)
