"""
Whether a figure of a process is flat: a slope, and how large it may be at most.

The same things happen in every round, so a look is compared with those at the same
time of other rounds only. The slope is the median of all such slopes, bounded as by the
seasonal Kendall test (R. M. Hirsch, J. R. Slack, R. A. Smith, "Techniques of trend
analysis for monthly water quality data", Water Resources Research 18, 1982). Pure.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

__all__ = ["Point", "Slope", "slope_of"]

Z: Final = 1.96
"""For 95 % on both sides."""

Point = tuple[float, float]
"""A time, and what was seen then."""


class Slope(NamedTuple):
    """Growth for each unit of time, and its interval of 95 %."""

    middle: float
    low: float
    high: float


def slope_of(points: Sequence[Point], round_: float, phases: int = 5) -> Slope:
    """
    Return the slope through rounds of so long, each of so many phases.

    Raises:
        ValueError: there are no two rounds with the same phase.
    """
    slopes, variance = [], 0.0
    for same in _by_phase(points, round_, phases):
        slopes += [
            (b - a) / (there - here) for (here, a), (there, b) in combinations(same, 2)
        ]
        count = len(same)
        variance += count * (count - 1) * (2 * count + 5) / 18
    if not slopes:
        raise ValueError("one round alone has no slope")
    slopes.sort()
    spread, last = Z * variance**0.5, len(slopes) - 1
    low = max(0, int((len(slopes) - spread) / 2))
    high = min(last, int((len(slopes) + spread) / 2) + 1)
    return Slope(statistics.median(slopes), slopes[low], slopes[high])


def _by_phase(points: Sequence[Point], round_: float, phases: int) -> list[list[Point]]:
    """Return the median of each phase of each round: what neighbours share counts once."""
    steps: dict[int, list[Point]] = {}
    for point in points:
        steps.setdefault(int(point[0] // (round_ / phases)), []).append(point)
    found: list[list[Point]] = [[] for _ in range(phases)]
    for step, some in sorted(steps.items()):
        middle = statistics.median(what for _, what in some)
        found[step % phases].append((step * round_ / phases, middle))
    return found
