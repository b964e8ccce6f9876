"""
What became of every request, in a file that all processes of a drill share.

Each column has one writer, so nobody locks: the load generator writes what it sent
and what came back, live what reached it, the shadow what it got. The head holds orders to the shadow.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Final

__all__ = [
    "ANSWERING",
    "BEHAVIOURS",
    "ENV",
    "SPECIAL",
    "Ledger",
    "is_write",
    "number_in",
    "size_in",
]

ENV: Final = "DRILL_LEDGER"
"""The environment variable that names the file."""

ANSWERING: Final = "answering"
BEHAVIOURS: Final = (
    *(ANSWERING, "slow", "lying_long", "lying_short", "endless"),
    *("resetting", "frozen", "garbage", "failing"),
)
_HEAD: Final = 4096
_ROW: Final = 8 + 8 + 4 + 2 + 1 + 1
_MANY: Final = 255
SPECIAL: Final = 100
"""Numbers at the end that are for requests beside the usual load."""


def is_write(number: int) -> bool:
    """Whether a request of this number is a POST, PUT or DELETE: 3 of 10 are."""
    return number % 10 >= 7


def number_in(target: bytes) -> int:
    """Return the number of a request, which its query begins with; -1 without one."""
    first = target.partition(b"?")[2].partition(b".")[0]
    return int(first) if first.isdigit() else -1


def size_in(target: bytes) -> int:
    """Return the bytes that a request asks for, after its number; 0: an answer as ever."""
    size = target.partition(b"?")[2].partition(b".")[2]
    return int(size) if size.isdigit() else 0


class Ledger:
    """
    The file, mapped. Times are monotonic seconds, the same in every process.

    `sent` is when a request was due, 0 where there was none; `took` the seconds until
    its answer was whole; `status` what live said, 0 where it said nothing or something
    else than it should; `reached` whether a process of live had it at all; `arrived` when
    the shadow had it first, `copies` how often.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        view = memoryview(self._map)
        self._whole = view[:_HEAD].cast("q")
        self._numbers = view[:_HEAD].cast("d")
        self.capacity = self._whole[0]
        size, at = self.capacity, _HEAD
        self.sent = view[at : at + 8 * size].cast("d")
        at += 8 * size
        self.arrived = view[at : at + 8 * size].cast("d")
        at += 8 * size
        self.took = view[at : at + 4 * size].cast("f")
        at += 4 * size
        self.status = view[at : at + 2 * size].cast("H")
        at += 2 * size
        self.copies = view[at : at + size]
        at += size
        self.reached = view[at : at + size]

    @classmethod
    def create(cls, path: Path, capacity: int) -> Ledger:
        """Make an empty one for requests of the numbers 0 to `capacity` - 1."""
        with path.open("wb") as file:
            file.truncate(_HEAD + capacity * _ROW)
            file.write(capacity.to_bytes(8, "little"))
        return cls(path)

    @classmethod
    def of_environment(cls) -> Ledger:
        """Open the one that the environment names."""
        return cls(os.environ[ENV])

    # --- the head -------------------------------------------------------------------

    @property
    def answered(self) -> int:
        """How many requests of the load generator have come to an end so far."""
        return int(self._whole[1])

    @answered.setter
    def answered(self, number: int) -> None:
        self._whole[1] = number

    @property
    def reordered(self) -> int:
        """How many first copies the shadow got after a later one of the same key."""
        return int(self._whole[2])

    @reordered.setter
    def reordered(self, number: int) -> None:
        self._whole[2] = number

    @property
    def behaviour(self) -> str:
        """How the shadow is to behave from the next request on."""
        return BEHAVIOURS[self._whole[3]]

    @behaviour.setter
    def behaviour(self, name: str) -> None:
        self._whole[3] = BEHAVIOURS.index(name)

    @property
    def rate(self) -> float:
        """Requests a second that the load generator is to send."""
        return self._numbers[8]

    @rate.setter
    def rate(self, rate: float) -> None:
        self._numbers[8] = rate

    @property
    def delay(self) -> float:
        """Seconds that a slow shadow takes for an answer."""
        return self._numbers[9]

    @delay.setter
    def delay(self, seconds: float) -> None:
        self._numbers[9] = seconds

    @property
    def clock_offset(self) -> float:
        """Seconds by which the clock on the wall is wrong for live and agent."""
        return self._numbers[10]

    @clock_offset.setter
    def clock_offset(self, seconds: float) -> None:
        self._numbers[10] = seconds

    def numbers(self) -> list[int]:
        """Return the number of every request that was sent."""
        sent = self.sent
        return [number for number in range(self.capacity) if sent[number]]

    def come(self) -> int:
        """Return how many requests live has had so far."""
        return sum(self.reached)

    def usual(self) -> range:
        """Return the numbers that the load generator has used, the last one's too."""
        # It gives them out in order, and stops where the special ones begin.
        low, high = 0, self.capacity - SPECIAL
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.sent[middle] else (low, middle)
        return range(low)

    def got(self, number: int, now: float) -> None:
        """Take note of a copy at the shadow."""
        if 0 <= number < self.capacity:
            if not self.copies[number]:
                self.arrived[number] = now
            self.copies[number] = min(_MANY, self.copies[number] + 1)
