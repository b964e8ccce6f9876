"""A store that tells what it has written, and takes nothing once a lease was lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from shadow_middleware.errors import FencedError
from shadow_middleware.evidence import Batch, Place
from shadow_middleware.store.sql import SqlStore

__all__ = ["PlacedStore"]


class PlacedStore(SqlStore):
    """
    The evidence of one shift, written from its writer's thread.

    Args:
        url: Of the store.
        written: Told of the places of each batch that is there for good.
        fenced: Told that somebody else has one of our partitions.
    """

    def __init__(
        self,
        url: str,
        written: Callable[[Sequence[Place]], None],
        fenced: Callable[[str], None],
    ) -> None:
        super().__init__(url)
        self._written = written
        self._fenced = fenced
        self._writing = threading.Lock()
        self._sealed = False

    def seal(self) -> None:
        """Take nothing from now on: what has not been written is done over."""
        with self._writing:
            self._sealed = True

    def write(self, batch: Batch) -> None:
        """Write the batch with its places, or nothing of it for ever."""
        with self._writing:
            if self._sealed:
                return
            try:
                super().write(batch)
            except FencedError as error:
                self._sealed = True
                self._fenced(str(error))
                return
        if batch.places:
            self._written(batch.places)
