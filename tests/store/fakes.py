"""A store that can be away, slow or choosy, for tests of what writes to it."""

from __future__ import annotations

import threading

from shadow_middleware.errors import RefusedByStoreError, StoreError
from shadow_middleware.evidence import Batch
from shadow_middleware.store.memory import MemoryStore

__all__ = ["MoodyStore"]


class MoodyStore:
    """
    Opens, writes and closes as told; what it took is in `memory`.

    It is its own opener: `Writer(store.open)`.
    """

    def __init__(self) -> None:
        self.memory = MemoryStore(most_divergences=100_000)
        self.away = False
        self.forgets_to_answer = False
        self.hates = ""
        self.crash: BaseException | None = None
        self.opened = 0
        self.closed = 0
        self.written = 0
        self.tried = threading.Event()
        self.free = threading.Event()
        self.free.set()

    def open(self) -> MoodyStore:
        """Open the store, if it is not away."""
        self.tried.set()
        if self.away:
            raise StoreError("the store is away")
        self.opened += 1
        return self

    def write(self, batch: Batch) -> None:
        """Take the batch, or do as told."""
        self.tried.set()
        self.free.wait()
        if self.crash is not None:
            raise self.crash
        if self.away:
            raise StoreError("the store is away")
        if any(record.path == self.hates for record in batch.divergences):
            raise RefusedByStoreError("the store refuses a path")
        self.memory.write(batch)
        self.written += 1
        if self.forgets_to_answer:
            self.forgets_to_answer = False
            raise StoreError("the connection was lost")

    def close(self) -> None:
        """Note it."""
        self.closed += 1
