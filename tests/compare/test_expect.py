"""Expected changes: there, they are explained; missing, they are the divergence."""

from __future__ import annotations

from typing import Any

import pytest

from shadow_middleware.compare import Comparer
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.rule_checks import complaint
from shadow_middleware.settings import Rule, Settings
from tests.compare.making import answer, body, compare, compare_json, exchange


def expect(**fields: Any) -> Rule:
    """A rule that expects a change."""
    return Rule(action="expect", name="meant", **fields)


VERSION = expect(path="/version", live="1", shadow="2")
HIT = (("meant", "expected"),)


@pytest.mark.parametrize(
    ("rule", "live", "shadow"),
    [
        (VERSION, {"version": 1}, {"version": 2}),
        (VERSION, {"version": "1"}, {"version": "2"}),
        (expect(path="/*/v", live="a.*", shadow="b.*"), [{"v": "ax"}], [{"v": "bx"}]),
        (expect(path="/old", kind="missing"), {"old": [1], "b": 1}, {"b": 1}),
        (expect(path="/*/new", kind="added"), [{"a": 1}], [{"a": 1, "new": {}}]),
        (expect(path="/n", kind="type"), {"n": 1}, {"n": "1"}),
        (expect(path="/n", kind="changed"), {"n": 1}, {"n": 5}),
        (expect(path="/n", live=r"\d+", shadow="null"), {"n": 1}, {"n": None}),
    ],
)
def test_an_expected_change_is_explained_and_its_absence_is_told(
    rule: Any, live: Any, shadow: Any
) -> None:
    """W62: also where the answers are the same byte for byte; never between twins."""
    there = compare_json(live, shadow, rules=(rule,))
    absent = compare_json(live, live, rules=(rule,))
    raw = answer(str(live).replace("'", '"').encode(), kind="application/json")
    twins = Comparer(Settings(rules=(rule,))).compare(
        exchange(raw), "shadow", raw, twins=True
    )

    assert ("explained", ("meant",), HIT) == (there.result, there.explained, there.hits)
    assert ["unchanged"] == [d.kind for d in absent.differences]
    assert "'meant' expects a change" in absent.differences[0].note
    assert ("equal", ()) == (twins.result, twins.hits)


@pytest.mark.parametrize(
    ("rule", "live", "shadow", "kinds"),
    [
        # Another change than the one that is meant, at the same place.
        (VERSION, {"version": 1}, {"version": 3}, ["changed"]),
        (VERSION, {"version": 1}, {}, ["missing"]),
        (VERSION, {"version": 5}, {"version": 2}, ["changed"]),
        (expect(path="/n", kind="changed"), {"n": 1}, {"n": "1"}, ["type"]),
        (
            expect(path="/a", kind="missing"),
            {"a": 1},
            {"a": 2},
            ["unchanged", "changed"],
        ),
        # Nothing is expected of other values, or where live has nothing.
        (VERSION, {"version": 5}, {"version": 5}, []),
        (VERSION, {}, {}, []),
        (expect(path="/a", kind="missing"), {}, {}, []),
        (expect(path="/a", kind="added"), {"a": 1}, {"a": 1}, []),
        # Beside it, everything counts.
        (VERSION, {"version": 1, "b": 1}, {"version": 2, "b": 2}, ["changed"]),
    ],
)
def test_only_the_change_that_is_meant_is_explained(
    rule: Any, live: Any, shadow: Any, kinds: Any
) -> None:
    """Everything else at that place stays a divergence."""
    comparison = compare_json(live, shadow, rules=(rule,))

    assert kinds == [d.kind for d in comparison.differences]
    assert ("different" if kinds else "equal") == comparison.result


def test_rows_are_known_by_their_names_in_lists_of_one_length() -> None:
    """Another row in the same position says nothing of a change."""
    live = [{"id": 1, "v": 1}, {"id": 2, "v": 1}]
    shadow = [{"id": 2, "v": 2}, {"id": 3, "v": 1}]
    rule = expect(path="/*/v", live="1", shadow="2")
    comparison = compare_json(live, shadow, rules=(rule,))

    assert "unchanged" not in {str(d.kind) for d in comparison.differences}


def test_nothing_is_expected_between_twins() -> None:
    """Two answers of one version that differ are told as they are."""
    sides = [
        answer(b'{"version": %d, "b": %d}' % pair, kind="application/json")
        for pair in ((1, 1), (2, 1), (1, 2))
    ]
    comparer = Comparer(Settings(rules=(VERSION,)))
    changed, beside = (
        comparer.compare(exchange(sides[0]), "shadow", side, twins=True)
        for side in sides[1:]
    )

    assert ["/version"] == [d.path for d in changed.differences]
    assert ["/b"] == [d.path for d in beside.differences]


def test_rows_are_known_again_where_one_was_put_in_front() -> None:
    """The row that did not change is told at its own place."""
    live = [{"id": 1, "v": 1}, {"id": 2, "v": 1}]
    shadow = [{"id": 0, "v": 2}, {"id": 1, "v": 2}, {"id": 2, "v": 1}]
    rule = expect(path="/*/v", live="1", shadow="2")
    comparison = compare_json(live, shadow, rules=(rule,))

    assert [("unchanged", "/1/v"), ("added", "/0")] == [
        (d.kind, d.path) for d in comparison.differences
    ]
    assert HIT == comparison.hits


@pytest.mark.parametrize(
    ("rule", "live", "shadow"),
    [
        (expect(part="header", path="x-api", live="1", shadow="2"), b"1", b"2"),
        (expect(part="header", path="x-api", kind="missing"), b"1", None),
        (expect(part="header", path="X-Api", kind="added"), None, b"1"),
    ],
)
def test_a_header_may_be_expected_to_change(rule: Any, live: Any, shadow: Any) -> None:
    """To come, to go, or to have another value."""
    sides = [
        answer(headers=((b"X-Api", value),) if value else ())
        for value in (live, shadow)
    ]
    there = compare(sides[0], sides[1], Settings(rules=(rule,)))
    absent = compare(sides[0], sides[0], Settings(rules=(rule,)))

    assert ("explained", HIT) == (there.result, there.hits)
    assert [("x-api", "unchanged")] == [(d.path, d.kind) for d in absent.differences]


def test_a_status_may_be_expected_to_change() -> None:
    """From one to another; of other statuses nothing is expected."""
    settings = Settings(rules=(expect(part="status", live="404", shadow="410"),))

    def asked(live: int, shadow: int) -> Any:
        made = compare(answer(status=live), answer(status=shadow), settings)
        return made.result, [(d.kind, d.live_is, d.shadow_is) for d in made.differences]

    assert ("explained", []) == asked(404, 410)
    assert ("different", [("unchanged", "404", "404")]) == asked(404, 404)
    assert ("different", [("changed", "404", "500")]) == asked(404, 500)
    assert ("equal", []) == asked(200, 200)


def test_a_cookie_may_be_expected_to_get_a_flag() -> None:
    """By its attributes: its value is nobody's business."""
    rule = expect(
        part="header", path="set-cookie/sid", live="sid=…", shadow="sid=…; secure"
    )
    sides = [
        answer(headers=((b"Set-Cookie", value),))
        for value in (b"sid=s3cret", b"sid=s3cret; Secure")
    ]
    there = compare(sides[0], sides[1], Settings(rules=(rule,)))
    absent = compare(sides[0], sides[0], Settings(rules=(rule,)))

    assert ("explained", HIT) == (there.result, there.hits)
    assert [("set-cookie/sid", "unchanged")] == [
        (d.shape, d.kind) for d in absent.differences
    ]
    assert "s3cret" not in repr(absent)


def test_other_routes_are_not_looked_at() -> None:
    """Answers that are the same cost nothing where nothing is expected."""
    reads = iter(range(100))

    def clock() -> float:
        return float(next(reads))

    rule = expect(path="/version", live="1", shadow="2", route="/other")
    raw = answer(b'{"version": 1}', kind="application/json")
    compare(raw, raw, Settings(rules=(rule,)), clock=clock)

    assert 0 == next(reads)


def test_what_cannot_be_read_is_no_evidence_of_an_absent_change() -> None:
    """A body that was cut by a cap may hold the change or not."""
    rule = expect(path="/version", live="1", shadow="2")
    cut = answer(body(b'{"version": 1, "b": "long"}', 12), kind="application/json")
    comparison = compare(cut, cut, Settings(rules=(rule,)))

    assert "incomparable" == comparison.result


@pytest.mark.parametrize(
    ("rule", "problem", "better"),
    [
        (expect(path="/a"), "does not say what changes", "give live and shadow"),
        (expect(live="1"), "everywhere", "give the path"),
        (expect(path="/a", live="1", shadow="1"), "no change", "what it becomes"),
        (expect(path="/a", kind="order"), "cannot be expected", "'ignore'"),
        (expect(path="/a", kind="missing", shadow="1"), "'shadow'", "leave out"),
        (expect(path="/a", kind="added", live="1"), "'live'", "leave out"),
        (expect(path="/**/a", kind="added"), "where the member", "name the member"),
        (expect(path="/a/*", kind="added"), "where the member", "name the member"),
        (expect(part="header", path="x-*", kind="added"), "does not name", "name it"),
        (expect(path="/a", live="1", matches="1"), "'matches'", "'live'"),
        (expect(path="/a", kind="changed", shape="uuid"), "'shape'", "'live'"),
        (Rule(path="/a", live="1"), "'live'", "'expect'"),
        (
            Rule(action="tolerate", path="/a", absolute=1, kind="type"),
            "'kind'",
            "ignore",
        ),
        (Rule(path="/a", shape="uiid"), "not known", "'uuid'"),
        (Rule(path="/a", shape="colour"), "not known", "timestamp"),
        (Rule(path="/a", shape="uuid", kind="type"), "different types", "leave out"),
        (Rule(path="/a", shape="uuid", kind="order"), "never meet", "leave out"),
        (Rule(part="status", kind="changed"), "no meaning", "statuses"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(
    rule: Any, problem: str, better: str
) -> None:
    """With what is wrong, and what would be right."""
    found = complaint(rule)

    assert found is not None
    assert problem in found[0]
    assert better in found[1]
    with pytest.raises(ConfigurationError, match="rules"):
        Comparer(Settings(rules=(rule,)))


@pytest.mark.parametrize("field", ["live", "shadow"])
def test_a_pattern_that_is_none_is_refused(field: str) -> None:
    """With the name of the field."""
    with pytest.raises(ConfigurationError, match=f"{field}='\\('"):
        Comparer(Settings(rules=(expect(path="/a", **{field: "("}),)))
