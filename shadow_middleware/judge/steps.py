"""
Numbers that are another one in every answer, and what the size of a step then says.

A counter of a process, a time that something took: two answers of one version hardly
ever agree, and how far they are apart depends on the two machines. That the shadow is
further away more often is then no finding, as long as twins are that far apart as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shadow_middleware.judge.tally import (
    CONTROL_BOTH,
    CONTROL_ONLY,
    LOOKED_CONTROL,
    LOOKED_PROBE,
    PROBE_BOTH,
    PROBE_ONLY,
    Tally,
)

__all__ = ["never_agree"]

STEPS: Final = ("tiny", "slight", "some", "large")
ALWAYS: Final = 0.9
"""The share of pairs of twins that must differ."""
AS_FAR: Final = 0.01
"""The share of pairs of twins that must be as far apart, and how many at least."""
AT_LEAST: Final = 3

_BY_CONTROL: Final = (CONTROL_BOTH, CONTROL_ONLY, LOOKED_CONTROL)
_BY_PROBE: Final = (PROBE_BOTH, PROBE_ONLY, LOOKED_PROBE)


def never_agree(
    sizes: Mapping[str, Tally], size: str, looked: Tally, *, by_control: bool
) -> bool:
    """
    Return whether twins hardly ever agree here, and are as far apart as `size`.

    Args:
        sizes: The cells of one group at one status, by size.
        size: That of the cell which is asked about.
        looked: How often the route was looked at, at that status.
        by_control: Whether the twins are those of the control, or of the probe.
    """
    likeness, _, step = size.rpartition(" ")
    if step not in STEPS:
        return False
    both, only, index = _BY_CONTROL if by_control else _BY_PROBE
    pairs, apart, as_far = looked[index], 0.0, 0.0
    for other, tally in sizes.items():
        sort, _, far = other.rpartition(" ")
        if sort == likeness and far in STEPS:
            shown = tally[both] + tally[only]
            apart += shown
            as_far += shown if STEPS.index(far) >= STEPS.index(step) else 0.0
    return apart >= ALWAYS * pairs > 0 and as_far >= max(AT_LEAST, AS_FAR * pairs)
