"""Which cells one comparison shows, each once, whatever the number of places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from shadow_middleware.exchange import Difference, Part
from shadow_middleware.judge.book import Finding, finding_of

__all__ = ["SIZES", "Shown", "reach", "same_stand", "shown"]

SIZES: Final = {"": 0, "tiny": 1, "slight": 2, "some": 3, "large": 4}
"""How far two numbers are apart, in order."""

Shown = dict[tuple[Finding, str], bool]
"""By finding and size: whether what both values are explains all of its places."""


def shown(differences: Iterable[Difference]) -> Shown:
    """Return what differs, and whether likeness explains it."""
    cells: Shown = {}
    for difference in differences:
        cell = (finding_of(difference), difference.size)
        alike = difference.alike != ""
        cells[cell] = alike and cells.get(cell, True)
    return cells


def reach(cells: Iterable[tuple[Finding, str]]) -> dict[Finding, int]:
    """Return how far apart each finding was, at most."""
    furthest: dict[Finding, int] = {}
    for finding, size in cells:
        furthest[finding] = max(SIZES.get(size, 0), furthest.get(finding, 0))
    return furthest


def same_stand(one: Mapping[tuple[Finding, str], bool], other: Shown) -> bool:
    """
    Return whether both comparisons were of the same sort of answers.

    Where one of them met another status, it looked at no body, and what it does not
    show says nothing.
    """
    return _has_status(one) == _has_status(other)


def _has_status(cells: Iterable[tuple[Finding, str]]) -> bool:
    return any(finding[0] is Part.STATUS for finding, _ in cells)
