"""Figures as people read them, the same in sentences and on screens."""

from __future__ import annotations

__all__ = ["percent"]


def percent(share: float) -> str:
    """Return a share as people read it: 0 % and 100 % mean none and all."""
    rounded = round(share * 100, 2)
    if 0 < share < 1:
        rounded = min(max(rounded, 0.01), 99.99)
    return f"{rounded:.2f}".rstrip("0").rstrip(".") + " %"
