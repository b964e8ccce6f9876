"""
The counts of one cell, and what they are shares of, as they are added up in memory.

Plain lists, because several are raised for each exchange: the names below are their
indexes, in the order of the fields of `NoiseCount` and `NoiseBase`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from shadow_middleware.judge.decay import OTHER_ERA
from shadow_middleware.knowledge import NoiseBase, NoiseCount

__all__ = [
    "ALIKE",
    "BASES",
    "CELL",
    "CONTROL_BOTH",
    "CONTROL_ONLY",
    "CONTROL_RAW",
    "LOOKED_CONTROL",
    "LOOKED_PROBE",
    "PROBE_BOTH",
    "PROBE_ONLY",
    "PROBE_RAW",
    "RAW",
    "Tally",
    "add",
    "add_count",
    "as_seen_from",
    "of_base",
    "twins",
]

Tally = list[float]

RAW: Final = 0
ALIKE: Final = 1
CONTROL_BOTH: Final = 2
CONTROL_RAW: Final = 3
CONTROL_ONLY: Final = 4
PROBE_BOTH: Final = 5
PROBE_RAW: Final = 6
PROBE_ONLY: Final = 7
CELL: Final = 8
"""How many counts a cell has."""

LOOKED_CONTROL: Final = 1
LOOKED_PROBE: Final = 2
BASES: Final = 3
"""How many counts a base has; the first is again `RAW`."""


def add_count(total: Tally, count: NoiseCount, worth: float) -> None:
    """Add a stored cell to `total` in place: a report does so ten thousands of times."""
    total[RAW] += worth * count.raw
    total[ALIKE] += worth * count.alike
    total[CONTROL_BOTH] += worth * count.control_both
    total[CONTROL_RAW] += worth * count.control_raw
    total[CONTROL_ONLY] += worth * count.control_only
    total[PROBE_BOTH] += worth * count.probe_both
    total[PROBE_RAW] += worth * count.probe_raw
    total[PROBE_ONLY] += worth * count.probe_only


def of_base(base: NoiseBase) -> Tally:
    """Return the counts of a stored base."""
    return [base.raw, base.control, base.probe]


def add(total: Tally, more: Iterable[float], worth: float = 1.0) -> None:
    """Add `more` to `total` in place."""
    for index, number in enumerate(more):
        total[index] += worth * number


def twins(tally: Tally) -> float:
    """Return how often two answers of one version showed it."""
    return (
        tally[CONTROL_BOTH]
        + tally[CONTROL_ONLY]
        + tally[PROBE_BOTH]
        + tally[PROBE_ONLY]
    )


def as_seen_from(era: str, by_era: Mapping[str, Tally], size: int) -> Tally:
    """Return the sum over all eras, where those other than `era` count less."""
    if len(by_era) == 1 and era in by_era:
        return by_era[era][:]  # as good as always, in every report
    total = [0.0] * size
    for name, tally in by_era.items():
        add(total, tally, 1.0 if name == era else OTHER_ERA)
    return total
