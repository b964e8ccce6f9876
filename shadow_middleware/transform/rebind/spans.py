"""
Where in a JSON text its values stand, so that one is replaced and no other byte is.

Layout, duplicate members and numbers of any form stay as they were.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

__all__ = ["MAX_LEAVES", "Path", "leaves", "splice"]

Path = tuple[str | int, ...]
"""Members and positions, from the root."""

MAX_LEAVES: Final = 20_000
"""Values of one body that are looked at."""
_TOKEN: Final = re.compile(
    r'[ \t\r\n]+|"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^ \t\r\n"{}\[\],:]+', re.DOTALL
)
_decode: Final = msgspec.json.Decoder().decode


def leaves(value: Any) -> Iterator[tuple[Path, Any]]:
    """Yield each value that is no container, with its place; at most `MAX_LEAVES`."""
    stack: list[tuple[Path, Any]] = [((), value)]
    left = MAX_LEAVES
    while stack and left > 0:
        path, here = stack.pop()
        if isinstance(here, dict):
            stack.extend(((*path, key), here[key]) for key in reversed(list(here)))
        elif isinstance(here, list):
            stack.extend(((*path, i), here[i]) for i in reversed(range(len(here))))
        else:
            left -= 1
            yield path, here


def splice(text: str, changes: Mapping[Path, Any]) -> str:
    """
    Return the text with the values at these places replaced, and nothing else.

    Where an object names a member twice, the last one counts, as it does for parsers.
    """
    spans = _spans(text, changes)
    out, end = [], 0
    for path, (start, stop) in sorted(spans.items(), key=lambda item: item[1]):
        out += [text[end:start], json.dumps(changes[path], ensure_ascii=False)]
        end = stop
    return "".join([*out, text[end:]])


def _spans(text: str, wanted: Mapping[Path, Any]) -> dict[Path, tuple[int, int]]:
    """Return where the wanted leaves begin and end; those that are none are left out."""
    found: dict[Path, tuple[int, int]] = {}
    scan = _Scan()
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word[0] not in " \t\r\n" and scan.is_leaf(word):
            here = tuple(scan.path)
            if here in wanted:
                found[here] = token.span()
    return found


class _Scan:
    """Where in a valid JSON text a scan of its tokens stands."""

    def __init__(self) -> None:
        self.path: list[str | int] = []
        self._naming = False

    def is_leaf(self, word: str) -> bool:
        """Go on by one token; whether it is a value that is no container."""
        match word[0]:
            case "{" | "[":
                self._naming = word == "{"
                self.path.append("" if self._naming else 0)
            case "}" | "]":
                self._naming = False
                self.path.pop()
            case ",":
                last = self.path[-1]
                self._naming = isinstance(last, str)
                if isinstance(last, int):
                    self.path[-1] = last + 1
            case ":":
                self._naming = False
            case _ if self._naming:
                self.path[-1] = _decode(word)
            case _:
                return True
        return False
