"""What holds for any two bodies. W11 W43 W44"""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.settings import Rule
from tests.compare.making import answer, compare, compare_json, found

NAMES = st.text(st.characters(codec="utf-8"), max_size=4)
NUMBERS = st.one_of(
    st.integers(-3, 3), st.integers(), st.floats(allow_nan=False, allow_infinity=False)
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, NAMES)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(NAMES, inner, max_size=4)
    ),
    max_leaves=25,
)
KINDS = st.sampled_from(
    [
        "",
        "application/json",
        "application/x-ndjson",
        "application/x-www-form-urlencoded",
        "text/html",
        "text/plain; charset=utf-16",
        "image/png",
    ]
)
BYTES = st.one_of(
    st.binary(max_size=20),
    st.text("[]{}:,\"'0123eE.-+ \\ntrufalsNI&=%\n\r", max_size=16).map(str.encode),
    VALUES.map(lambda value: json.dumps(value).encode()),
)


def strict(value: Any) -> Any:
    """A value in which Python confuses nothing."""
    if isinstance(value, dict):
        return {"object": {key: strict(item) for key, item in value.items()}}
    if isinstance(value, list):
        return [strict(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return (type(value).__name__, value)
    return ("number", value)


def places(value: Any, path: Any = ()) -> Any:
    """Every path in a value, the root included."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def pointer(path: Any) -> Any:
    """The JSON pointer of a path."""
    pieces = (str(key).replace("~", "~0").replace("/", "~1") for key in path)
    return "".join(f"/{piece}" for piece in pieces)


def replaced(value: Any, path: Any, new: Any) -> Any:
    """A copy of the value with another one at `path`."""
    if not path:
        return new
    value = copy.deepcopy(value)
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = new
    return value


@given(BYTES, BYTES, KINDS, KINDS)
def test_other_bytes_are_never_equal_without_a_reason(
    live: Any, shadow: Any, kind: str, other: Any
) -> None:
    """W11: with no rule, other bytes are different, or a name says why not."""
    comparison = compare(answer(live, kind=kind), answer(shadow, kind=other))

    assert (live == shadow and kind == other) == (comparison.result == "equal")
    if comparison.result == "explained":
        assert comparison.explained
    if comparison.result == "different":
        assert comparison.differences


@given(BYTES, BYTES, KINDS)
def test_the_judgement_is_the_same_from_either_side(
    live: Any, shadow: Any, kind: str
) -> None:
    """Which of the two is live does not decide whether they match."""
    one = compare(answer(live, kind=kind), answer(shadow, kind=kind))
    other = compare(answer(shadow, kind=kind), answer(live, kind=kind))

    assert (one.result, {*one.explained}) == (other.result, {*other.explained})


@given(VALUES, VALUES)
def test_values_match_exactly_when_they_mean_the_same(live: Any, shadow: Any) -> None:
    """Against an oracle that compares slowly and strictly."""
    comparison = compare_json(live, shadow)

    assert (strict(live) == strict(shadow)) == (comparison.result != "different")


@given(VALUES)
def test_another_writing_of_the_same_value_is_explained(value: Any) -> None:
    """Spaces, escapes and the order of members say nothing."""
    live = json.dumps(value).encode()
    shadow = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode()

    assert compare_json(live, shadow + b" ").explained == ("json-formatting",)


@given(VALUES, st.data())
def test_one_changed_value_is_found_where_it_is(value: Any, data: Any) -> None:
    """W43 W44: the only difference is at the mutated path, or right below it."""
    path = data.draw(st.sampled_from([*places(value)]))
    shadow = replaced(value, path, "a value that is nowhere else")
    comparison = compare_json(value, shadow)

    assert [pointer(path)] == [path for _, path in found(comparison)]


@given(VALUES, st.data())
def test_one_changed_value_is_explained_by_a_rule_for_its_path(
    value: Any, data: Any
) -> None:
    """W44: ignoring the mutated path, and only that, explains it."""
    path = data.draw(st.sampled_from([*places(value)]))
    shadow = replaced(value, path, "a value that is nowhere else")
    if any("*" in str(key) for key in path):
        return
    rules = (Rule(name="it", path=pointer(path)),)

    assert ("it",) == compare_json(value, shadow, rules=rules).explained
    assert "different" == compare_json(value, shadow, ignore_paths=("/no/such",)).result


@given(st.lists(VALUES, max_size=8), st.randoms(use_true_random=False))
def test_a_shuffled_list_is_the_same_multiset(rows: Any, random: Any) -> None:
    """W44: unordered takes any order, and no row more or less."""
    shuffled = random.sample(rows, len(rows))
    rules = (Rule(action="tolerate", path="/rows", unordered=True),)

    def result(shadow: Any) -> Any:
        return compare_json({"rows": rows}, {"rows": shadow}, rules=rules).result

    assert "different" != result(shuffled)
    assert "different" == result([*shuffled, "one more"])


@given(
    st.lists(st.integers(0, 30), unique=True, max_size=12),
    st.integers(0, 12),
    st.booleans(),
)
def test_rows_put_in_or_taken_out_are_just_that(
    numbers: list[int], at: int, put_in: Any
) -> None:
    """Whatever the place, one row more is one row added."""
    rows = [{"n": number, "text": f"row {number}"} for number in numbers]
    at = min(at, len(rows))
    longer = [*rows[:at], {"n": 99}, *rows[at:]]
    pair = (rows, longer) if put_in else (longer, rows)

    assert [("added" if put_in else "missing", f"/{at}")] == found(compare_json(*pair))
