"""Which exchanges of a run are settled, by their places in the order of reading. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from shadow_middleware.evidence import Mark

__all__ = ["Ledger"]


class Ledger:
    """
    Knows what is under way, and how far everything before it has come.

    Args:
        before: How far an earlier process came with the same run.
    """

    def __init__(self, before: Mark | None = None) -> None:
        self._before = before or Mark()
        self._ranges = list(_pairs(self._before.beyond))
        self._pending: set[int] = set()
        self.next = 0
        """The place after the last that was come to."""
        self.claimed = self._before.claimed
        """Every write below may have been sent."""

    def is_settled(self, place: int) -> bool:
        """Whether an earlier process has settled it."""
        if place < self._before.settled:
            return True
        return any(first <= place < end for first, end in self._ranges)

    def is_uncertain(self, place: int) -> bool:
        """Whether an earlier process may have sent it, and did not tell."""
        return place < self._before.claimed and not self.is_settled(place)

    def begin(self, place: int) -> None:
        """Take note that it is under way. Places come in their order."""
        self._pending.add(place)
        self.next = place + 1

    def passed(self, place: int) -> None:
        """Take note that an earlier process has settled it."""
        self.next = place + 1

    def settle(self, place: int) -> None:
        """Take note that it has ended."""
        self._pending.discard(place)

    def is_first(self, place: int) -> bool:
        """Whether nothing before it is under way."""
        return place <= min(self._pending, default=place)

    def mark(self) -> Mark:
        """Return how far it has come, in ranges: the first place and the one after."""
        edges = [*sorted(self._pending), self.next]
        ranges = [
            (before + 1, after)
            for before, after in zip([-1, *edges], edges, strict=False)
            if after > before + 1
        ]
        # What an earlier process has settled, and this one has not come to again.
        ranges += [
            (max(first, self.next), end)
            for first, end in [(0, self._before.settled), *self._ranges]
            if end > self.next
        ]
        joined = _joined(ranges)
        settled = joined[0][1] if joined and joined[0][0] == 0 else 0
        beyond = joined[1:] if settled else joined
        return Mark(settled, tuple(edge for pair in beyond for edge in pair))


def _pairs(beyond: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    return zip(beyond[::2], beyond[1::2], strict=True)


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, end in sorted(ranges):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((first, end))
    return joined
