"""
A log format compiled to a parser that is linear in the line, whatever stands in it.

A format is a row of literal text and fields. It becomes one RE2 pattern, which has no
backtracking; what a field may hold follows from its kind, the quotes around it and the
way the server escapes values.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
import re2

from shadow_middleware.errors import ConfigurationError

__all__ = ["Escape", "Field", "Kind", "Layout", "Parse", "linear", "unescaped"]


class Escape(enum.StrEnum):
    """How a server writes what would break its line."""

    BACKSLASH = "backslash"
    r"""nginx's default and Apache's: `\x22`, `\"`, `\n`; what is absent is `-`."""
    JSON = "json"
    r"""nginx's `escape=json`: `\"`, `\u0001`; what is absent is empty."""
    NONE = "none"
    """nginx's `escape=none`: as it is; what is absent is empty."""


class Kind(enum.StrEnum):
    """What a field may hold."""

    TEXT = "text"
    WORD = "word"
    """Without blanks, such as an address."""
    HOST = "host"
    """Without blanks and slashes."""
    NUMBER = "number"
    NUMBERS = "numbers"
    """A row of numbers, as upstream times are."""
    CLF_TIME = "clf_time"
    """`10/Oct/2000:13:55:36 -0700`."""
    QUERY = "query"
    """Empty, or a question mark and what follows."""
    PATH = "path"
    """Without a question mark."""


class Field(msgspec.Struct, frozen=True):
    """A value in the line."""

    name: str
    """What it says, in the words of `access`; '' where nobody asks."""
    written: str
    """As the format has it, for messages: `$request_uri`."""
    kind: Kind = Kind.TEXT
    absent: bytes = b""
    """What it means where it is absent: Apache's `%b` writes `-` for no bytes."""


Parse = Callable[[bytes], dict[str, bytes] | None]
"""From a line to the values of its fields, unescaped; None where it does not fit."""

_KINDS: Final = {
    Kind.WORD: rb"[^ \"]*",
    Kind.HOST: rb"[^ \"/]*",
    Kind.NUMBER: rb"-?[0-9]*(?:\.[0-9]*)?",
    Kind.NUMBERS: rb"[0-9.,: -]*",
    Kind.CLF_TIME: rb"[0-9]{1,2}/[A-Za-z]{3}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4}",
    Kind.QUERY: rb"(?:\?[^ \"]*)?",
    Kind.PATH: rb"[^?\"]*?",
}
_QUOTED: Final = rb"(?:[^\"\\]|\\.)*"
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
_SPECIAL: Final = re.compile(rb"([^A-Za-z0-9_ ])")


class Layout:
    """One log format, ready to read lines. Call it with a line."""

    def __init__(self, pieces: Sequence[bytes | Field], escape: Escape) -> None:
        """
        Compile the format.

        Raises:
            ConfigurationError: two fields touch, so that nobody could part them.
        """
        self._escape = escape
        self.fields = tuple(piece for piece in pieces if isinstance(piece, Field))
        _check(pieces)
        self._absent = b"-" if escape is Escape.BACKSLASH else b""
        self._fit = linear(self._pattern(pieces)).fullmatch

    def __call__(self, line: bytes) -> dict[str, bytes] | None:
        """Return the values by name, without those that are absent; None: no fit."""
        found = self._fit(line)
        if found is None:
            return None
        values: dict[str, bytes] = {}
        absent = self._absent
        for field, value in zip(self.fields, found.groups(), strict=True):
            name = field.name
            if not name or name in values:
                continue
            if value and value != absent:
                values[name] = self._plain(value) if b"\\" in value else value
            elif field.absent:
                values[name] = field.absent
        return values

    def _plain(self, value: bytes) -> bytes:
        return value if self._escape is Escape.NONE else unescaped(value)

    def _pattern(self, pieces: Sequence[bytes | Field]) -> bytes:
        made = [b"(?s)"]
        for at, piece in enumerate(pieces):
            if isinstance(piece, bytes):
                made.append(_SPECIAL.sub(rb"\\\1", piece))
            else:
                made.append(b"(" + self._values(piece, *_around(pieces, at)) + b")")
        return b"".join(made)

    def _values(self, field: Field, before: bytes, after: bytes) -> bytes:
        if field.kind is not Kind.TEXT:
            return _KINDS[field.kind]
        if self._escape is Escape.NONE:
            return b".*?"
        if before[-1:] == b'"' and (after[:1] == b'"' or not after):
            return _QUOTED
        return rb"(?:[^\"\\]|\\.)*?"


def linear(pattern: bytes) -> Any:
    """Return a pattern over bytes, compiled by RE2, which never backtracks."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return re2.compile(pattern, options)


def unescaped(value: bytes) -> bytes:
    r"""Return the bytes that `\x22`, `\"`, `\n` and `\u0001` stand for."""
    return _ESCAPED.sub(_meant, value)


def _meant(found: re.Match[bytes]) -> bytes:
    escape = found[1]
    if escape[:1] == b"x" and len(escape) == 3:
        return bytes((int(escape[1:], 16),))
    if escape[:1] == b"u" and len(escape) == 5:
        code = int(escape[1:], 16)
        # nginx escapes single bytes; other servers write characters.
        if code < 0x80:
            return bytes((code,))
        return chr(code).encode("utf-8", "surrogatepass")
    return _CONTROLS.get(escape, escape)


def _around(pieces: Sequence[bytes | Field], at: int) -> tuple[bytes, bytes]:
    before = pieces[at - 1] if at else b""
    after = pieces[at + 1] if at + 1 < len(pieces) else b""
    return (
        before if isinstance(before, bytes) else b"",
        after if isinstance(after, bytes) else b"\x00",
    )


def _check(pieces: Sequence[bytes | Field]) -> None:
    for left, right in pairwise(pieces):
        if not (isinstance(left, Field) and isinstance(right, Field)):
            continue
        if not _NEEDS_NO_LITERAL & {left.kind, right.kind}:
            raise ConfigurationError(
                f"{left.written} and {right.written} touch in the log format, so that "
                "no line tells where one ends; put text between them"
            )
