"""
Whether numbers that look like those of a counter really go up, on both sides.

`41` beside `42` may be two counters, or off by one. Counters rise from sighting to
sighting; a value that is read again does not.
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from typing import Any, Final

__all__ = ["SEQUENCE", "Sequences"]

SEQUENCE: Final = "sequence"
"""The likeness that is looked at here."""

_NUMBERED: Final = re.compile(r"(?<!\d)\d{1,18}$")

_MOST: Final = 1_000
"""Groups that are watched at once; the one that was seen longest ago goes."""
_KEPT: Final = 16
"""Sightings that a new one is held against."""
_STEPS: Final = 3
"""Steps up, at least, before it is called a counter."""
_SHARE: Final = 0.75
"""Share of steps that must go up. Replays overtake each other, so not all do; of values
that come in no order a quarter does, on both sides at once."""
_HALVE_AT: Final = 64
"""Steps after which all count half, so that what was once is not for ever."""


class _Watch:
    __slots__ = ("live", "rises", "shadow", "steps")

    def __init__(self) -> None:
        self.live: deque[int] = deque(maxlen=_KEPT)
        self.shadow: deque[int] = deque(maxlen=_KEPT)
        self.steps = 0.0
        self.rises = 0.0

    def take(self, live: int, shadow: int) -> None:
        if self.live:
            self.steps += 1
            self.rises += live > _middle(self.live) and shadow > _middle(self.shadow)
        self.live.append(live)
        self.shadow.append(shadow)
        if self.steps >= _HALVE_AT:
            self.steps, self.rises = self.steps / 2, self.rises / 2


class Sequences:
    """The last numbers of each group that might be a counter."""

    def __init__(self) -> None:
        self._watches: OrderedDict[str, _Watch] = OrderedDict()

    def __len__(self) -> int:
        return len(self._watches)

    def rises(self, group: str, live: Any, shadow: Any) -> bool:
        """Take in a sighting; return whether both sides are known to go up."""
        ours, theirs = _number(live), _number(shadow)
        if ours is None or theirs is None:
            return False
        watch = self._watch(group)
        watch.take(ours, theirs)
        return watch.rises >= _STEPS and watch.rises >= _SHARE * watch.steps

    def _watch(self, group: str) -> _Watch:
        watch = self._watches.get(group)
        if watch is None:
            watch = self._watches[group] = _Watch()
            if len(self._watches) > _MOST:
                self._watches.popitem(last=False)
        else:
            self._watches.move_to_end(group)
        return watch


def _number(value: Any) -> int | None:
    """Return the number of `41` or of `INV-0041`; None where there is none."""
    if isinstance(value, str):
        found = _NUMBERED.search(value)
        return int(found.group()) if found else None
    return value if isinstance(value, int) else None


def _middle(values: deque[int]) -> int:
    return sorted(values)[len(values) // 2]
