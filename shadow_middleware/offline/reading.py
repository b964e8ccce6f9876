"""
Recorded exchanges of any number of files, in the order in which live began to serve them.

A capture is written as exchanges end, and several processes write at once. So each file
is put in order within a bounded look-ahead, and files are merged by time. The order
depends on the files alone: a run that is resumed reads as it did before.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Final

from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = ["in_order", "merged", "recorded_in", "weight_of"]

AHEAD: Final = 1_024
"""Exchanges that are looked at before the earliest of them goes."""
AHEAD_BYTES: Final = 32 * 1024 * 1024

Read = Iterator[Recorded | BadRecord]
_Entry = tuple[float, int, Recorded]


def recorded_in(files: Sequence[str], read: Callable[[str], Read]) -> Read:
    """
    Yield what all files hold, by time.

    Args:
        files: Each is read on its own; opened when its time has come.
        read: Yields what one file holds.
    """
    return merged([partial(_opened, read, file) for file in files])


def _opened(read: Callable[[str], Read], file: str) -> Read:
    return in_order(read(file))


def weight_of(recorded: Recorded) -> int:
    """Return about how many bytes an exchange holds."""
    exchange = recorded.exchange
    response = exchange.response
    heavy = 1_000 + len(exchange.request.body.data)
    return heavy + (len(response.body.data) if response is not None else 0)


def in_order(records: Iterable[Recorded | BadRecord]) -> Read:
    """Yield exchanges by when live began them, as far as the look-ahead reaches."""
    heap: list[_Entry] = []
    numbers, held = count(), 0
    for record in records:
        if isinstance(record, BadRecord):
            yield record
            continue
        heapq.heappush(heap, (record.exchange.at, next(numbers), record))
        held += weight_of(record)
        while len(heap) > AHEAD or held > AHEAD_BYTES:
            first = heapq.heappop(heap)[2]
            held -= weight_of(first)
            yield first
    while heap:
        yield heapq.heappop(heap)[2]


def merged(sources: Sequence[Callable[[], Read]]) -> Read:
    """
    Yield what all sources give, by time; bad records as soon as they are met.

    A source is opened once to see when it begins, and again when its time has come: a
    day of files that were rotated is not open all at once.
    """
    if len(sources) == 1:
        yield from sources[0]()
        return
    waiting = [(_beginning(open_one), n) for n, open_one in enumerate(sources)]
    heapq.heapify(waiting)
    heap: list[tuple[float, int, Recorded, Read]] = []
    while waiting or heap:
        if waiting and (not heap or waiting[0][0] <= heap[0][0]):
            number = heapq.heappop(waiting)[1]
            yield from _advanced(heap, number, sources[number]())
            continue
        _, number, record, rest = heapq.heappop(heap)
        yield record
        yield from _advanced(heap, number, rest)


def _beginning(open_one: Callable[[], Read]) -> float:
    """Return when the first exchange of a source began; one without any comes first."""
    records = open_one()
    for record in records:
        if isinstance(record, Recorded):
            return record.exchange.at
    return float("-inf")


def _advanced(
    heap: list[tuple[float, int, Recorded, Read]], number: int, rest: Read
) -> Iterator[BadRecord]:
    """Put the next exchange of a source on the heap; yield the bad records before it."""
    for record in rest:
        if isinstance(record, Recorded):
            heapq.heappush(heap, (record.exchange.at, number, record, rest))
            return
        yield record
