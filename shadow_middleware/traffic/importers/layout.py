"""
A log format compiled to a parser that is linear in the line, whatever stands in it.

What a field may hold follows from its kind, the quotes around it and the way the server
escapes values: see `patterns`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.traffic.importers.patterns import (
    Escape,
    Field,
    Kind,
    Piece,
    quick,
    right,
)

__all__ = ["Layout", "Parse", "unescaped"]


Parse = Callable[[bytes], dict[str, bytes] | None]
"""From a line to the values of its fields, unescaped; None where it does not fit."""

_ESCAPED: Final = re.compile(rb"\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_CONTROLS: Final = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"b": b"\b",
    b"f": b"\f",
    b"v": b"\v",
}
_NEEDS_NO_LITERAL: Final = frozenset({Kind.CLF_TIME, Kind.HOST, Kind.QUERY, Kind.PATH})


class Layout:
    """One log format, ready to read lines. Call it with a line."""

    def __init__(self, pieces: Sequence[Piece], escape: Escape) -> None:
        """
        Compile the format.

        Raises:
            ConfigurationError: two fields touch, so that nobody could part them.
        """
        self._escape = escape
        self.fields = tuple(piece for piece in pieces if isinstance(piece, Field))
        _check(pieces)
        self._absent = b"-" if escape is Escape.BACKSLASH else b""
        self._named = [field for field in self.fields if field.name]
        self._right = right(pieces, escape).fullmatch
        pattern = quick(pieces, escape)
        self._quick = pattern.fullmatch if pattern else None

    def __call__(self, line: bytes) -> dict[str, bytes] | None:
        """Return the values by name, without those that are absent; None: no fit."""
        found = self._quick(line) if self._quick else None
        if found is None:
            found = self._right(line)
            if found is None:
                return None
        values: dict[str, bytes] = {}
        absent = self._absent
        for field, value in zip(self._named, found.groups(), strict=True):
            if value and value != absent:
                if field.name not in values:
                    values[field.name] = self._plain(value) if b"\\" in value else value
            elif field.absent:
                values[field.name] = field.absent
        return values

    def _plain(self, value: bytes) -> bytes:
        return value if self._escape is Escape.NONE else unescaped(value)


def unescaped(value: bytes) -> bytes:
    r"""Return the bytes that `\x22`, `\"`, `\n` and `\u0001` stand for."""
    return _ESCAPED.sub(_meant, value)


def _meant(found: re.Match[bytes]) -> bytes:
    escape = found[1]
    if escape[:1] == b"x" and len(escape) == 3:
        return bytes((int(escape[1:], 16),))
    if escape[:1] == b"u" and len(escape) == 5:
        return chr(int(escape[1:], 16)).encode("utf-8", "surrogatepass")
    return _CONTROLS.get(escape, escape)


def _check(pieces: Sequence[Piece]) -> None:
    for one, other in pairwise(pieces):
        if not (isinstance(one, Field) and isinstance(other, Field)):
            continue
        if not _NEEDS_NO_LITERAL & {one.kind, other.kind}:
            raise ConfigurationError(
                f"{one.written} and {other.written} touch in the log format, so that "
                "no line tells where one ends; put text between them"
            )
