"""Whether a list looks like a set that was written in whatever order came."""

from __future__ import annotations

from typing import Any

__all__ = ["is_set_order"]

MAX_ITEMS = 10_000
"""Items beyond which nobody asks."""


def is_set_order(live: list[Any], shadow: list[Any]) -> bool:
    """
    Whether both hold unique scalars of one type, and neither is sorted by anything.

    A list that was turned round, or in which one item was put elsewhere, had an order.
    """
    if len(live) != len(shadow) or not 3 <= len(live) <= MAX_ITEMS:
        return False
    kinds = {*map(type, live), *map(type, shadow)}
    if len(kinds) != 1 or not kinds <= {str, int, float}:
        return False
    if len({*live}) != len(live) or {*live} != {*shadow}:
        return False
    return not (
        _is_sorted(live)
        or _is_sorted(shadow)
        or live == shadow[::-1]
        or _is_one_moved(live, shadow)
    )


def _is_sorted(items: list[Any]) -> bool:
    keys = [items]
    if isinstance(items[0], str):
        keys.append([item.casefold() for item in items])
    return any(key in (sorted(key), sorted(key, reverse=True)) for key in keys)


def _is_one_moved(live: list[Any], shadow: list[Any]) -> bool:
    """Whether one item was taken out and put in elsewhere, among at least four."""
    if len(live) < 4:
        return False
    differing = [n for n, (a, b) in enumerate(zip(live, shadow, strict=True)) if a != b]
    first, end = differing[0], differing[-1] + 1
    ours, theirs = live[first:end], shadow[first:end]
    return ours[1:] == theirs[:-1] or ours[:-1] == theirs[1:]
