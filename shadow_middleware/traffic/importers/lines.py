"""Pieces of bytes as numbered lines, in the memory of one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

__all__ = ["Line", "lines"]

_KEPT: Final = 200
"""Bytes of a line over the limit that are kept to show how it begins."""


class Line(NamedTuple):
    """One line, without its end."""

    number: int
    """Counted from 1."""
    data: bytes
    """All of it; only how it begins where `length` is more."""
    length: int
    ended: bool
    """False for a last line without a line break: the file may have been cut."""

    @property
    def whole(self) -> bool:
        """Whether `data` is the line."""
        return self.length == len(self.data)


def lines(chunks: Iterable[bytes], limit: int) -> Iterator[Line]:
    """
    Return the lines of the bytes; any division into chunks gives the same.

    Args:
        chunks: Pieces of a file, cut anywhere.
        limit: Bytes that a line may have; of a longer one only the beginning is given.
    """
    number, held, length = 0, bytearray(), 0
    for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for piece in ends:
            number += 1
            if length:
                _hold(held, piece, limit)
                yield _line(number, bytes(held), length + len(piece), limit, ended=True)
                held.clear()
                length = 0
            else:
                yield _line(number, piece, len(piece), limit, ended=True)
        _hold(held, rest, limit)
        length += len(rest)
    if length:
        yield _line(number + 1, bytes(held), length, limit, ended=False)


def _hold(held: bytearray, piece: bytes, limit: int) -> None:
    held += piece[: max(0, limit + 1 - len(held))]


def _line(number: int, data: bytes, length: int, limit: int, *, ended: bool) -> Line:
    if length > limit:
        return Line(number, data[: min(_KEPT, limit)], length, ended)
    if data[-1:] == b"\r":
        data = data[:-1]
        length -= 1
    return Line(number, data, length, ended)
