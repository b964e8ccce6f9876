"""The port behind which evidence is removed."""

from __future__ import annotations

from typing import Protocol

from shadow_middleware.evidence import Purged

__all__ = ["Purger"]


class Purger(Protocol):
    """Removes old evidence, in small transactions that writers fit between."""

    def purge(
        self,
        before: float | None = None,
        keep: int | None = None,
        most_bytes: int | None = None,
    ) -> Purged:
        """
        Remove what is too old or too much.

        Args:
            before: Seconds since the epoch; everything that ended before goes, counts
                and latencies by whole minutes and windows. A run goes whole, once
                nothing was heard of it since.
            keep: Only this many divergences stay of live and of each run, the newest;
                counts are not touched.
            most_bytes: Likewise, what these may weigh; see `store_keep_bytes`.

        Raises:
            StoreError: what was removed so far stays removed.
        """
        ...
