"""
Which of the leftover rows of two lists are versions of one another.

First by a member that names rows. Where none does, and only a few small rows are
left, by likeness, which is DeepDiff's art: this is the only module that imports it,
and it does so late, because DeepDiff takes long to import and is rarely needed. Our
own walk then describes each pair, for DeepDiff overlooks `1` against `true` in lists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

__all__ = ["by_likeness", "by_member", "naming_member"]

NAMES = ("id", "_id", "uuid", "guid", "pk", "key", "code", "slug", "name")
"""Members that name a row by custom, the surest first."""

EVERY = 1024
MAX_ROWS = 8
"""Rows on either side that are paired by likeness: the work grows with the square."""
MAX_ENCODED = 2048
"""Bytes of rows on either side, for the same reason."""
MAX_DISTANCE = 0.7
LIKENESS_SECONDS = 0.1
"""Time that must be left, since DeepDiff cannot be stopped."""

Indexes = Sequence[int]
Pairs = list[tuple[int, int]]


def naming_member(
    live: Sequence[Any],
    shadow: Sequence[Any],
    of: tuple[Indexes, Indexes],
    tick: Callable[[], None],
) -> str:
    """Return the member that names all these rows, each on its side once, or ''."""
    for name in NAMES:
        tick()
        if _names_all(live, of[0], name) and _names_all(shadow, of[1], name):
            return name
    return ""


def by_member(
    live: Sequence[Any],
    shadow: Sequence[Any],
    of: tuple[Indexes, Indexes],
    member: str,
    tick: Callable[[], None],
) -> tuple[Pairs, list[int], list[int]]:
    """Pair rows that agree in `member`; return pairs and what is left of each side."""
    waiting: dict[Any, list[int]] = {}
    for number, index in enumerate(reversed(of[1])):
        if number % EVERY == 0:
            tick()
        waiting.setdefault(_name(shadow[index], member), []).append(index)
    pairs, live_left = [], []
    for number, index in enumerate(of[0]):
        if number % EVERY == 0:
            tick()
        name = _name(live[index], member)
        partners = waiting.get(name) if name is not None else None
        if partners:
            pairs.append((index, partners.pop()))
        else:
            live_left.append(index)
    return pairs, live_left, sorted(i for rest in waiting.values() for i in rest)


def by_likeness(
    live: Sequence[Any],
    shadow: Sequence[Any],
    of: tuple[Indexes, Indexes],
    seconds: float,
) -> Pairs:
    """Return pairs of rows that are alike, or none where finding them costs too much."""
    if seconds < LIKENESS_SECONDS or not _are_few(live, of[0]):
        return []
    if not _are_few(shadow, of[1]):
        return []
    return _ask_deepdiff(
        [live[index] for index in of[0]], [shadow[index] for index in of[1]], of
    )


def _ask_deepdiff(
    live: list[Any], shadow: list[Any], of: tuple[Indexes, Indexes]
) -> Pairs:
    from deepdiff import DeepDiff

    tree = DeepDiff(
        live,
        shadow,
        ignore_order=True,
        view="tree",
        cutoff_intersection_for_pairs=1,
        cutoff_distance_for_pairs=MAX_DISTANCE,
        max_diffs=10_000,
        cache_size=0,
    )
    found: dict[int, int] = {}
    for levels in tree.values():
        for level in levels:
            _note_pair(level, found)
    return [(of[0][left], of[1][right]) for left, right in sorted(found.items())]


def _note_pair(level: Any, found: dict[int, int]) -> None:
    left = level.path(output_format="list", use_t2=False)
    right = level.path(output_format="list", use_t2=True)
    if len(left) > 1 and len(right) > 1 and right[0] not in found.values():
        found.setdefault(left[0], right[0])


def _are_few(rows: Sequence[Any], of: Indexes) -> bool:
    if not 0 < len(of) <= MAX_ROWS:
        return False
    if not all(isinstance(rows[index], dict) for index in of):
        return False
    try:
        return sum(len(msgspec.json.encode(rows[i])) for i in of) <= MAX_ENCODED
    except (TypeError, ValueError, OverflowError, RecursionError):
        return False


def _names_all(rows: Sequence[Any], of: Indexes, member: str) -> bool:
    names: set[tuple[type, Any] | None] = {None}
    for index in of:
        name = _name(rows[index], member)
        if name in names:
            return False
        names.add(name)
    return True


def _name(row: Any, member: str) -> tuple[type, Any] | None:
    value = row.get(member) if isinstance(row, dict) else None
    if isinstance(value, str | int | float):
        return type(value), value
    return None
