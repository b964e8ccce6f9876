"""
Which items of two lists belong together.

Items are known by a fingerprint and by how many of the same came before, which makes
each of them unique. The longest run of pairs that is in order in both lists stays;
pairs outside it have moved. O(n log n) whatever the lists hold.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

__all__ = ["Alignment", "align", "cancel"]

Pair = tuple[int, int]
Tick = Callable[[], None]
"""Called every now and then; may raise to end the work."""

EVERY = 1024


class Alignment(NamedTuple):
    """How two lists lie beside each other; all numbers are indexes."""

    kept: list[Pair]
    """The same item on both sides, in order."""
    moved: list[Pair]
    """The same item, out of order."""
    live_only: list[int]
    shadow_only: list[int]


def cancel(
    live: Sequence[Hashable], shadow: Sequence[Hashable], tick: Tick
) -> tuple[list[Pair], list[int], list[int]]:
    """Pair off what both multisets hold; return the pairs and what is left of each."""
    waiting: dict[Hashable, list[int]] = {}
    for index in range(len(shadow) - 1, -1, -1):
        if index % EVERY == 0:
            tick()
        waiting.setdefault(shadow[index], []).append(index)
    pairs, live_only = [], []
    for index, mark in enumerate(live):
        if index % EVERY == 0:
            tick()
        partners = waiting.get(mark)
        if partners:
            pairs.append((index, partners.pop()))
        else:
            live_only.append(index)
    shadow_only = sorted(index for rest in waiting.values() for index in rest)
    return pairs, live_only, shadow_only


def align(
    live: Sequence[Hashable], shadow: Sequence[Hashable], tick: Tick
) -> Alignment:
    """Return the alignment with the fewest moved items."""
    pairs, live_only, shadow_only = cancel(live, shadow, tick)
    kept = set(_longest_rising([right for _, right in pairs], tick))
    return Alignment(
        [pair for number, pair in enumerate(pairs) if number in kept],
        [pair for number, pair in enumerate(pairs) if number not in kept],
        live_only,
        shadow_only,
    )


def _longest_rising(numbers: Sequence[int], tick: Tick) -> list[int]:
    """Return the places of one longest rising subsequence."""
    tails: list[int] = []
    places: list[int] = []
    before = [-1] * len(numbers)
    for place, number in enumerate(numbers):
        if place % EVERY == 0:
            tick()
        at = bisect_left(tails, number)
        before[place] = places[at - 1] if at else -1
        tails[at : at + 1] = [number]
        places[at : at + 1] = [place]
    chosen, place = [], places[-1] if places else -1
    while place >= 0:
        chosen.append(place)
        place = before[place]
    return chosen
