"""The A/A row: how often the control, a second copy of live, agreed with live."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.report.judgement import FAILED, HELD_BACK

__all__ = ["Control", "control_of"]


class Control(msgspec.Struct, frozen=True):
    """
    What live and its own second copy say of each other.

    Where they differ, nobody is wrong: that is the noise. Where the control failed,
    it says nothing, and noise is told without it.
    """

    sent: int
    """Exchanges that went to the control, or should have."""
    agreed: int
    differed: int
    failed: int
    """Errors and time-outs, and what was not sent because of them."""
    rate: float | None
    """The share that agreed among those that were compared."""


def control_of(totals: Iterable[Total]) -> Control | None:
    """Return what the control's own counts say; None where there are none."""
    agreed = differed = failed = other = 0
    for row in totals:
        if row.outcome is Outcome.MATCH:
            agreed += row.count
        elif row.outcome in (Outcome.NOISE, Outcome.DIVERGENCE):
            differed += row.count
        elif _failed(row):
            failed += row.count
        else:
            other += row.count
    compared = agreed + differed
    sent = compared + failed + other
    rate = agreed / compared if compared else None
    return Control(sent, agreed, differed, failed, rate) if sent else None


def _failed(row: Total) -> bool:
    return row.outcome in FAILED or row.reason in HELD_BACK
