"""
Which of the differences found are described, so that many of a sort hide no other.

One example is kept of each sort that both values' likeness may explain. Of all others
the first ones are kept up to a limit; from then on only the first of each new sort, up
to as many again.
"""

from __future__ import annotations

from typing import Any

import msgspec

from shadow_middleware.exchange import Difference

__all__ = ["Shelf"]

Cell = tuple[Any, ...]
"""What makes two differences of one sort: part, path shape, kind, shapes, size."""


class Shelf:
    """Room for `limit` differences, for the first of as many sorts, and likenesses."""

    __slots__ = ("_alike", "_counts", "_first", "_kept", "_limit", "_plain", "found")

    def __init__(self, limit: int) -> None:
        self.found = 0
        self._limit = max(limit, 1)
        self._kept: list[Difference] = []
        self._first: dict[Cell, int] = {}
        self._counts: dict[Cell, int] = {}
        self._plain = 0
        self._alike = 0

    def wants(self, cell: Cell, alike: str) -> bool:
        """Count a difference; return whether it should be described."""
        self.found += 1
        known = cell in self._first
        if known and (alike or self._plain >= self._limit):
            self._counts[cell] = self._counts.get(cell, 0) + 1
            return False
        return True

    @property
    def full(self) -> bool:
        """Whether there is no room left for anything."""
        most = 2 * self._limit
        return self._plain >= most or self._alike >= most

    def put(self, cell: Cell, difference: Difference) -> None:
        """Keep a description."""
        self._first.setdefault(cell, len(self._kept))
        self._kept.append(difference)
        if difference.alike:
            self._alike += 1
        else:
            self._plain += 1

    def described(self) -> tuple[Difference, ...]:
        """Return what is kept; the first of a sort says how many more there are."""
        for cell, count in self._counts.items():
            first = self._first[cell]
            one = self._kept[first]
            note = "; ".join(filter(None, (one.note, f"and {count} more like it")))
            self._kept[first] = msgspec.structs.replace(one, note=note)
        self._counts.clear()
        return tuple(self._kept)
