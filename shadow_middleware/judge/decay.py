"""How much old evidence of noise still counts: less each day, and less of other builds."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["FADED", "OTHER_ERA", "days_back", "weight"]

OTHER_ERA: Final = 0.25
"""What a count of another live version is worth: an app that changed may differ anew."""

FADED: Final = 0.1
"""Sightings, after weighing, below which something was never seen."""

_HALF_LIVES: Final = 10
"""After so many, a thousand sightings count for one."""


def weight(day: int, today: int, half_life: float) -> float:
    """Return what a count of `day` is worth `today`; a day to come counts in full."""
    return 1.0 if day >= today else 0.5 ** ((today - day) / half_life)


def days_back(half_life: float) -> int:
    """Return how many days of evidence are worth reading."""
    return math.ceil(half_life * _HALF_LIVES)
