"""A target over time: what ended in each step, how much agreed, how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from shadow_middleware.evidence import StepLatency, Total
from shadow_middleware.inference import Interval, wilson
from shadow_middleware.report.figures import moment
from shadow_middleware.report.judgement import evidence_of
from shadow_middleware.report.latency import Latency, latency_of

__all__ = [
    "Point",
    "Seen",
    "TimePoint",
    "point",
    "seen_in",
    "steps_of",
    "time_point",
]

_STEPS: Final = (1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 720, 1_440, 2_880, 10_080)
"""Minutes that one step may take."""
_DAY: Final = 24 * 60
_CONFIDENCE: Final = 0.95


class Point(msgspec.Struct, frozen=True):
    """What ended in one step of time."""

    at: float
    """When the step begins, in Unix seconds."""
    outcomes: Mapping[str, int]
    decided: int
    rate: float | None
    """The share that agrees among what was decided; None where nothing was."""
    interval: Interval | None
    """Where the true share of this step lies, with 95 % confidence, by Wilson's score:
    each step is looked at for itself."""


class TimePoint(msgspec.Struct, frozen=True):
    """How long both legs took in one step of time."""

    at: float
    latency: Latency


class Seen(msgspec.Struct, frozen=True):
    """How often something was seen in one step of time."""

    at: float
    label: str
    """The begin of the step in UTC: `2026-01-31`, or `01-31 12:00`."""
    count: int
    part: float
    """Its share of the step in which it was seen most."""


def steps_of(first: int, last: int, most: int, least: int = 1) -> Sequence[range]:
    """
    Return the steps that hold the minutes `first` to `last`, each as its minutes.

    Args:
        first: In minutes since the epoch.
        last: The last minute that has to be in a step.
        most: How many steps there may be.
        least: Minutes that a step takes at least.
    """
    fitting = [size for size in _STEPS if size >= least and size % least == 0]
    size = next(
        (one for one in fitting if _count(first, last, one) <= most), fitting[-1]
    )
    while _count(first, last, size) > most:
        size *= 2
    start = first - first % size
    return [range(at, at + size) for at in range(start, last + 1, size)]


def _count(first: int, last: int, size: int) -> int:
    return last // size - first // size + 1


def point(at: float, totals: Iterable[Total]) -> Point:
    """Return what the totals of one step, as they count today, come to."""
    rows = list(totals)
    evidence = evidence_of(rows)
    outcomes: dict[str, int] = {}
    for row in rows:
        outcomes[row.outcome.value] = outcomes.get(row.outcome.value, 0) + row.count
    decided = evidence.decided
    interval = wilson(evidence.agrees, decided, _CONFIDENCE) if decided else None
    return Point(at, outcomes, decided, evidence.rate, interval)


def time_point(at: float, rows: Iterable[StepLatency]) -> TimePoint | None:
    """Return the latency of one step; None without times of both legs."""
    latency = latency_of(rows)
    return None if latency is None else TimePoint(at, latency)


def seen_in(counts: Sequence[tuple[range, int]]) -> tuple[Seen, ...]:
    """Return how often something was seen, from how often in which minutes."""
    most = max((count for _, count in counts), default=0) or 1
    return tuple(
        Seen(step.start * 60.0, _label(step), count, count / most)
        for step, count in counts
    )


def _label(step: range) -> str:
    text = moment(step.start * 60.0)
    return text[:10] if len(step) >= _DAY else text[5:16]
