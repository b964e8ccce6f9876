"""What is wrong with a request in a person's words: what was given, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import inspect

from shadow_middleware.api.operation import NO_ZERO_BYTE

__all__ = ["in_words"]

_PLACE: Final = re.compile(r" - at `\$\.(\w+)`$")
_LONGEST: Final = 60
_PATTERNS: Final = {
    "^[0-9a-f]{16}$": "the 16 hexadecimal digits of a group",
}


def in_words(error: msgspec.MsgspecError, kind: type, given: object) -> str:
    """
    Return what is wrong with a field, and what it may be; msgspec's own words else.

    Args:
        error: What reading it as `kind` came to.
        kind: The struct that was asked for.
        given: What was given, read as plain values.
    """
    told = str(error)
    fields = {one.encode_name: one.type for one in _fields(kind)}
    unknown = re.search(r"unknown field `(.*)`$", told)
    if unknown:
        return f"{unknown[1][:_LONGEST]!r} is not known; {_known(fields)}"
    place = _PLACE.search(told)
    if place is None or place[1] not in fields or not isinstance(given, dict):
        return told
    name = place[1]
    right = " or ".join(dict.fromkeys(_rights(fields[name])))
    value = repr(given.get(name))
    if len(value) > _LONGEST:
        value = f"{value[:_LONGEST]}…"
    return f"{name}: {value} is not right; it may be {right}"


def _fields(kind: type) -> tuple[inspect.Field, ...]:
    found = inspect.type_info(kind)
    return found.fields if isinstance(found, inspect.StructType) else ()


def _known(fields: dict[str, inspect.Type]) -> str:
    return f"there are: {', '.join(fields)}" if fields else "there is nothing to give"


def _rights(kind: inspect.Type) -> Iterator[str]:
    """Yield in words what a value may be."""
    match kind:
        case inspect.Metadata(extra={"words": str(words)}):
            yield words
        case inspect.Metadata(type=inner):
            yield from _rights(inner)
        case inspect.UnionType(types=types):
            for one in types:
                yield from _rights(one)
        case inspect.NoneType():
            pass
        case _:
            yield _simple(kind)


def _simple(kind: inspect.Type) -> str:
    match kind:
        case inspect.LiteralType(values=values):
            return ", ".join(map(str, values))
        case inspect.EnumType(cls=cls):
            return ", ".join(str(one.value) for one in cls)
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType() | inspect.FloatType():
            return _number(kind)
        case inspect.StrType():
            return _text(kind)
    return "something else"


def _number(kind: inspect.IntType | inspect.FloatType) -> str:
    what = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
    bounds = [
        f"{word} {bound:,.0f}"
        for word, bound in (("from", kind.ge), ("to", kind.le))
        if bound is not None
    ]
    return " ".join([what, *bounds])


def _text(kind: inspect.StrType) -> str:
    least, most = kind.min_length or 0, kind.max_length
    size = "" if most is None else f" of {least} to {most:,} characters"
    if kind.pattern is None:
        return f"text{size}"
    if kind.pattern == NO_ZERO_BYTE:
        return f"text{size}, without a zero byte"
    return _PATTERNS.get(kind.pattern, f"text like {kind.pattern}")
