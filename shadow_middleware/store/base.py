"""The ports behind which evidence is kept, read and removed."""

from __future__ import annotations

from typing import Protocol

from shadow_middleware.evidence import (
    ANY,
    Batch,
    Count,
    DivergenceFilter,
    DivergenceRecord,
    LatencyCount,
    LatencyTotal,
    Loss,
    Progress,
    Purged,
    StoredDivergence,
    Total,
)

__all__ = [
    "Batch",
    "Count",
    "DivergenceRecord",
    "LatencyCount",
    "Purger",
    "Reader",
    "Store",
]


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


class Reader(Protocol):
    """
    Evidence as it is read: by reports, verdicts and the faces. Safe on any thread.

    `since` is the first minute wanted and `until` the first one not wanted, both in
    minutes since the epoch; `target` None is every target. Rows come sorted by
    their fields, so equal evidence reads equal.

    Every method raises StoreError where the store cannot be read.
    """

    def totals(
        self,
        since: int | None = None,
        until: int | None = None,
        target: str | None = None,
    ) -> list[Total]:
        """Return the counts, summed over minutes."""
        ...

    def latencies(
        self,
        since: int | None = None,
        until: int | None = None,
        target: str | None = None,
    ) -> list[LatencyTotal]:
        """
        Return the latency buckets, summed over windows.

        Windows are taken whole: those that start at `since`'s window or later.
        """
        ...

    def losses(
        self,
        since: int | None = None,
        until: int | None = None,
        target: str | None = None,
    ) -> list[Loss]:
        """Return the lost samples, by minute."""
        ...

    def progress(self, target: str | None = None) -> list[Progress]:
        """Return how far each session has come with each target, in all."""
        ...

    def divergences(
        self, where: DivergenceFilter = ANY, *, limit: int = 50, offset: int = 0
    ) -> list[StoredDivergence]:
        """Return divergences that fit `where`, the newest first."""
        ...

    def count_divergences(self, where: DivergenceFilter = ANY) -> int:
        """Return how many stored divergences fit `where`."""
        ...

    def find(self, key: str, *, limit: int = 20) -> list[StoredDivergence]:
        """
        Return the divergences that `key` names.

        `key` is the number of a row, or an exchange id or the beginning of one; one
        exchange has a divergence for each target. A row's number wins.
        """
        ...

    def span(self) -> tuple[int, int] | None:
        """Return the first and the last minute with a count; None when there is none."""
        ...

    def close(self) -> None:
        """Release every connection. Calling it twice is harmless."""
        ...


class Purger(Protocol):
    """Removes old evidence, in small transactions that writers fit between."""

    def purge(self, before: float | None = None, keep: int | None = None) -> Purged:
        """
        Remove what is too old or too much.

        Args:
            before: Seconds since the epoch; everything that ended before goes, counts
                and latencies by whole minutes and windows.
            keep: Only this many divergences stay, the newest; counts are not touched.

        Raises:
            StoreError: what was removed so far stays removed.
        """
        ...
