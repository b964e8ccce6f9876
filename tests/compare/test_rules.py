"""Every kind of rule: it explains what it should, and nothing beside it. W44"""

from __future__ import annotations

import time
from typing import Any

import pytest

from shadow_middleware.compare import Comparer
from shadow_middleware.compare.rules import RuleBook
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.settings import Rule, Settings
from tests.compare.making import answer, compare, compare_json, found

ROWS = [{"id": n, "name": f"n{n}"} for n in range(5)]


def tolerate(**fields: Any) -> Any:
    """A rule that tolerates."""
    return Rule(action="tolerate", **fields)


@pytest.mark.parametrize(
    ("rule", "live", "shadow", "beside"),
    [
        # rule, values that it explains, and a shadow value that it must not explain
        (Rule(path="/a"), {"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2}),
        (Rule(path="/a"), {"a": 1, "b": 1}, {"b": 1}, {"a": 1}),
        (Rule(path="/a"), {"b": 1}, {"a": [1], "b": 1}, {"b": 1, "c": 1}),
        (Rule(path="/a/*"), {"a": {"x": 1}}, {"a": {"y": 2}}, {"a": 1}),
        (Rule(path="/*/t"), [{"t": 1, "u": 1}], [{"t": 2, "u": 1}], [{"t": 1, "u": 2}]),
        (Rule(path="/**/t"), {"a": [{"t": 1}]}, {"a": [{"t": 2}]}, {"a": [{"u": 1}]}),
        (Rule(path="/t_*"), {"t_a": 1, "s": 1}, {"t_a": 2, "s": 1}, {"t_a": 1, "s": 2}),
        (Rule(path="/1"), [1, 2, 3], [1, 9, 3], [1, 2, 9]),
        (Rule(path="/2"), [1, 2], [1, 2, 3], [1, 3]),
        (
            Rule(path="/a~1b"),
            {"a/b": 1, "a": 1},
            {"a/b": 2, "a": 1},
            {"a/b": 1, "a": 2},
        ),
        (Rule(path="/a", matches=r"\d+"), {"a": "1"}, {"a": "22"}, {"a": "x"}),
        (Rule(path="/a", matches=r"\d+"), {"a": 1}, {"a": 22}, {}),
        (tolerate(path="/a", absolute=0.1), {"a": 1.0}, {"a": 1.05}, {"a": 1.2}),
        (tolerate(path="/a", relative=0.1), {"a": 100}, {"a": 109}, {"a": 120}),
        (tolerate(path="/a", absolute=9), {"a": 1}, {"a": 2}, {"a": "2"}),
        (tolerate(path="/a", absolute=9), {"a": 1}, {"a": 0}, {"a": True}),
        (
            tolerate(path="/a", absolute=9, matches="-.*"),
            {"a": -1},
            {"a": -2},
            {"a": 2},
        ),
        (tolerate(path="/a", unordered=True), {"a": [1, 2]}, {"a": [2, 1]}, {"a": [2]}),
        (
            tolerate(path="/a", unordered=True),
            {"a": [1, 1, 2]},
            {"a": [2, 1, 1]},
            {"a": [2, 2, 1]},
        ),
        (
            tolerate(path="/a", unordered=True),
            {"a": [1, 2]},
            {"a": [2, 1]},
            {"a": [2, True]},
        ),
        (tolerate(path="", unordered=True), [[1], [2]], [[2], [1]], [[2], [3]]),
        (
            tolerate(path="", keyed_by="name"),
            ROWS,
            ROWS[::-1],
            [*ROWS[:0:-1], {"id": 9, "name": "n0"}],
        ),
    ],
)
def test_a_rule_explains_what_it_states_and_nothing_else(
    rule: Any, live: Any, shadow: Any, beside: Any
) -> None:
    """W44: each rule is applied, is named, and stops where it ends."""
    rules = (rule,)
    explained = compare_json(live, shadow, rules=rules)
    name = explained.explained[0]

    assert "explained" == explained.result
    assert name.startswith(rule.action)
    assert "different" == compare_json(live, shadow).result
    assert "different" == compare_json(live, beside, rules=rules).result


def test_a_rule_is_reported_by_its_own_name() -> None:
    """Names given by the user are kept."""
    rules = (Rule(name="clock", path="/at"),)

    assert ("clock",) == compare_json({"at": 1}, {"at": 2}, rules=rules).explained


def test_a_rule_that_was_not_needed_is_not_named() -> None:
    """The ignored values were the same; only the writing differed."""
    comparison = compare_json(b'{"a":1}', b'{"a": 1}', ignore_paths=("/a",))

    assert ("json-formatting",) == comparison.explained


def test_ignore_paths_are_rules_too() -> None:
    """The short form in the settings is named after its path."""
    comparison = compare_json(
        [{"v": 1, "at": 1}], [{"v": 1, "at": 2}], ignore_paths=("/*/at",)
    )

    assert ("ignore_paths:/*/at",) == comparison.explained


def test_the_whole_body_can_be_ignored() -> None:
    """`**` is every path, the root included."""
    comparison = compare(
        answer(b"\x00", kind="image/png"),
        answer(b"\x01", kind="image/png"),
        Settings(ignore_paths=("**",)),
    )

    assert ("explained", ("ignore_paths:**",)) == (
        comparison.result,
        comparison.explained,
    )


def test_ignored_values_do_not_upset_the_alignment_of_rows() -> None:
    """A row in front is one insertion even where every row has a volatile member."""
    live = [{"id": n, "at": n} for n in range(100)]
    shadow = [{"id": -1, "at": 0}, *({"id": n, "at": n + 7} for n in range(100))]
    for rule in (Rule(path="/*/at"), Rule(path="/*/at", matches=r"\d+")):
        assert [("added", "/0")] == found(compare_json(live, shadow, rules=(rule,)))


@pytest.mark.parametrize(
    ("route", "applies"),
    [
        ("**", True),
        ("/users/{id}", True),
        ("/users/*", True),
        ("GET /users/*", True),
        ("get /users/*", True),
        ("* /users/*", True),
        ("POST /users/*", False),
        ("/users", False),
        ("/orders/**", False),
    ],
)
def test_a_rule_applies_to_its_routes(route: str, applies: bool) -> None:
    """Routes are globs, with or without a method."""
    comparison = compare(
        answer(b"[1]", kind="application/json"),
        answer(b"[2]", kind="application/json"),
        Settings(rules=(Rule(route=route, path="/0"),)),
        route="/users/{id}",
    )

    assert applies == (comparison.result == "explained")


@pytest.mark.parametrize(("target", "applies"), [("sha*", True), ("other", False)])
def test_a_rule_applies_to_its_targets(target: str, applies: bool) -> None:
    """Another target is judged without it."""
    comparison = compare_json([1], [2], rules=(Rule(target=target, path="/0"),))

    assert applies == (comparison.result == "explained")


@pytest.mark.parametrize(
    ("rule", "shadow", "result"),
    [
        (tolerate(part="status", statuses=(200, 201)), 201, "explained"),
        (tolerate(part="status", statuses=(200, 201)), 202, "different"),
        (tolerate(part="status", statuses=(201, 202)), 201, "different"),
        (Rule(part="status"), 500, "explained"),
    ],
)
def test_statuses_can_count_as_the_same(rule: Any, shadow: Any, result: Any) -> None:
    """Only where both are among those stated."""
    settings = Settings(rules=(rule,))

    assert result == compare(answer(), answer(status=shadow), settings).result


@pytest.mark.parametrize(
    ("rule", "live", "shadow", "result"),
    [
        (Rule(part="header", path="x-a"), b"1", b"2", "explained"),
        (Rule(part="header", path="X-*"), b"1", b"2", "explained"),
        (Rule(part="header", path="x-b"), b"1", b"2", "different"),
        (Rule(part="header", path="x-a", matches=r"\d"), b"1", b"2", "explained"),
        (Rule(part="header", path="x-a", matches=r"\d"), b"1", b"22", "different"),
        (tolerate(part="header", path="x-a", absolute=1), b"1", b"2", "explained"),
        (tolerate(part="header", path="x-a", absolute=1), b"1", b"3", "different"),
        (
            tolerate(part="header", path="x-a", unordered=True),
            b"a, b",
            b"b,a",
            "explained",
        ),
        (
            tolerate(part="header", path="x-a", unordered=True),
            b"a, b",
            b"b,c",
            "different",
        ),
    ],
)
def test_header_rules(rule: Any, live: Any, shadow: Any, result: Any) -> None:
    """Headers have rules of the same kinds."""
    settings = Settings(rules=(rule,))
    comparison = compare(
        answer(headers=((b"X-A", live),)), answer(headers=((b"x-a", shadow),)), settings
    )

    assert result == comparison.result


def test_ignore_headers_takes_globs_in_any_case() -> None:
    """The short form for headers."""
    comparison = compare(
        answer(headers=((b"X-Build", b"1"),)),
        answer(headers=((b"x-build", b"2"),)),
        Settings(ignore_headers=("X-B*",)),
    )

    assert ("ignore_headers:X-B*",) == comparison.explained


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (Rule(name="r", path="/a", matches="(?=a)"), "matches='(?=a)'"),
        (Rule(name="r", path="/a", matches="("), "matches='('"),
        (Rule(name="r", path="/a", absolute=0.1), "absolute"),
        (Rule(name="r", path="/a", unordered=True), "unordered"),
        (Rule(name="r", action="tolerate", path="/a"), "tolerates nothing"),
        (tolerate(name="r", path="/a", absolute=-1.0), "absolute=-1.0"),
        (tolerate(name="r", path="/a", statuses=(200,)), "statuses"),
        (tolerate(name="r", part="status", absolute=1.0), "absolute"),
        (tolerate(name="r", path="/a", unordered=True, keyed_by="id"), "keyed_by"),
        (Rule(name="r", path="$.items[0].id"), "path '$.items[0].id'"),
        (Rule(name="r", path="items"), "'/items'"),
        (Rule(name="r", part="status", path="/a"), "no meaning for part 'status'"),
        (Rule(name="r", part="header", path="/x-a"), "write 'x-a'"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_at_the_start(rule: Any, told: str) -> None:
    """The message names the rule, the field, and what would be right."""
    with pytest.raises(ConfigurationError) as caught:
        Comparer(Settings(rules=(Rule(path="/fine"), rule)))

    assert "rules[1] ('r')" in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|aa)*c", "(a*)*(a*)*(a*)*x", "(x+x+)+y|(a?){50}a{50}b"]
)
def test_no_pattern_hangs(pattern: str) -> None:
    """W55: what takes a backtracking matcher for ever takes RE2 a moment."""
    rules = (Rule(path="/**", matches=pattern),)
    value = ["a" * 8_000] * 20
    started = time.process_time()
    comparison = compare_json(value, [*value[:-1], "b"], rules=rules)

    assert "different" == comparison.result
    assert time.process_time() - started < 5


def test_no_path_glob_hangs() -> None:
    """W55: many `**` in many patterns are still one pass."""
    paths = tuple(f"/**/a/**/b/**/c{n}/**/d" for n in range(20))
    value: object = 1
    for _ in range(150):
        value = {"a": value, "b": 1}
    started = time.process_time()

    assert "different" == compare_json(value, {"a": 1}, ignore_paths=paths).result
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("live", "shadow", "result"),
    [
        ([1.0, 5.0, 9.0], [9.05, 1.05, 5.05], "explained"),
        ([1.0, 5.0, 9.0], [9.05, 1.05, 7.0], "different"),
    ],
)
def test_unordered_numbers_may_be_tolerated_as_well(
    live: object, shadow: object, result: str
) -> None:
    """Both sides are paired by size."""
    rules = (
        tolerate(name="order", path="", unordered=True),
        tolerate(name="close", path="/*", absolute=0.1),
    )

    assert result == compare_json(live, shadow, rules=rules).result


def test_rows_that_lack_the_key_are_paired_in_order() -> None:
    """And rows whose key is on one side only stand alone."""
    live = [{"k": "a"}, {"v": 1}, {"k": "b"}]
    shadow = [{"k": "c"}, {"k": "a"}, {"v": 2}]
    rules = (tolerate(path="", keyed_by="k"),)

    assert [("missing", "/2"), ("added", "/0"), ("changed", "/1/v")] == found(
        compare_json(live, shadow, rules=rules)
    )


def test_many_nameless_rows_are_told_as_missing_and_added() -> None:
    """Pairing them by likeness would cost the square of their number."""
    live, shadow = ([{"x": n + by} for n in range(20)] for by in (0, 100))
    rules = (tolerate(path="", unordered=True),)

    assert {"missing", "added"} == {
        kind for kind, _ in found(compare_json(live, shadow, rules=rules))
    }


def test_unordered_scalars_that_differ_are_missing_and_added() -> None:
    """Nothing pairs two words."""
    rules = (tolerate(path="", unordered=True),)
    comparison = compare_json(["a", "b", "c"], ["c", "x", "y"], rules=rules)

    assert 4 == len(comparison.differences)


def test_an_ignored_list_item_does_not_shift_the_others() -> None:
    """Indexes stay what they were."""
    comparison = compare_json([1, {"a": 2}, 3], [9, {"a": 4}, 3], ignore_paths=("/0",))

    assert [("changed", "/1/a")] == found(comparison)


@pytest.mark.parametrize(
    "value",
    [b"null", b"true", b"1.5", b"7" * 4_250, b'"\\ud800"', b'"%s"' % (b"1" * 9_000)],
)
def test_a_pattern_that_does_not_fit_a_value_leaves_the_difference(
    value: bytes,
) -> None:
    """Whatever the value is, and however long."""
    rules = (Rule(path="/a", matches="[0-9]{1,3}|1*"),)

    assert (
        "different"
        == compare_json(b'{"a": %s}' % value, b'{"a": 7}', rules=rules).result
    )


@pytest.mark.parametrize(
    ("pattern", "value"), [("null", None), ("true", True), ("1.5", 1.5)]
)
def test_patterns_see_values_as_json_writes_them(pattern: str, value: object) -> None:
    """So that they can name them."""
    rules = (Rule(path="/a", matches=f"{pattern}|x"),)

    assert "explained" == compare_json({"a": value}, {"a": "x"}, rules=rules).result


def test_numbers_beyond_a_float_are_not_close() -> None:
    """No tolerance is computed where it cannot be."""
    rules = (tolerate(path="/0", absolute=1e300),)

    assert "different" == compare_json([10**400], [1.5], rules=rules).result


def test_a_rule_for_one_cookie_leaves_the_others() -> None:
    """Cookies are named `set-cookie/NAME`."""
    settings = Settings(ignore_headers=("set-cookie/a",))

    def result(name: bytes) -> str:
        live = answer(headers=((b"Set-Cookie", name + b"=1; Secure; SameSite=LAX"),))
        shadow = answer(headers=((b"Set-Cookie", name + b"=1; SameSite=lax"),))
        return compare(live, shadow, settings).result

    assert ["explained", "different"] == [result(b"a"), result(b"b")]


def test_rules_are_chosen_afresh_for_any_number_of_routes() -> None:
    """A raw path may stand in for a route, so there is no end of them."""
    book = RuleBook(Settings(rules=(Rule(route="/r1/*", path="/a"),)))
    chosen = [book.select("s", "GET", f"/r{n % 3}/{n}") for n in range(3_000)]

    assert 2 == len({id(rules) for rules in chosen})
    assert {True, False} == {rules.has_body_rules for rules in chosen}
