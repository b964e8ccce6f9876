"""Which partitions a worker is to take, and which to give back. Pure: time is told."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from shadow_middleware.store.partitions import Leased, View

__all__ = ["Balance", "Moves"]


class Moves(NamedTuple):
    """What is to be done to have a fair share."""

    take: list[Leased]
    give: list[int]


class Balance:
    """
    Sees who lives, by what moves between two looks.

    Args:
        worker: Who we are.
        lease: Seconds without a movement after which a worker or a lease is dead.
    """

    def __init__(self, worker: str, lease: float) -> None:
        self._worker = worker
        self._lease = lease
        self._workers: dict[str, tuple[int, float]] = {}
        self._leases: dict[int, tuple[tuple[str, int, int], float]] = {}

    def look(self, view: View, now: float) -> None:
        """Take in who has what, at `now` of any clock that only runs."""
        for name, beat in view.workers.items():
            if name not in self._workers or self._workers[name][0] != beat:
                self._workers[name] = (beat, now)
        for name in self._workers.keys() - view.workers.keys():
            del self._workers[name]
        for one in view.leases:
            state = (one.owner, one.epoch, one.beat)
            if self._leases.get(one.partition, (None, 0.0))[0] != state:
                self._leases[one.partition] = (state, now)

    def living(self, now: float) -> list[str]:
        """Return the workers that live, as far as one knows, by name."""
        return sorted(
            name
            for name, (_, since) in self._workers.items()
            if now - since < self._lease or name == self._worker
        )

    def gone(self, now: float) -> list[str]:
        """Return workers that have not moved for so long that nobody waits for them."""
        return [
            name
            for name, (_, since) in self._workers.items()
            if now - since > 10 * self._lease and name != self._worker
        ]

    def moves(self, view: View, ours: Collection[int], now: float) -> Moves:
        """
        Return what to take and what to give back.

        Everybody gets as many as everybody else, but for one; so a worker that comes
        or goes moves no more partitions than it must.
        """
        living = self.living(now)
        rank = living.index(self._worker) if self._worker in living else 0
        each, more = divmod(len(view.leases), max(1, len(living)))
        share = each + (rank < more)
        if len(ours) > share:
            return Moves([], sorted(ours)[share:])
        free = [one for one in view.leases if self._is_free(one, now)]
        # Each begins elsewhere, so that few want the same at once.
        begin = (rank * len(free)) // max(1, len(living))
        return Moves((free[begin:] + free[:begin])[: share - len(ours)], [])

    def _is_free(self, one: Leased, now: float) -> bool:
        if not one.owner:
            return True
        if one.owner == self._worker:
            return False
        return now - self._leases[one.partition][1] >= self._lease
