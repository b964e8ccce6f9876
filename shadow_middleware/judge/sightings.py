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

__all__ = ["CellOf", "Shown", "degree", "pair", "reach", "shown", "size_of"]

CellOf = tuple[Finding, str]
"""A finding, and its size: see `size_of`."""

Shown = dict[CellOf, Difference]
"""What a comparison shows, each with its first place."""

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
        cells.setdefault((finding_of(difference), size_of(difference)), difference)
    return cells


def reach(cells: Shown) -> dict[Finding, int]:
    """Return of each finding the highest degree that was seen."""
    furthest: dict[Finding, int] = {}
    for (finding, _), difference in cells.items():
        furthest[finding] = max(degree(difference), furthest.get(finding, 0))
    return furthest


def pair(
    marks: dict[CellOf, list[int]],
    raw: Shown,
    by_twins: Shown,
    first: int,
    *,
    whole: bool,
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
    """
    # Beside another status no body is looked at, so what is not shown there says nothing.
    ours, theirs = _has_status(raw), _has_status(by_twins)
    raw_is_whole = whole and (theirs or not ours)
    twins_are_whole = whole and (ours or not theirs)
    for name in {**raw, **by_twins}:
        status = whole and name[0][0] is Part.STATUS
        if name in raw and name in by_twins:
            marks[name].append(first + _BOTH)
        elif name in raw and (twins_are_whole or status):
            marks[name].append(first + _RAW_ONLY)
        elif name not in raw and (raw_is_whole or status):
            marks.setdefault(name, []).append(first + _TWINS_ONLY)


def _has_status(cells: Iterable[CellOf]) -> bool:
    return any(finding[0] is Part.STATUS for finding, _ in cells)
