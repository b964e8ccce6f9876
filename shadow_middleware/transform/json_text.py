"""
Takes secrets out of JSON without parsing it into values.

One pass over the tokens, keeping the text as it was: layout, duplicate members,
integers of any size. So it works as well on a body that was cut, on NDJSON, and on
what only resembles JSON; and it stops as soon as enough has been written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Protocol

from shadow_middleware.transform.secrets import REDACTED, is_secret_name

__all__ = ["Policy", "escaped", "redact_json"]

_TOKEN = re.compile(
    r'[ \t\r\n]+|"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^ \t\r\n"{}\[\],:]+|"', re.DOTALL
)
_GONE = json.dumps(REDACTED)
_CUT = '"[cut]"'
_MAX_NESTING = 200
"""Levels that are followed; what lies deeper is left out."""
_UNTOLD = frozenset({'""', "null", "true", "false", "[]", "{}"})
"""Values that tell no secret and are left to be seen."""
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|-?Infinity|NaN")
_LABELS = frozenset({"name", "key", "field", "header", "param", "parameter", "label"})
_VALUES = frozenset({"value", "values", "content", "text", "default"})
"""In `{"name": "password", "value": "x"}` one member tells what the other is."""


class Policy(Protocol):
    """What decides in which places and in which texts secrets are."""

    def hides(self, pointer: tuple[str, ...]) -> bool:
        """Whether the value at this place goes, whatever it is."""
        ...

    def text(self, text: str, depth: int) -> str:
        """Return a string value, or a member's name, without its secrets."""
        ...

    def mark(self, secret: str) -> str:
        """Return what stands in the place of a value that goes."""
        ...

    def free_text(self, text: str) -> str:
        """Return text that turned out to be no JSON without its secrets."""
        ...


def escaped(pointer: tuple[str, ...]) -> str:
    """Return the JSON pointer (RFC 6901) of these segments."""
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in pointer)


def redact_json(text: str, policy: Policy, *, limit: int, depth: int = 0) -> str:
    """Return the text redacted, at least up to `limit` characters if it has them."""
    scan = _Scan(policy, depth)
    for found in _TOKEN.finditer(text):
        scan.token(found.group())
        if scan.ended or scan.written > limit:
            break
    clean = "".join(scan.out)
    return policy.free_text(clean) if scan.strange else clean


class _Scan:
    """Where in the document the scan stands, and what it has written."""

    def __init__(self, policy: Policy, depth: int) -> None:
        self._policy = policy
        self._depth = depth
        self._path: list[str | int] = []
        self._naming: list[bool] = []
        self._labelled = -1
        self._hidden_from = -1
        self.out: list[str] = []
        self.written = 0
        self.ended = False
        self.strange = False

    def token(self, token: str) -> None:
        """Take the next token."""
        first = token[0]
        act = _ACTS.get(first, _Scan._value)
        if token == '"':
            act = _Scan._cut
        act(self, token)

    def _write(self, text: str) -> None:
        if self._hidden_from < 0:
            self.out.append(text)
            self.written += len(text)

    def _blank(self, token: str) -> None:
        self._write(token)

    def _cut(self, token: str) -> None:
        self._write(_CUT)
        self.ended = True

    def _open(self, token: str) -> None:
        if self._hides():
            self._write(_GONE)
            self._hidden_from = len(self._path)
        self._write(token)
        if len(self._path) >= _MAX_NESTING:
            self.ended = True
        self._path.append("" if token == "{" else 0)
        self._naming.append(token == "{")

    def _close(self, token: str) -> None:
        if self._path:
            self._path.pop()
            self._naming.pop()
        if len(self._path) < self._labelled:
            self._labelled = -1
        if self._hidden_from >= 0 and len(self._path) <= self._hidden_from:
            self._hidden_from = -1
            return
        self._write(token)

    def _comma(self, token: str) -> None:
        if self._path:
            last = self._path[-1]
            if isinstance(last, int):
                self._path[-1] = last + 1
            else:
                self._naming[-1] = True
        self._write(token)

    def _colon(self, token: str) -> None:
        self._write(token)

    def _value(self, token: str) -> None:
        if self._hidden_from >= 0:
            return
        if self._naming and self._naming[-1]:
            self._name(token)
        elif token in _UNTOLD:
            self._write(token)
        else:
            self._look(token)
            self._write(self._gone(token) if self._hides() else self._cleaned(token))

    def _gone(self, token: str) -> str:
        return json.dumps(self._policy.mark(_decoded(token)), ensure_ascii=False)

    def _look(self, token: str) -> None:
        """See whether this is the label of a value, or no JSON at all."""
        if token[0] != '"':
            self.strange = self.strange or _NUMBER.fullmatch(token) is None
        elif (
            self._path and self._path[-1] in _LABELS and is_secret_name(_decoded(token))
        ):
            self._labelled = len(self._path)

    def _name(self, token: str) -> None:
        self._naming[-1] = False
        self._path[-1] = _decoded(token)
        self._write(self._cleaned(token))

    def _cleaned(self, token: str) -> str:
        text = _decoded(token)
        clean = self._policy.text(text, self._depth)
        return token if clean == text else json.dumps(clean, ensure_ascii=False)

    def _hides(self) -> bool:
        if self._hidden_from >= 0:
            return False
        if len(self._path) == self._labelled and self._path[-1] in _VALUES:
            return True
        return self._policy.hides(tuple(map(str, self._path)))


def _decoded(token: str) -> str:
    if token[0] != '"':
        return token
    if "\\" not in token:
        return token[1:-1]
    try:
        return str(_DECODE(token))
    except ValueError:
        return token[1:-1]


_DECODE = json.JSONDecoder(strict=False).decode


_ACTS: dict[str, Callable[[_Scan, str], None]] = {
    "{": _Scan._open,
    "[": _Scan._open,
    "}": _Scan._close,
    "]": _Scan._close,
    ",": _Scan._comma,
    ":": _Scan._colon,
    " ": _Scan._blank,
    "\t": _Scan._blank,
    "\r": _Scan._blank,
    "\n": _Scan._blank,
}
