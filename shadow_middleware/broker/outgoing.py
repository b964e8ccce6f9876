"""
What waits for the broker, in order: in memory up to a bound, on disk if asked.

Pure but for the disk. What is being published stays here until it is confirmed, so a
connection that breaks takes nothing with it.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

from shadow_middleware.broker.item import Item
from shadow_middleware.broker.spool import Spool, Spot

__all__ = ["Outgoing"]

_AT_ONCE: Final = 256
"""Items that are read from disk together."""


class Outgoing:
    """
    A bounded queue whose head may be taken back.

    Args:
        max_count: Items in memory, those being published included.
        max_bytes: Their bytes.
        spool: Where more may wait; None drops it.
    """

    def __init__(
        self, max_count: int, max_bytes: int, spool: Spool | None = None
    ) -> None:
        self._max_count = max_count
        self._max_bytes = max_bytes
        self.spool = spool
        self._ready: deque[Item] = deque()
        self._flying: dict[str, Item] = {}
        self._spots: dict[str, Spot] = {}
        self._of: Counter[str] = Counter()
        self.size = 0
        """Bytes in memory."""

    def __len__(self) -> int:
        """Return how many wait or are being published, on disk too."""
        return len(self._ready) + len(self._flying) + self.on_disk

    @property
    def on_disk(self) -> int:
        """How many wait on disk."""
        return self.spool.waiting if self.spool is not None else 0

    @property
    def flying(self) -> int:
        """How many are being published."""
        return len(self._flying)

    def holds(self, session: str) -> bool:
        """Whether anything of a session may still wait here."""
        return self._of[session] > 0 or self.on_disk > 0

    def offer(self, item: Item) -> bool:
        """Take an item, or return False where there is no room."""
        if not self.on_disk and self._has_room(len(item.data)):
            self._hold(item)
            return True
        return self.spool is not None and self.spool.append(item)

    def _has_room(self, size: int) -> bool:
        held = len(self._ready) + len(self._flying)
        if not held:
            return True
        return held < self._max_count and self.size + size <= self._max_bytes

    def _hold(self, item: Item) -> None:
        self._ready.append(item)
        self._of[item.session] += 1
        self.size += len(item.data)

    def next(self) -> Item | None:
        """Hand out the next item to publish; None where there is none."""
        if not self._ready and self.on_disk:
            self._fetch()
        if not self._ready:
            return None
        item = self._ready.popleft()
        self._flying[item.id] = item
        return item

    def _fetch(self) -> None:
        while self.spool is not None and len(self._ready) < _AT_ONCE:
            if not self._has_room(0) or (found := self.spool.next()) is None:
                return
            spot, item = found
            self._spots[item.id] = spot
            self._hold(item)

    def done(self, item: Item) -> None:
        """Forget an item: it is at the broker, or was counted as lost."""
        if self._flying.pop(item.id, None) is None:
            return
        self.size -= len(item.data)
        self._of[item.session] -= 1
        if not self._of[item.session]:
            del self._of[item.session]
        spot = self._spots.pop(item.id, None)
        if spot is not None and self.spool is not None:
            self.spool.done(spot)

    def take_back(self, items: list[Item] | None = None) -> None:
        """Have items published again, before all others; left out, all that fly."""
        back = list(self._flying.values()) if items is None else items
        for item in back:
            self._flying.pop(item.id, None)
        self._ready.extendleft(reversed(back))

    def close(self) -> list[Item]:
        """Keep on disk what is left, if there is one; return what is lost."""
        left, self._ready = list(self._ready), deque()
        spool, self.spool = self.spool, None
        if spool is None:
            return left
        # What is on disk already stays there.
        waiting = [item for item in left if item.id not in self._spots]
        kept = not waiting or spool.put_back(waiting)
        spool.close()
        return [] if kept else waiting
