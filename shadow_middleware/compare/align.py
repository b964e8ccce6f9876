"""
Which items of two lists belong together.

Items are known by a fingerprint and by how many of the same came before, which makes
each of them unique. The longest run of pairs that is in order in both lists stays;
pairs outside it have moved. Where one of several equal items is gone, another of them
must not look moved: then the one that lies between its neighbours is taken instead.
O(n log n) comparisons whatever the lists hold.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
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
    start, end = _common(live, shadow)
    stops = len(live) - end, len(shadow) - end
    inner = _inner(live[start : stops[0]], shadow[start : stops[1]], tick)
    kept = [(n, n) for n in range(start)]
    kept += [(left + start, right + start) for left, right in inner.kept]
    kept += zip(range(stops[0], len(live)), range(stops[1], len(shadow)), strict=True)
    return Alignment(
        kept,
        [(left + start, right + start) for left, right in inner.moved],
        [left + start for left in inner.live_only],
        [right + start for right in inner.shadow_only],
    )


def _common(live: Sequence[Hashable], shadow: Sequence[Hashable]) -> tuple[int, int]:
    """Return how many items are the same at the start, and how many at the end."""
    most = min(len(live), len(shadow))
    start = end = 0
    while start < most and live[start] == shadow[start]:
        start += 1
    while end < most - start and live[-1 - end] == shadow[-1 - end]:
        end += 1
    return start, end


def _inner(
    live: Sequence[Hashable], shadow: Sequence[Hashable], tick: Tick
) -> Alignment:
    pairs, live_only, shadow_only = cancel(live, shadow, tick)
    rising = set(_longest_rising([right for _, right in pairs], tick))
    kept = [pair for number, pair in enumerate(pairs) if number in rising]
    moved = [pair for number, pair in enumerate(pairs) if number not in rising]
    if moved and live_only:
        kept, moved, live_only = _settled(live, kept, moved, live_only, tick)
    if moved and shadow_only:
        turned, stray = [_turned(pairs) for pairs in (kept, moved)]
        turned, stray, shadow_only = _settled(shadow, turned, stray, shadow_only, tick)
        kept, moved = _turned(turned), _turned(stray)
    return Alignment(kept, sorted(moved), live_only, shadow_only)


def _settled(
    items: Sequence[Hashable],
    kept: list[Pair],
    moved: list[Pair],
    spare: list[int],
    tick: Tick,
) -> tuple[list[Pair], list[Pair], list[int]]:
    """
    Exchange what seems moved for an equal item, left over, that did not move.

    The last ones first: equal items were paired from the front, so each that finds its
    own partner sets free the one before it. Indexes of `spare` are of the first of each
    pair.
    """
    waiting: dict[Hashable, list[int]] = {}
    for index in spare:
        waiting.setdefault(items[index], []).append(index)
    firsts, seconds = [a for a, _ in kept], [b for _, b in kept]
    still = []
    for number, (first, second) in enumerate(sorted(moved, key=_second, reverse=True)):
        if number % EVERY == 0:
            tick()
        equal = waiting.get(items[first], [])
        place = bisect_left(seconds, second)
        at = bisect_right(equal, firsts[place - 1] if place else -1)
        if at < len(equal) and (place == len(firsts) or equal[at] < firsts[place]):
            firsts.insert(place, equal.pop(at))
            seconds.insert(place, second)
            insort(equal, first)
        else:
            still.append((first, second))
    left = sorted(index for rest in waiting.values() for index in rest)
    return list(zip(firsts, seconds, strict=True)), still, left


def _second(pair: Pair) -> int:
    return pair[1]


def _turned(pairs: list[Pair]) -> list[Pair]:
    return [(second, first) for first, second in pairs]


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
