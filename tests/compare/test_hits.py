"""What each rule hid, rules of one kind or shape, and rules added at run time."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from shadow_middleware.compare import Comparer
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.settings import Rule, Settings
from tests.compare.making import answer, compare, compare_json, exchange

ONE, TWO = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))
ALL = Rule(name="r", path="/*")


@pytest.mark.parametrize(
    ("rule", "live", "shadow", "hid"),
    [
        (ALL, {"a": 1}, {"a": 2}, ["changed"]),
        (ALL, {"a": 1}, {}, ["missing"]),
        (ALL, {}, {"a": 1}, ["added"]),
        (ALL, {"a": "x"}, {"a": None}, ["type: string → null"]),
        (ALL, {"a": 1, "b": 1}, {"a": True}, ["missing", "type: number → boolean"]),
        (Rule(name="r", path="/**/t"), {"a": [{"t": 1}]}, {"a": [{}]}, ["missing"]),
        (Rule(name="r", path="/a", matches=".*"), {"a": 1}, {"a": 2}, ["changed"]),
        # An index means another row where a list has become longer.
        (
            Rule(name="r", path="/*/t"),
            [{"t": 1}, {"u": 2}],
            [{"u": 0}, {"t": 3}, {"u": 2}],
            ["changed"],
        ),
        (
            Rule(name="r", action="tolerate", path="/a", absolute=5),
            {"a": 1},
            {"a": 2},
            ["changed"],
        ),
        (
            Rule(name="r", action="tolerate", path="/a", unordered=True),
            {"a": [1, 2]},
            {"a": [2, 1]},
            ["order"],
        ),
        (Rule(name="r", path="/a", kind="missing"), {"a": 1}, {}, ["missing"]),
        (
            Rule(name="r", path="/a", kind="type"),
            {"a": 1},
            {"a": "1"},
            ["type: number → string"],
        ),
        (ALL, {"a": 1}, {"a": 1}, []),
    ],
)
def test_a_rule_says_what_it_hid(rule: Any, live: Any, shadow: Any, hid: Any) -> None:
    """So that one that hides more than it says can be seen to."""
    comparison = compare_json(live, shadow, rules=(rule,))

    assert [("r", sort) for sort in hid] == list(comparison.hits)


def test_rules_about_headers_and_the_status_say_what_they_hid() -> None:
    """A header that went is not one that changed; defaults are no rules."""
    rules = (
        Rule(name="h", part="header", path="x-*"),
        Rule(name="s", part="status", action="tolerate", statuses=(200, 204)),
    )
    live = answer(headers=((b"X-A", b"1"), (b"X-B", b"1"), (b"Date", b"now")))
    shadow = answer(status=204, headers=((b"X-A", b"2"), (b"Date", b"later")))

    made = compare(live, shadow, Settings(rules=rules))

    assert {("h", "changed"), ("h", "missing"), ("s", "changed")} == {*made.hits}
    assert "default:date" in made.explained


@pytest.mark.parametrize(
    ("rule", "live", "shadow", "left"),
    [
        (Rule(path="/a", kind="changed"), {"a": 1}, {"a": 2}, []),
        (Rule(path="/a", kind="changed"), {"a": 1}, {}, ["missing"]),
        (Rule(path="/a", kind="changed"), {"a": 1}, {"a": None}, ["type"]),
        (
            Rule(path="/a", kind="missing"),
            {"a": {"b": 1, "c": 1}},
            {"a": {"c": 2}},
            ["changed"],
        ),
        (Rule(path="/a", kind="order"), {"a": [1, 2]}, {"a": [2, 1]}, []),
        (Rule(path="/**", shape="uuid"), {"a": ONE}, {"a": TWO}, []),
        (Rule(path="/**", shape="uuid"), {"a": ONE}, {"a": "x"}, ["changed"]),
        (Rule(path="/**", shape="uuid"), {"a": ONE}, {}, ["missing"]),
        (Rule(path="/**", shape="uuid", kind="missing"), {"a": ONE}, {}, []),
        (Rule(path="/**", shape="uuid", kind="missing"), {"a": "x"}, {}, ["missing"]),
        (Rule(path="/id", shape="sequence"), {"id": 1}, {"id": 2}, []),
        (
            Rule(path="/a", shape="timestamp"),
            {"a": "2026-11-21T07:46:15Z"},
            {"a": "2026-11-20T07:46:15Z"},
            [],
        ),
        (
            Rule(path="/a", shape="timestamp"),
            {"a": "2026-11-21T07:46:15Z"},
            {"a": "2026-11-20T07:46:15"},
            ["changed"],
        ),
        (Rule(path="/a", kind="changed", matches=r"\d+"), {"a": 1}, {"a": 22}, []),
        (
            Rule(path="/a", kind="changed", matches=r"\d+"),
            {"a": 1},
            {"a": -2},
            ["changed"],
        ),
    ],
)
def test_a_rule_of_one_kind_or_shape_explains_nothing_else(
    rule: Any, live: Any, shadow: Any, left: Any
) -> None:
    """Everything else there stays a divergence."""
    comparison = compare_json(live, shadow, rules=(rule,))

    assert left == [d.kind for d in comparison.differences]


def test_a_header_rule_may_speak_of_one_kind() -> None:
    """A header that may change must still be there."""
    rule = Rule(part="header", path="x-a", kind="changed")
    full, other, none = (
        answer(headers=headers)
        for headers in (((b"X-A", b"1"),), ((b"X-A", b"2"),), ())
    )

    assert "explained" == compare(full, other, Settings(rules=(rule,))).result
    assert "different" == compare(full, none, Settings(rules=(rule,))).result


def test_a_shape_is_a_matter_of_the_rule_alone() -> None:
    """It holds as well where the settings do not take the likeness for noise."""
    rule = Rule(path="/id", shape="sequence")
    comparison = compare_json({"id": 1}, {"id": 2}, rules=(rule,), value_shapes=())

    assert "explained" == comparison.result


def test_rules_are_added_and_replaced_while_it_runs() -> None:
    """Those of the settings stay; a wrong one changes nothing."""
    sides = [
        answer(b'{"a": %d, "b": %d}' % pair, kind="application/json")
        for pair in ((1, 1), (2, 2))
    ]
    settings = Settings(ignore_paths=("/a",))
    comparer = Comparer(settings, rules=(Rule(path="/b"),))

    def result() -> str:
        return comparer.compare(exchange(sides[0]), "shadow", sides[1]).result

    assert "explained" == result()
    with pytest.raises(ConfigurationError, match=r"added rules\[0\]"):
        comparer.replace_rules((Rule(path="b"),))
    assert "explained" == result()
    comparer.replace_rules(())
    assert "different" == result()
