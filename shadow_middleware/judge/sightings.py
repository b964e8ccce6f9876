"""
Which cells one comparison shows, each once, whatever the number of places.

What both values are belongs to the cell: a time that follows its request and a time
that is off by an hour are two findings, and the noise of the one excuses not the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shadow_middleware.exchange import Difference, Part
from shadow_middleware.judge.book import Finding, finding_of

__all__ = ["CellOf", "Excuse", "Shown", "excuses", "pair", "shown", "size_of"]

CellOf = tuple[Finding, str]
"""A finding, and its size: see `size_of`."""

Shown = dict[CellOf, list[Difference]]
"""What a comparison shows, with the places."""

_SIZES: Final = {"": 0, "tiny": 1, "slight": 2, "some": 3, "large": 4}
_PLAIN: Final = 10
"""Above any size: what no likeness explains differs more than what one does."""

_BOTH, _RAW_ONLY, _TWINS_ONLY = 0, 1, 2
"""What an exchange with twins says of a cell, as steps from the first such count."""


def size_of(difference: Difference) -> str:
    """Return the size that a cell is counted under: `uuid`, `slight`, `float tiny`."""
    if not difference.alike:
        return difference.size
    return f"{difference.alike} {difference.size}".rstrip()


def degree(difference: Difference) -> int:
    """Return how much a difference asks to be explained; the more, the higher."""
    plain = 0 if difference.alike else _PLAIN
    return plain + _SIZES.get(difference.size, 0)


def shown(differences: Iterable[Difference]) -> Shown:
    """Return the cells of what differs."""
    cells: Shown = {}
    for difference in differences:
        name = (finding_of(difference), size_of(difference))
        cells.setdefault(name, []).append(difference)
    return cells


class Excuse:
    """What the control of this very exchange shows of one finding."""

    __slots__ = ("_degree", "_paths", "_places")

    def __init__(self) -> None:
        self._degree = -1
        self._paths: dict[str, int] = {}
        self._places: list[Difference] = []

    def add(self, place: Difference) -> None:
        """Take in a place."""
        found = degree(place)
        self._degree = max(found, self._degree)
        self._paths[place.path] = max(found, self._paths.get(place.path, -1))
        self._places.append(place)

    def covers(self, difference: Difference, *, placed: bool) -> bool:
        """
        Return whether the control shows the difference, and at least as much of it.

        Args:
            difference: What live against shadow shows.
            placed: Whether it has to be at the same place, or of the same value where
                lines and items moved. Of what a likeness explains, one place stands
                for all.
        """
        asked = degree(difference)
        if asked > self._degree:
            return False
        if (
            not placed
            or difference.alike
            or asked <= self._paths.get(difference.path, -1)
        ):
            return True
        return any(
            asked <= degree(place) and _same_value(difference, place)
            for place in self._places
        )


def _same_value(one: Difference, other: Difference) -> bool:
    """Whether live has the same at both places, or the shadow what the control has."""
    if one.live is not None and one.live == other.live:
        return True
    return one.shadow is not None and one.shadow == other.shadow


def excuses(cells: Shown) -> dict[Finding, Excuse]:
    """Return what the control of an exchange can excuse."""
    found: dict[Finding, Excuse] = {}
    for (finding, _), places in cells.items():
        excuse = found.setdefault(finding, Excuse())
        for place in places:
            excuse.add(place)
    return found


def pair(
    marks: dict[CellOf, list[int]],
    raw: Shown,
    by_twins: Shown,
    first: int,
    *,
    whole: bool,
    placed: bool,
) -> None:
    """
    Note in `marks` which of two comparisons of one exchange shows each cell.

    Args:
        marks: The counts to raise, by cell.
        raw: What live against shadow shows.
        by_twins: What two answers of one version show.
        first: The first of the three counts of those twins.
        whole: Whether both comparisons came to their end; else what one of them does
            not show says nothing.
        placed: Whether all places are known. Then the comparison with more places of a
            cell shows it besides where both do: between two healthy copies, either
            is as likely to have more.
    """
    # Beside another status no body is looked at, so what is not shown there says nothing.
    other_raw, other_twins = _has_status(raw), _has_status(by_twins)
    raw_is_whole = whole and (other_twins or not other_raw)
    twins_are_whole = whole and (other_raw or not other_twins)
    for name in {**raw, **by_twins}:
        status = whole and name[0][0] is Part.STATUS
        ours, theirs = len(raw.get(name, ())), len(by_twins.get(name, ()))
        if ours and theirs:
            marks[name].append(first + _BOTH)
            if not placed or raw[name][0].alike:
                continue
        if ours > theirs and (twins_are_whole or status):
            marks[name].append(first + _RAW_ONLY)
        elif ours < theirs and (raw_is_whole or status):
            marks.setdefault(name, []).append(first + _TWINS_ONLY)


def _has_status(cells: Iterable[CellOf]) -> bool:
    return any(finding[0] is Part.STATUS for finding, _ in cells)
