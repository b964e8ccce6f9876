"""JSON bodies: what Python would confuse or lose, and where differences lie."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from shadow_middleware.exchange import Kind
from tests.compare.making import answer, compare, compare_json, found

FRONT = [{"id": n, "v": n} for n in range(5_000)]


def test_same_bytes_are_equal_and_need_no_reason() -> None:
    """The same answer is equal, with nothing to explain."""
    comparison = compare_json({"a": 1}, {"a": 1})

    assert ("equal", ()) == (comparison.result, comparison.explained)


@pytest.mark.parametrize(
    ("live", "shadow", "reason"),
    [
        (b'{"a":1,"b":2}', b'{"b":2,"a":1}', "json-formatting"),
        (b"[1]", b"[ 1 ]", "json-formatting"),
        (b"[1]", b"[1.0]", "number-form"),
        (b'{"a":[1]}', b'{"a":[1.0]}', "number-form"),
        (b"[NaN]", b"[ NaN ]", "json-formatting"),
        (b'["\\ud800"]', b'[ "\\ud800" ]', "json-formatting"),
        (b"\xef\xbb\xbf[1]", b"[1]", "json-formatting"),
        (b"[1]", "[1]".encode("utf-16"), "json-formatting"),
        (b'{"a":1,"a":2}', b'{"a":1, "a":2}', "json-formatting"),
        (b'"\\u00e9"', '"é"'.encode(), "json-formatting"),
        (b'"\\u0022"', b'"\\""', "json-formatting"),
        (b"[1e400]", b"[1e400 ]", "json-formatting"),
    ],
)
def test_the_same_meaning_in_other_bytes_is_explained_by_name(
    live: Any, shadow: Any, reason: Any
) -> None:
    """W11 W49: other bytes match only with a named reason."""
    comparison = compare_json(live, shadow)

    assert ("explained", (reason,)) == (comparison.result, comparison.explained)


@pytest.mark.parametrize(
    ("live", "shadow", "expected"),
    [
        (b"[1]", b"[true]", ("type", "/0")),
        (b'{"a":[0]}', b'{"a":[false]}', ("type", "/a/0")),
        (b"[1.0]", b"[true]", ("type", "/0")),
        (b'{"a":1}', b'{"a":"1"}', ("type", "/a")),
        (b'{"a":null}', b'{"a":0}', ("type", "/a")),
        (b'{"a":{}}', b'{"a":[]}', ("type", "/a")),
        (b"[1]", b"[1.5]", ("changed", "/0")),
        (b"[9007199254740993]", b"[9007199254740992.0]", ("changed", "/0")),
        (
            b"[123456789012345678901234567890]",
            b"[123456789012345678901234567891]",
            ("changed", "/0"),
        ),
        (b"[1e400]", b"[1e500]", ("changed", "/0")),
        (b"[NaN]", b"[null]", ("type", "/0")),
        (b"[NaN]", b'["NaN"]', ("type", "/0")),
        (b"[NaN]", b"[Infinity]", ("changed", "/0")),
        (b'["\\ud800"]', b'["\\ud801"]', ("changed", "/0")),
        (b'{"a":1,"a":2}', b'{"a":2}', ("missing", "/a (repeated 1)")),
        (b'{"a":2}', b'{"a":1,"a":2}', ("added", "/a (repeated 1)")),
        (b'{"a/b":1}', b'{"a/b":2}', ("changed", "/a~1b")),
        (b'{"a~b":1}', b'{"a~b":2}', ("changed", "/a~0b")),
        (b'{"":1}', b'{"":2}', ("changed", "/")),
        (b"1", b"2", ("changed", "")),
    ],
)
def test_what_python_or_a_parser_would_confuse_is_a_difference(
    live: Any, shadow: Any, expected: Any
) -> None:
    """W11 W49: 1, 1.0 and true; big integers; NaN; surrogates; repeated members."""
    comparison = compare_json(live, shadow)

    assert ("different", [expected]) == (comparison.result, found(comparison))


def test_integers_of_any_length_are_compared_by_every_digit() -> None:
    """Beyond what Python turns into an int, the text counts."""
    live, shadow = b"[" + b"7" * 6_000 + b"]", b"[" + b"7" * 5_999 + b"8]"

    assert [("changed", "/0")] == found(compare_json(live, shadow))
    assert "explained" == compare_json(live, live + b" ").result


def test_a_row_at_the_front_reads_as_one_insertion() -> None:
    """5,000 rows that all moved down by one are one added row."""
    comparison = compare_json(FRONT, [{"id": -1, "v": 0}, *FRONT])

    assert [("added", "/0")] == found(comparison)


def test_a_row_at_the_front_of_35000_hides_no_change_at_their_end() -> None:
    """One insertion and one change, not 35,000 changes; given the time for it."""
    rows = [{"id": n, "v": 0} for n in range(35_000)]
    shadow = [{"id": -1, "v": 0}, *rows[:-1], {"id": 34_999, "v": 1}]
    comparison = compare_json(rows, shadow, compare_budget=60.0)

    assert [("added", "/0"), ("changed", "/34999/v")] == found(comparison)


def test_a_row_taken_from_the_middle_reads_as_one_that_is_missing() -> None:
    """The rows behind it are the same rows."""
    comparison = compare_json(FRONT, FRONT[:2_000] + FRONT[2_001:])

    assert [("missing", "/2000")] == found(comparison)


def test_rows_in_another_order_are_an_order_difference() -> None:
    """The items are the same; only their order is not."""
    comparison = compare_json({"rows": [1, 2, 3]}, {"rows": [3, 1, 2]})

    assert [("order", "/rows")] == found(comparison)
    assert "1 of 3 items moved" in comparison.differences[0].note


def test_a_changed_row_that_moved_is_found_by_its_id() -> None:
    """Rows that have a name of their own are compared with their own version."""
    live = [{"id": n, "price": n} for n in range(6)]
    shadow = [{"id": 9, "price": 0}, *live[:5], {"id": 5, "price": 77}]

    assert {("added", "/0"), ("changed", "/5/price")} == {
        *found(compare_json(live, shadow))
    }


@pytest.mark.parametrize("depth", [250, 900, 2_000, 100_000])
def test_no_nesting_is_too_deep(depth: int) -> None:
    """900 levels and more end in a divergence, not in RecursionError."""
    live, shadow = (b"[" * depth + value + b"]" * depth for value in (b"1", b"2"))
    comparison = compare_json(live, shadow)

    assert ("different", True) == (comparison.result, comparison.cut)


def test_deep_nesting_is_judged_the_same_near_the_recursion_limit() -> None:
    """A caller that is itself deep down gets an answer as well."""
    live, shadow = (b"[" * 400 + value + b"]" * 400 for value in (b"1", b"2"))

    def down(levels: int) -> str:
        if levels == 0:
            return compare_json(live, shadow).result
        return down(levels - 1)

    assert "different" == down(sys.getrecursionlimit() // 2)


def test_one_side_that_is_not_json_is_a_type_difference() -> None:
    """W11: a broken body is never taken for a match."""
    comparison = compare_json(b'{"a": 1}', b'{"a": 1')

    assert [("type", "")] == found(comparison)
    assert 'not JSON: {"a": 1' == comparison.differences[0].shadow


def test_two_sides_that_are_not_json_are_compared_as_text() -> None:
    """Lines are what is left to compare."""
    comparison = compare_json(b"<a>\n<b>", b"<a>\n<c>")

    assert [("changed", "/1")] == found(comparison)


def test_empty_and_json_are_told_apart() -> None:
    """W11: an empty body is not the same as any other."""
    assert "different" == compare_json(b"", b"{}").result


def test_json_is_recognised_by_its_suffix() -> None:
    """`application/problem+json` is JSON."""
    kind = "application/problem+json; charset=utf-8"
    comparison = compare(answer(b'{"a":1}', kind=kind), answer(b'{"a": 1}', kind=kind))

    assert ("json-formatting",) == comparison.explained


def test_ndjson_pointers_start_with_the_line() -> None:
    """W11: documents behind the first one are compared as well."""
    kind = "application/x-ndjson"
    comparison = compare(
        answer(b'{"a":1}\n{"a":2}\n', kind=kind),
        answer(b'{"a":1}\n{"a":3}\n', kind=kind),
    )

    assert [("changed", "/1/a")] == found(comparison)


def test_ndjson_written_another_way_is_explained() -> None:
    """Spaces within a line say nothing."""
    kind = "application/x-ndjson"
    comparison = compare(
        answer(b'{"a":1}\n', kind=kind), answer(b'{"a": 1}\n\n', kind=kind)
    )

    assert ("json-formatting",) == comparison.explained


def test_shown_values_are_short_and_json_safe() -> None:
    """Long texts are clipped around the difference, big parts are summed up."""
    live = {"t": "x" * 5_000 + "1", "n": 10**30, "o": {"k": ["v"] * 1_000}}
    shadow = {"t": "x" * 5_000 + "2", "n": 10**31}
    differences = compare_json(live, shadow).differences
    shown = json.dumps([[d.live, d.shadow] for d in differences])

    assert 3 == len(differences)
    assert len(shown) < 1_000
    assert "x1" in shown
    assert "x2" in shown
    assert "object with 1 members" in shown


def test_kinds_are_seen_from_live_to_shadow() -> None:
    """What only live has is missing, what only the shadow has is added."""
    comparison = compare_json({"a": 1, "b": 1}, {"b": 1, "c": 1})

    assert [Kind.MISSING, Kind.ADDED] == [d.kind for d in comparison.differences]
    assert [(1, None), (None, 1)] == [
        (d.live, d.shadow) for d in comparison.differences
    ]


def test_a_changed_row_beside_its_twin_and_a_huge_integer_is_found_in_its_place() -> (
    None
):
    """What cannot be encoded in one go is still aligned item by item."""
    row = [False, True]
    live, shadow = [row, row, -(2**63) - 1], ["new", row, -(2**63) - 1]

    assert [("type", "/0")] == found(compare_json(live, shadow))
