"""
Sums over longer times than a minute, kept beside the minutes. Pure.

A page about three days would add up millions of minutes' rows. So whatever is counted
for a minute is counted for its hour, its day and ever as well, in the same transaction,
and once more without the route: what is asked about many routes is short, what is asked
about many times is too. Sums are exact: they are added to and taken from, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from sqlalchemy import Table

from shadow_middleware.evidence import LATENCY_WINDOW
from shadow_middleware.exchange import Outcome
from shadow_middleware.store.merging import Row
from shadow_middleware.store.schema import (
    count_spans,
    count_times,
    counts,
    latencies,
    latency_spans,
    latency_times,
)

__all__ = [
    "DAY",
    "EVER",
    "HOUR",
    "OF_COUNTS",
    "OF_LATENCIES",
    "SUMS",
    "Part",
    "Sum",
    "parts_of",
]

EVER: Final = 0
"""The span of all times together."""
HOUR: Final = 60
DAY: Final = 24 * 60


class Sum(NamedTuple):
    """One table of sums over the rows of another."""

    table: Table
    of: Table
    time: str
    """The column of `of` that says when."""
    spans: tuple[int, ...]
    """In minutes."""

    @property
    def keys(self) -> tuple[str, ...]:
        """What is told apart, besides run and time."""
        names = self.table.primary_key.columns.keys()
        return tuple(one for one in names if one not in ("run", "span", "start"))

    def rows(self, prepared: Iterable[Row], spans: Iterable[int]) -> list[Row]:
        """Return what rows of `of` add to some of the spans, each key once, sorted."""
        keys, sums = self.keys, dict[tuple[int, int, tuple[str | int, ...]], int]()
        spans = sorted(spans)
        for row in prepared:
            name = tuple(row[key] for key in keys)
            for span in spans:
                place = (span, start_of(row[self.time], span), name)
                sums[place] = sums.get(place, 0) + row["count"]
        return [
            {
                "span": span,
                "start": start,
                **dict(zip(keys, name, strict=True)),
                "count": sums[span, start, name],
            }
            for span, start, name in sorted(sums)
        ]


class _OverTime(Sum):
    """Sums without the route. A divergence is one, whatever its groups are."""

    def rows(self, prepared: Iterable[Row], spans: Iterable[int]) -> list[Row]:
        """Return what rows of `of` add to some of the spans, each key once, sorted."""
        divergent = str(Outcome.DIVERGENCE)
        plain = (
            row | {"reason": ""} if row.get("outcome") == divergent else row
            for row in prepared
        )
        return super().rows(plain, spans)


OF_COUNTS: Final = (
    Sum(count_spans, counts, "minute", (EVER, HOUR, DAY)),
    _OverTime(count_times, counts, "minute", (1, HOUR)),
)
OF_LATENCIES: Final = (
    Sum(latency_spans, latencies, "window", (EVER, HOUR, DAY)),
    _OverTime(latency_times, latencies, "window", (LATENCY_WINDOW, HOUR)),
)
SUMS: Final = (*OF_COUNTS, *OF_LATENCIES)


def start_of(minute: int, span: int) -> int:
    """Return when the span begins that a minute is in."""
    return minute - minute % span if span else 0


class Part(NamedTuple):
    """Some of a time, to be read by rows of one span; `until` is the first not in it."""

    span: int
    since: int | None
    until: int | None


def parts_of(
    since: int | None, until: int | None, spans: tuple[int, ...], unit: int = 1
) -> list[Part]:
    """
    Return how a time is put together of as few rows as can be.

    Args:
        since: The first minute, a multiple of the unit; None is from the beginning.
        until: The first minute that is not meant, a multiple of the unit.
        spans: Those that there are sums of, besides the unit.
        unit: Minutes of the rows that are summed up.
    """
    if since is None and until is None and EVER in spans:
        return [Part(EVER, 0, 1)]
    return [*_covering(since, until, [unit, *sorted(set(spans) - {EVER, unit})])]


def _covering(since: int | None, until: int | None, spans: list[int]) -> Iterator[Part]:
    """Yield parts: the longest spans in the middle, shorter ones at both ends."""
    span, longer = spans[0], spans[1:]
    if not longer:
        yield Part(span, since, until)
        return
    first = None if since is None else -(-since // longer[0]) * longer[0]
    last = None if until is None else until // longer[0] * longer[0]
    if first is not None and last is not None and first >= last:
        yield Part(span, since, until)
        return
    if since != first:
        yield Part(span, since, first)
    yield from _covering(first, last, longer)
    if until != last:
        yield Part(span, last, until)
