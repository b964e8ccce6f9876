"""
The elements of one array in a JSON document, one after the other.

A HAR of a gigabyte passes through in the memory of its largest entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

__all__ = ["Element", "elements"]

_TOKEN: Final = re.compile(
    rb'"(?P<text>(?:[^"\\]++|\\.)*+)(?P<end>"?)|(?P<mark>[{}\[\],:])', re.DOTALL
)
_REST: Final = re.compile(rb'(?P<text>(?:[^"\\]++|\\.)*+)(?P<end>"?)', re.DOTALL)
_KEPT: Final = 200
_MAX_KEY: Final = 4096


class Element(NamedTuple):
    """One element, as it stands in the document."""

    number: int
    data: bytes
    length: int
    ended: bool
    """False where the document ends within it."""


def elements(
    chunks: Iterable[bytes], keys: tuple[bytes, ...], limit: int
) -> Iterator[Element]:
    """
    Return the objects of the array that the keys lead to.

    Args:
        chunks: Pieces of the document, cut anywhere.
        keys: Names of the members on the way; none for an array at the top.
        limit: Bytes of one object; of a longer one only the beginning is given.
    """
    scan = _Scan(keys, limit)
    for chunk in chunks:
        yield from scan.feed(chunk)
    yield from scan.end()


class _Scan:
    """Where a scan is: how deep, on which path, within which string or element."""

    def __init__(self, keys: tuple[bytes, ...], limit: int) -> None:
        self._keys = keys
        self._limit = limit
        self._held = bytearray()
        self._at = 0
        """Up to where `_held` is read."""
        self._start: int | None = None
        """Where the element begins in `_held`."""
        self._over = 0
        """Bytes of the element that are no longer held."""
        self._depth = 0
        self._matched = 0
        """How many of the keys the path has led through."""
        self._key = b""
        """The last string, which a colon makes a key."""
        self._named = b""
        self._inside = False
        """Whether the array is found and not yet left."""
        self._in_text = False
        self._number = 0
        self._taken: Element | None = None
        """The element that ended with the last token."""

    def feed(self, chunk: bytes) -> Iterator[Element]:
        self._held += chunk
        while self._step():
            found = self._taken
            if found is not None:
                self._taken = None
                yield found
        self._forget()

    def end(self) -> Iterator[Element]:
        if self._start is not None:
            data = bytes(self._held[self._start :])
            self._number += 1
            yield Element(self._number, data, len(data) + self._over, ended=False)

    def _step(self) -> bool:
        """Read on by one token; return whether there was a whole one."""
        if self._in_text:
            found = _REST.match(self._held, self._at)
        else:
            found = _TOKEN.search(self._held, self._at)
            if found is None:
                self._at = len(self._held)
                return False
        assert found is not None
        mark = None if self._in_text else found["mark"]
        if mark is not None:
            self._at = found.end()
            self._bracket(mark, found.start())
            return True
        return self._text(found)

    def _text(self, found: re.Match[bytes]) -> bool:
        if found["end"]:
            self._key = b"" if self._in_text else found["text"][:_MAX_KEY]
            self._in_text = False
            self._at = found.end()
            return True
        if self._start is None and len(self._held) - found.start() <= _MAX_KEY:
            # It may be a key, so it is read again once it is whole.
            self._at = found.start()
        else:
            self._in_text = True
            self._at = found.end()
        return False

    def _bracket(self, mark: bytes, at: int) -> None:
        if mark == b":":
            self._named = self._key
        elif mark in b"{[":
            self._open(mark, at)
        elif mark in b"}]":
            self._close(at)
        if mark != b":":
            self._key = b""
            if mark != b",":
                self._named = b""

    def _open(self, mark: bytes, at: int) -> None:
        self._depth += 1
        wanted = len(self._keys)
        if self._inside:
            if self._depth == wanted + 2 and mark == b"{":
                self._start, self._over = at, 0
        elif self._depth == self._matched + 1:
            if self._depth > 1 and self._named != self._keys[self._depth - 2]:
                return
            if mark == b"{" and self._matched < wanted:
                self._matched += 1
            elif mark == b"[" and self._matched == wanted:
                self._inside = True

    def _close(self, at: int) -> None:
        wanted = len(self._keys)
        if self._inside and self._depth == wanted + 2 and self._start is not None:
            self._number += 1
            length = at + 1 - self._start + self._over
            kept = at + 1 if length <= self._limit else self._start + _KEPT
            data = bytes(self._held[self._start : kept])
            self._taken = Element(self._number, data, length, ended=True)
            self._start = None
        elif self._inside and self._depth == wanted + 1:
            self._inside = False
            self._matched = -1
        self._depth -= 1
        if 0 <= self._depth < self._matched:
            self._matched = self._depth

    def _forget(self) -> None:
        """Let go of what is read and of what is over the limit."""
        if self._start is None:
            del self._held[: self._at]
            self._at = 0
            return
        del self._held[: self._start]
        self._at -= self._start
        self._start = 0
        over = self._at - _KEPT
        if len(self._held) > self._limit and over > 0:
            self._over += over
            del self._held[_KEPT : self._at]
            self._at = _KEPT
