"""
Bodies as lines that can be compared by eye: JSON with one value a line, text as it is.

What is shown is what was sent: numbers keep their form, and members that are there
twice stay twice. Only the order of an object's members, which means nothing, follows
live's. Whatever comes in, the lines are bounded in number and in characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

__all__ = ["MOST_LINES", "Laid", "bodies", "headers"]

MOST_LINES = 2_000
"""Lines of one side that are shown."""
_LONGEST = 16 * 1024
"""Characters of a body that are read."""
_DEEPEST = 60
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],]|[^"{}\[\],]+', re.DOTALL)
_SPACE = re.compile(r"\s+")
_COLON = re.compile(r"^\s*:\s*")


class _Literal(msgspec.Struct, frozen=True):
    """A number, as it was written."""

    text: str


class _Members(msgspec.Struct, frozen=True):
    """An object's members in their order, twins included."""

    pairs: list[tuple[str, Any]]


class Laid(msgspec.Struct, frozen=True):
    """The lines of both sides."""

    live: list[str]
    shadow: list[str]
    is_json: bool = False
    """Whether a comma at the end of a line says nothing."""


def bodies(live: str, shadow: str) -> Laid:
    """Return the lines of both bodies, laid out so that equal things stand alike."""
    live, shadow = live[:_LONGEST], shadow[:_LONGEST]
    one, other = _tree(live), _tree(shadow)
    if one is not None and other is not None:
        other = _as_ordered(other, one)
        return Laid(_first(_lines(one)), _first(_lines(other)), is_json=True)
    return Laid(_plain(live), _plain(shadow))


def headers(live: Iterable[tuple[str, str]], shadow: Iterable[tuple[str, str]]) -> Laid:
    """Return header fields a line, by name; those of one name keep their order."""
    return Laid(_fields(live), _fields(shadow))


def _fields(fields: Iterable[tuple[str, str]]) -> list[str]:
    named = [(name.lower(), value) for name, value in fields]
    named.sort(key=lambda field: field[0])
    return _first(f"{name}: {value}" for name, value in named)


def _first(lines: Iterable[str]) -> list[str]:
    """Return as many lines as are shown, at most four times what was read."""
    kept: list[str] = []
    room = 4 * _LONGEST
    for line in islice(lines, MOST_LINES):
        room -= len(line)
        if room < 0:
            break
        kept.append(line)
    return kept


# --- JSON -----------------------------------------------------------------------------


def _tree(text: str) -> Any:
    """Return a list or an object as it was written; None for anything else."""
    if not text.lstrip().startswith(("{", "[")) or _depth(text) > _DEEPEST:
        return None
    try:
        return json.loads(
            text,
            parse_float=_Literal,
            parse_int=_Literal,
            parse_constant=_Literal,
            object_pairs_hook=_Members,
        )
    except (ValueError, RecursionError):
        return None


def _depth(text: str) -> int:
    """Return how deep it may be: opening brackets before closing ones."""
    deepest = depth = 0
    for token in _TOKEN.findall(text):
        depth += (token in "{[") - (token in "}]")
        deepest = max(deepest, depth)
    return deepest


def _as_ordered(tree: Any, model: Any) -> Any:
    """Return the tree with its members in the model's order, new ones last."""
    if isinstance(tree, list) and isinstance(model, list):
        pairs = zip(tree, model, strict=False)
        return [_as_ordered(*both) for both in pairs] + tree[len(model) :]
    if not (isinstance(tree, _Members) and isinstance(model, _Members)):
        return tree
    known = {name: (place, value) for place, (name, value) in enumerate(model.pairs)}
    last = (len(known), None)
    ranked = sorted(tree.pairs, key=lambda pair: known.get(pair[0], last)[0])
    return _Members(
        [(name, _as_ordered(value, known.get(name, last)[1])) for name, value in ranked]
    )


def _lines(tree: Any, head: str = "", end: str = "", indent: str = "") -> Iterator[str]:
    """Return the lines of a tree. The comma of a last member is left out, as in JSON."""
    inner = f"{indent}  "
    if isinstance(tree, _Members) and tree.pairs:
        yield f"{indent}{head}{{"
        for left, (name, value) in _counted(tree.pairs):
            yield from _lines(value, f"{_text(name)}: ", "," if left else "", inner)
        yield f"{indent}}}{end}"
    elif isinstance(tree, list) and tree:
        yield f"{indent}{head}["
        for left, value in _counted(tree):
            yield from _lines(value, "", "," if left else "", inner)
        yield f"{indent}]{end}"
    else:
        yield f"{indent}{head}{_leaf(tree)}{end}"


def _counted(items: list[Any]) -> Iterator[tuple[int, Any]]:
    """Return each item with how many come after it."""
    return ((len(items) - at - 1, item) for at, item in enumerate(items))


def _leaf(value: Any) -> str:
    if isinstance(value, _Literal):
        return value.text
    if isinstance(value, _Members):
        return "{}"
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- all else -------------------------------------------------------------------------


def _plain(text: str) -> list[str]:
    """Return the lines of a text; JSON that was cut or is broken is laid out as well."""
    if text.lstrip().startswith(("{", "[")) and "\n" not in text.strip():
        return _first(_broken(text))
    return _first(text.split("\n")) if text else []


def _broken(text: str) -> Iterator[str]:
    """Return lines by brackets and commas alone, so that nothing has to be whole."""
    depth, line = 0, ""
    for token in _TOKEN.findall(text):
        if token in "}]":
            if line.strip():
                yield line
            depth = max(0, depth - 1)
            line = "  " * min(depth, _DEEPEST) + token
        elif token in "{[,":
            yield line + token
            depth += token != ","
            line = "  " * min(depth, _DEEPEST)
        else:
            line += token if token.startswith('"') else _between(token)
    if line.strip():
        yield line


def _between(token: str) -> str:
    """Return what stands outside of strings, spaced as in JSON that is whole."""
    return _SPACE.sub(" ", _COLON.sub(": ", token))
