"""Hints on noise: how sure it is told, and what changed since it was counted."""

from __future__ import annotations

from collections.abc import Iterable

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.report.control import control_of
from shadow_middleware.report.effective import IGNORED
from shadow_middleware.report.hints import Hint
from shadow_middleware.report.holdings import Holdings

__all__ = ["noise_hints"]

_MANY_GROUPS = 10
"""Groups from which on it is likely that some of them are noise."""


def noise_hints(
    target: str, held: Holdings, totals: Iterable[Total], groups: int
) -> list[Hint]:
    """
    Return what a reader should know of one target's noise, the most telling first.

    Args:
        target: Its name.
        held: All that is held.
        totals: Its counts.
        groups: How many of its groups count.
    """
    found = [
        _unmeasured(held, totals, groups),
        _failing_control(held),
        _turned(held.turned.get(target, 0)),
    ]
    return [hint for hint in found if hint is not None]


def _unmeasured(held: Holdings, totals: Iterable[Total], groups: int) -> Hint | None:
    """Tell that noise is not measured, where that is likely to matter."""
    if held.probed:
        return None
    explained = sum(
        row.count
        for row in totals
        if row.outcome is Outcome.NOISE and row.reason != IGNORED
    )
    if not (explained or groups >= _MANY_GROUPS):
        return None
    return Hint(
        explained,
        "No control and no self-probe: noise is told by value shapes only; "
        "set `control_url` or `self_probe`.",
    )


def _failing_control(held: Holdings) -> Hint | None:
    control = control_of(held.control)
    if control is None or not control.failed:
        return None
    times = "once" if control.failed == 1 else f"{control.failed:,} times"
    text = (
        f"The control failed {times}: noise was told without it then (`control_url`)."
    )
    return Hint(control.failed, text)


def _turned(count: int) -> Hint | None:
    if not count:
        return None
    what = "1 divergence counts" if count == 1 else f"{count:,} divergences count"
    text = f"{what} as noise since: the groups were ignored, ruled or learned to be."
    return Hint(count, text)
