"""The port behind which evidence is kept, and what crosses it."""

from __future__ import annotations

from typing import Protocol

from shadow_middleware.evidence import (
    Batch,
    Count,
    DivergenceRecord,
    LatencyCount,
)

__all__ = ["Batch", "Count", "DivergenceRecord", "LatencyCount", "Store"]


class Store(Protocol):
    """Where evidence is kept. Called from one writer thread, never from a request."""

    def write(self, batch: Batch) -> None:
        """
        Add the batch to what is there, all of it or nothing.

        Raises:
            StoreError: nothing was written; the caller may try again.
        """
        ...

    def close(self) -> None:
        """Release every connection. Calling it twice is harmless."""
        ...
