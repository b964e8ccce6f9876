"""One example of a group: two values, in one line, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.exchange import Difference, Kind, Part
from shadow_middleware.report.examples import Example, example_of
from tests.report.records import record


def difference(**fields: Any) -> Difference:
    """Return a changed price of the group `g`, but for the fields given."""
    given = {
        "part": Part.BODY,
        "path": "/price",
        "kind": Kind.CHANGED,
        "live": 19.9,
        "shadow": 21,
        "group": "g",
    }
    return Difference(**{**given, **fields})


def samples(*differences: Difference) -> list[StoredDivergence]:
    """Return two samples, of which the second alone shows the differences."""
    return [
        StoredDivergence(2, record("b", (difference(group="another"),))),
        StoredDivergence(1, record("a", differences)),
    ]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (difference(), Example("19.9", "21")),
        (difference(live="é", shadow=None), Example('"é"', "null")),
        (difference(kind=Kind.MISSING, shadow=None), Example("19.9", None)),
        (difference(kind=Kind.ADDED, live=None), Example(None, "21")),
        (difference(live={"a": [1]}), Example('{"a": [1]}', "21")),
        (difference(part=Part.HEADER, path="etag"), Example("19.9", "21")),
        (difference(part=Part.STATUS, path=""), None),
        (difference(part=Part.LATENCY, path="p95"), None),
        (difference(path=""), None),
    ],
)
def test_an_example_is_what_both_sides_said(
    one: Difference, expected: Example | None
) -> None:
    """Of the group's own difference, in the first sample that has it."""
    assert expected == example_of(samples(one), "g")


def test_a_long_value_is_cut() -> None:
    """A line stays a line."""
    found = example_of(samples(difference(live="x" * 500)), "g")

    assert found is not None
    assert found.live == '"' + "x" * 58 + "…"


def test_without_a_sample_there_is_none() -> None:
    """What was purged shows no values."""
    assert None is example_of([], "g")
