"""
A path without what is peculiar to one answer: `/items/*/id` for `/items/7/id`.

List indexes stand as `*`, and so do the keys of maps: those that look like ids, and
all of an object with many members of one sort. It depends on the body alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from shadow_middleware.compare.parse import Repeated
from shadow_middleware.compare.place import Place
from shadow_middleware.compare.value_shapes import json_type

__all__ = ["is_map", "key_shape", "name_of", "shape_of_place"]

MANY = 32
"""Members beyond which an object with values of one sort is a map."""
LONGEST = 40
"""Characters beyond which a key is no name that a programmer gave."""
DEEPEST = 12
"""Segments beyond which the middle of a path stands as `**`."""
HEAD, TAIL = 8, 3

NAME = re.compile(r"[@$_]*[^\W\d][\w.:$-]*")
HEX = re.compile(r"(?=[a-f]*\d)[0-9a-f]{6,}|(?=[A-F]*\d)[0-9A-F]{6,}")
TURNS = re.compile(r"(?<=\d)(?=[A-Za-z])|(?<=[A-Za-z])(?=\d)")
MANY_DIGITS = re.compile(r"\d{4}|[-_.:]\d{3}")
TURNING = 3
"""Changes between letters and digits that make a key an id."""


def shape_of_place(place: Place) -> str:
    """Return the shape of the path to `place`."""
    pieces: list[str] = []
    here: Place = place
    while here.parent is not None:
        pieces.append("*" if here.in_map else _segment(here.key))
        here = here.parent
    pieces.reverse()
    if len(pieces) > DEEPEST:
        pieces[HEAD:-TAIL] = ["**"]
    return "".join(f"/{piece}" for piece in pieces)


def name_of(place: Place) -> str:
    """Return the nearest name on the way to `place`: of an item, that of its list."""
    here: Place | None = place
    while here is not None and here.parent is not None:
        if not here.in_map and isinstance(here.key, str):
            return here.key if key_shape(here.key) != "*" else ""
        here = here.parent
    return ""


@lru_cache(maxsize=8192)
def key_shape(key: str) -> str:
    """Return the name of a member, or `*` where it looks like an id."""
    if len(key) > LONGEST or NAME.fullmatch(key) is None:
        return "*"
    if key.isalpha():
        return key
    if HEX.fullmatch(key) or MANY_DIGITS.search(key):
        return "*"
    return "*" if len(TURNS.findall(key)) >= TURNING else key


def is_map(value: Mapping[Any, Any]) -> bool:
    """Whether an object has so many members of one sort that its keys are data."""
    if len(value) <= MANY:
        return False
    sorts = {*map(type, value.values())} - {type(None)}
    return (
        len(sorts) <= 1 or len({json_type(v) for v in value.values()} - {"null"}) == 1
    )


def _segment(key: Any) -> str:
    if isinstance(key, str):
        return key_shape(key)
    return key_shape(key.name) if isinstance(key, Repeated) else "*"
