"""
Exchanges in the order in which they began.

Servers log a request when it ends, so a slow one stands behind those that came after it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Final

from shadow_middleware.traffic.recorded import Recorded

__all__ = ["in_order", "merged"]

_WINDOW: Final = 10_000
"""Exchanges that are held to be put in order."""
_WINDOW_BYTES: Final = 64 * 1024 * 1024


def in_order(
    records: Iterable[Recorded], window: int = _WINDOW, size: int = _WINDOW_BYTES
) -> Iterator[Recorded]:
    """
    Return the exchanges of one file by their beginning, equal ones as they came.

    Args:
        window: How many are held; one that is later than so many others stays so.
        size: Bytes of bodies that are held.
    """
    heap: list[tuple[float, int, Recorded]] = []
    held = 0
    for count, record in enumerate(records):
        heapq.heappush(heap, (record.exchange.at, count, record))
        held += _bytes(record)
        while heap and (len(heap) > window or held > size):
            first = heapq.heappop(heap)[2]
            held -= _bytes(first)
            yield first
    while heap:
        yield heapq.heappop(heap)[2]


def merged(files: Iterable[Iterable[Recorded]]) -> Iterator[Recorded]:
    """Return the exchanges of several files, each in order, as one row in order."""
    return heapq.merge(*files, key=lambda record: record.exchange.at)


def _bytes(record: Recorded) -> int:
    exchange = record.exchange
    answer = 0 if exchange.response is None else len(exchange.response.body.data)
    return len(exchange.request.body.data) + answer
