"""What a value becomes before two of them are compared."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import math
import uuid
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.experiment.values import (
    Uncapturable,
    captured,
    captured_error,
)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@dataclass
class Cup:
    size: int
    of: str = "tea"


class Pot(msgspec.Struct):
    cups: list[Cup]


Point = namedtuple("Point", "x y")


class Colour(enum.Enum):
    RED = "red"


@given(PLAIN)
def test_what_json_can_say_is_said_as_it_is(value: Any) -> None:
    """Numbers beyond 64 bits and surrogates too."""
    assert value == json.loads(captured(value).decode("utf-8", "surrogatepass"))


@given(PLAIN, PLAIN)
def test_different_values_stay_different(one: Any, other: Any) -> None:
    """`1` and `true` as well, which Python calls equal."""
    same = captured(one) == captured(other)
    assert same == (repr(one) == repr(other))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ((1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset("ba"), ["a", "b"]),
        (Cup(3), {"size": 3, "of": "tea"}),
        (Pot([Cup(1)]), {"cups": [{"size": 1, "of": "tea"}]}),
        (Point(1, 2), {"x": 1, "y": 2}),
        (Colour.RED, "red"),
        (b"\x00\xff", {"bytes": "AP8="}),
        (decimal.Decimal("1.10"), {"decimal": "1.10"}),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.timedelta(minutes=1), {"seconds": 60.0}),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({1: "a"}, {"int:1": "a"}),
    ],
)
def test_what_json_cannot_say_keeps_its_meaning(value: Any, said: Any) -> None:
    """A key `1` is not a key `"1"`, and half a price is not all of it."""
    assert said == json.loads(captured(value))


def test_not_a_number_is_not_nothing() -> None:
    """An encoder that writes null for both would call them equal."""
    assert captured(math.nan) != captured(None)


def test_an_object_without_fields_is_told_by_its_class_and_text() -> None:
    """Where it lies in memory differs each time, and says nothing."""

    class Kettle:
        pass

    assert captured(Kettle()) == captured(Kettle())
    assert b"0x" not in captured(Kettle())


def test_what_was_raised_is_told_by_class_and_text() -> None:
    """`ValueError`, not `builtins.ValueError`; others with their module."""
    error = {"raised": {"type": "ValueError", "message": "no tea"}}

    assert error == json.loads(captured_error(ValueError("no tea")))
    assert b"decimal.InvalidOperation" in captured_error(decimal.InvalidOperation())


def test_an_iterator_is_left_alone() -> None:
    """To look at it would take it from the caller."""
    numbers = iter([1, 2])

    with pytest.raises(Uncapturable, match="iterator"):
        captured({"numbers": numbers})
    assert [1, 2] == list(numbers)


def test_a_value_within_itself_ends() -> None:
    """It is refused by its depth, before Python gives up."""
    ring: list[Any] = []
    ring.append(ring)

    with pytest.raises(Uncapturable, match="too_deep"):
        captured(ring)
