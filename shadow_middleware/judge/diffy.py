"""
Diffy's published rule, for those who know it from there.

Twitter's Diffy counts, per endpoint and field, the differences of the candidate against
the primary (`raw`) and of the secondary against the primary (`noise`), and shows a field
where it differs more often with the candidate, by two thresholds in per cent of its own:
https://github.com/opendiffy/diffy, `DifferencesFilterFactory`.
"""

from __future__ import annotations

from typing import Final

__all__ = ["is_divergence"]

_RELATIVE: Final = 20.0
_ABSOLUTE: Final = 0.03


def is_divergence(raw: float, noise: float, total: float) -> bool:
    """Return whether a field that differed so often, of `total` requests, counts."""
    if raw <= noise or total <= 0:
        return False
    apart = raw - noise
    relative = apart / (raw + noise) * 100
    absolute = apart / total * 100
    return relative > _RELATIVE and absolute > _ABSOLUTE
