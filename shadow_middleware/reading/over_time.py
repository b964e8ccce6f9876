"""A target over time: outcomes, match rate and latency, in steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from shadow_middleware.evidence import (
    LATENCY_WINDOW,
    StepLatency,
    StepTotal,
    Total,
)
from shadow_middleware.exchange import Outcome
from shadow_middleware.reading.held import insight_of
from shadow_middleware.reading.learned import noise_now
from shadow_middleware.report.effective import explained_reasons
from shadow_middleware.report.series import (
    Point,
    TimePoint,
    point,
    steps_of,
    time_point,
)
from shadow_middleware.settings import Settings
from shadow_middleware.store.base import Reader

__all__ = ["Series", "series_of"]

_HOUR: Final = 60
_RECENTLY: Final = 2 * _HOUR
"""Minutes up to which one route is shown by single minutes."""


class Series(msgspec.Struct, frozen=True):
    """A target over time."""

    points: list[Point]
    times: list[TimePoint]
    """By longer steps: latency is kept in windows of ten minutes."""
    step: float = 60.0
    """Seconds that each of `points` stands for."""
    times_step: float = 60.0 * LATENCY_WINDOW
    """Seconds that each of `times` stands for."""


def series_of(
    reader: Reader,
    settings: Settings,
    minutes: range,
    target: str | None,
    route: str | None,
    most: int,
) -> Series:
    """Return a target over some minutes, in at most so many steps."""
    # Of one route, what is long ago is kept together by the hour alone.
    least = _HOUR if route is not None and len(minutes) > _RECENTLY else 1
    first, last = minutes.start, minutes.stop - 1
    short = steps_of(first, last, most, least)
    long = steps_of(first, last, most, max(least, LATENCY_WINDOW))
    return Series(
        _points(reader, settings, short, target, route),
        _times(reader, long, target, route),
        60.0 * len(short[0]),
        60.0 * len(long[0]),
    )


def _points(
    reader: Reader,
    settings: Settings,
    steps: Sequence[range],
    target: str | None,
    route: str | None,
) -> list[Point]:
    insight = insight_of(reader, noise_now(reader, settings))
    reasons = explained_reasons(insight.signatures, insight.explained)
    counted = reader.outcomes_by_step(steps, target, route)
    explained = [
        msgspec.structs.replace(one, reason=why)
        for why in sorted(set(reasons.values()))
        for one in reader.divergences_by_step(
            steps, [name for name in reasons if reasons[name] == why], target, route
        )
    ]
    found = {step.start: list[Total]() for step in steps}
    for one in _told_apart(counted, explained):
        row = Total(one.target, "", one.outcome, one.reason, one.count)
        found[one.start].append(row)
    return [point(start * 60.0, rows) for start, rows in found.items()]


def _told_apart(
    counted: Iterable[StepTotal], explained: Iterable[StepTotal]
) -> Iterator[StepTotal]:
    """Yield all counts, the explained ones among divergences apart from the others."""
    apart: Counter[tuple[int, str]] = Counter()
    for one in explained:
        apart[one.start, one.target] += one.count
        yield msgspec.structs.replace(one, outcome=Outcome.NOISE)
    for one in counted:
        left = one.count
        if one.outcome is Outcome.DIVERGENCE:
            # What was counted between the two questions may be in one alone.
            left = max(0, left - apart[one.start, one.target])
        if left:
            yield msgspec.structs.replace(one, count=left)


def _times(
    reader: Reader, steps: Sequence[range], target: str | None, route: str | None
) -> list[TimePoint]:
    rows: dict[int, list[StepLatency]] = {}
    for one in reader.latencies_by_step(steps, target, route):
        rows.setdefault(one.start, []).append(one)
    found = [time_point(start * 60.0, some) for start, some in sorted(rows.items())]
    return [one for one in found if one is not None]
