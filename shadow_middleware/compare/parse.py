"""
JSON bytes as values that keep apart what Python would confuse or lose.

msgspec does nearly all of it: it keeps integers of any size up to 4,300 digits exact
and tells `1` from `1.0`. What it refuses (NaN, lone surrogates, a byte order mark,
UTF-16, numbers beyond a double) the standard library reads, slower, with hooks that
lose nothing; so does it where one object names a member twice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import re2

__all__ = [
    "MAX_SECONDS",
    "Literal",
    "NotJson",
    "Repeated",
    "Unknowable",
    "has_repeats",
    "parse",
    "parse_cost",
    "parse_exactly",
    "parse_lines",
    "unlike",
]

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

LONGEST_INT = 4300
"""Digits that Python turns into an int without complaint; beyond, it is quadratic."""
TICK = 1024
SMALL = 48 * 1024
"""Bytes below which the cost of parsing is not estimated."""
BYTES_PER_SECOND = 100e6
CONTAINERS_PER_SECOND = 2.5e6
EXTREMES_PER_SECOND = 40e3
"""Numbers such as 1.7976931348623157e308, which msgspec reads at 2 MB/s."""
MAX_SECONDS = 0.045
"""A parser holds the interpreter until it is done, and all else waits that long."""

_extreme = re2.compile(rb"[0-9][eE][+-]?[0-9]{3}")
MAX_EXTREMES = int(MAX_SECONDS * EXTREMES_PER_SECOND)

Tick = Callable[[], None]


class NotJson(Exception):
    """The bytes are not one JSON text; the message says where."""


class Unknowable(Exception):
    """The bytes are nested deeper than any parser here follows."""


class Repeated(NamedTuple):
    """The key of an earlier member of the same name; the last one keeps the name."""

    name: str
    nth: int

    def __str__(self) -> str:
        return f"{self.name} (repeated {self.nth})"


class Literal:
    """A number that has no exact Python number, as its text; equal by text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and other.text == self.text

    def __repr__(self) -> str:
        return f"<{self.text}>"

    __str__ = __repr__


def parse(raw: bytes, tick: Tick) -> Any:
    """
    Return the value, with repeated members not looked for.

    `tick` is called every now and then, and may raise to end it.

    Raises:
        NotJson: the bytes are no JSON text.
        Unknowable: they are nested too deeply.
    """
    try:
        return _decode(raw)
    except RecursionError as error:
        raise Unknowable("nested too deeply") from error
    except (msgspec.MsgspecError, UnicodeError):
        return parse_exactly(raw, tick)


def parse_exactly(raw: bytes, tick: Tick) -> Any:
    """As `parse`, with every repeated member kept under a `Repeated` key."""
    hooks = _Hooks(tick)
    try:
        return json.loads(
            raw,
            object_pairs_hook=hooks.members,
            parse_int=hooks.integer,
            parse_float=hooks.number,
            parse_constant=hooks.constant,
        )
    except RecursionError as error:
        raise Unknowable("nested too deeply") from error
    except ValueError as error:
        raise NotJson(str(error)) from error


def parse_lines(raw: bytes, tick: Tick, *, exactly: bool = False) -> list[Any]:
    """Return the values of NDJSON, one for each line that is not blank."""
    read = parse_exactly if exactly else parse
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    return [read(line, tick) for line in raw.split(b"\n") if line.strip()]


def has_repeats(raw: bytes, value: Any) -> bool:
    """
    Whether an object in `raw` may name a member twice, given its parsed value.

    A repeated member takes its quotes with it when it is lost, so a value that is
    written again has fewer of them. Escaped quotes would upset the count; texts with
    them, and what cannot be written again, count as suspect.
    """
    if rb"\u0022" in raw:
        return True
    try:
        return raw.count(b'"') != _encode(value).count(b'"')
    except (TypeError, ValueError, OverflowError, RecursionError):
        return True


def parse_cost(raw: bytes) -> float:
    """Return the seconds that parsing may take at worst, from a linear look at it."""
    if len(raw) <= SMALL:
        return 0.0
    seconds = len(raw) / BYTES_PER_SECOND
    if seconds > MAX_SECONDS:
        return seconds
    containers = raw.count(b"[") + raw.count(b"{")
    extremes = sum(1 for _ in islice(_extreme.finditer(raw), MAX_EXTREMES + 1))
    return max(seconds, containers / CONTAINERS_PER_SECOND) + (
        extremes / EXTREMES_PER_SECOND
    )


def unlike(live: Any, shadow: Any) -> bool:
    """Whether two values are of different JSON types; all numbers are one type."""
    return _json_type(live) != _json_type(shadow)


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Literal):
        return "number"
    return type(value).__name__


class _Hooks:
    """What the standard library's parser calls; each call also looks at the clock."""

    def __init__(self, tick: Tick) -> None:
        self._tick = tick

    def members(self, pairs: list[tuple[str, Any]]) -> dict[Any, Any]:
        self._tick()
        members: dict[Any, Any] = dict(pairs)
        if len(members) == len(pairs):
            return members
        seen: dict[str, int] = {}
        last: dict[str, Any] = {}
        for number, (name, value) in enumerate(pairs):
            if number % TICK == 0:
                self._tick()
            if name in seen:
                members[Repeated(name, seen[name])] = last[name]
            seen[name] = seen.get(name, 0) + 1
            last[name] = value
        return members

    def integer(self, text: str) -> int | Literal:
        self._tick()
        return int(text) if len(text) < LONGEST_INT else Literal(text)

    def number(self, text: str) -> float | Literal:
        self._tick()
        value = float(text)
        return value if math.isfinite(value) else Literal(text)

    def constant(self, text: str) -> Literal:
        self._tick()
        return Literal(text)
