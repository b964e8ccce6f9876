"""Tests of what counts as exercised, and what is missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import CONTROL, KnownRoute, RouteUse
from shadow_middleware.report.coverage import (
    ClassUse,
    Coverage,
    Gap,
    TargetCoverage,
    Why,
    coverage_of,
)


def listed(*routes: str) -> list[KnownRoute]:
    return [KnownRoute(route, 0.0) for route in routes]


def use(route: str, seen: int, mirrored: int = 0, status_class: int = 2) -> RouteUse:
    return RouteUse(0, route, status_class, seen, mirrored)


def total(
    route: str,
    count: int = 1,
    outcome: Outcome = Outcome.MATCH,
    *,
    target: str = "a",
    reason: str = "",
) -> Total:
    return Total(target, route, outcome, reason, count)


def only(coverage: Coverage) -> TargetCoverage:
    """Return the one target that there has to be."""
    assert 1 == len(coverage.targets)
    return coverage.targets[0]


def test_a_route_that_nobody_used_is_a_gap() -> None:
    """W68: it is listed and no evidence, however well the other one agrees."""
    found = only(
        coverage_of(
            listed("GET /a", "GET /b"), [use("GET /a", 10, 10)], [total("GET /a", 10)]
        )
    )

    assert (2, 1, 0.5) == (found.known, found.exercised, found.route_share)
    assert (10, 10, 1.0) == (found.seen, found.covered, found.traffic_share)
    assert (Gap("GET /b", Why.UNUSED, 0),) == found.gaps


def test_gaps_come_in_the_order_of_live_traffic() -> None:
    """What most requests meet first; each says what is missing."""
    found = only(
        coverage_of(
            listed("GET /idle", "POST /orders", "GET /slow", "GET /mixed"),
            [
                use("GET /slow", 50, 50),
                use("POST /orders", 70),
                use("GET /mixed", 900, 900),
                use("GET /mixed", 5, 0, status_class=4),
                use("GET /outside", 60),
            ],
            [total("GET /mixed"), total("GET /slow", 50, Outcome.DROPPED)],
        )
    )

    assert (
        Gap("POST /orders", Why.UNMIRRORED, 70),
        Gap("GET /outside", Why.UNMIRRORED, 60),
        Gap("GET /slow", Why.UNDECIDED, 50),
        Gap("GET /mixed", Why.PARTIAL, 5, (4,)),
        Gap("GET /idle", Why.UNUSED, 0),
    ) == found.gaps
    assert (4, 1) == (found.known, found.exercised)
    assert (1085, 900) == (found.seen, found.covered)


def test_what_live_could_not_answer_is_neither_covered_nor_missing() -> None:
    """There is no right answer to compare with: 5xx and exceptions are left out."""
    uses = [
        use("GET /a", 10, 10),
        use("GET /a", 3, 0, status_class=5),
        use("GET /a", 2, 0, status_class=0),
    ]
    found = only(coverage_of(listed("GET /a"), uses, [total("GET /a", 10)]))

    assert (10, 10, ()) == (found.seen, found.covered, found.gaps)


def test_a_route_that_takes_any_method_stands_under_those_that_were_used() -> None:
    """As `* /a` only where nobody used it."""
    routes = listed("* /a", "* /b")
    coverage = coverage_of(
        routes, [use("GET /a", 1, 1), use("PUT /a", 1)], [total("GET /a")]
    )

    assert [("GET /a", True), ("PUT /a", True), ("* /b", True)] == [
        (row.route, row.known) for row in coverage.routes
    ]
    assert (2, 1) == (only(coverage).known, only(coverage).exercised)


def test_head_and_options_belong_to_the_routes_they_ask_of() -> None:
    """Routers answer them along with the others; a HEAD exercises no GET."""
    uses = [use("HEAD /a", 1, 1), use("OPTIONS /a", 1), use("HEAD /b", 1)]
    coverage = coverage_of(listed("GET /a", "PUT /b"), uses, [total("HEAD /a")])

    known = {row.route: row.known for row in coverage.routes if row.seen}
    assert {"HEAD /a": True, "OPTIONS /a": True, "HEAD /b": False} == known
    assert 0 == only(coverage).exercised


def test_targets_are_told_apart_and_the_control_is_none() -> None:
    """What one target was put to the test with says nothing of another."""
    coverage = coverage_of(
        listed("GET /a"),
        [use("GET /a", 4, 4)],
        [total("GET /a", 4, target="b"), total("GET /a", 4, target=CONTROL)],
        ["a"],
    )

    assert [("a", 0, 0), ("b", 1, 4)] == [
        (one.target, one.exercised, one.covered) for one in coverage.targets
    ]
    assert {"a": 0, "b": 4} == coverage.routes[0].decided


def test_a_shadow_that_is_down_was_put_to_the_test() -> None:
    """Held back by its breaker or out of time is decided, and against it."""
    totals = [
        total("GET /a", 2, Outcome.SKIPPED, reason="breaker_open"),
        total("GET /a", 1, Outcome.TIMEOUT),
        total("GET /a", 9, Outcome.SKIPPED, reason="sendfile"),
    ]
    coverage = coverage_of((), [use("GET /a", 12, 12)], totals)

    assert {"a": 3} == coverage.routes[0].decided


def test_how_much_is_enough_can_be_said() -> None:
    """A route with fewer decided replays is undecided."""
    given = (listed("GET /a"), [use("GET /a", 9, 9)], [total("GET /a", 9)])

    assert 1 == only(coverage_of(*given, enough=9)).exercised
    few = only(coverage_of(*given, enough=10))
    assert (0, (Gap("GET /a", Why.UNDECIDED, 9),)) == (few.exercised, few.gaps)


def test_without_a_list_the_share_of_routes_is_unknown() -> None:
    """Not 0 and not 1; the share of the traffic is known all the same."""
    coverage = coverage_of((), [use("GET /a", 3, 3)], [total("GET /a", 3)])

    assert (0, None, 1.0) == (
        coverage.known,
        only(coverage).route_share,
        only(coverage).traffic_share,
    )
    assert [False] == [row.known for row in coverage.routes]


def test_nothing_at_all_is_nothing() -> None:
    """An empty store has no targets; one that is asked for has no shares."""
    assert Coverage((), (), 0) == coverage_of((), (), ())
    assert (None, None) == (
        only(coverage_of((), (), (), ["a"])).route_share,
        only(coverage_of((), (), (), ["a"])).traffic_share,
    )


def test_days_add_up_and_what_has_no_route_is_no_route() -> None:
    """Uses of one class are one row; drops before the wall have none."""
    uses = [use("GET /a", 3, 1), use("GET /a", 4, 2), use("GET /a", 1, 1, 3)]
    coverage = coverage_of((), uses, [total("-", 5, Outcome.DROPPED)])

    assert [(ClassUse(2, 7, 3), ClassUse(3, 1, 1))] == [
        row.classes for row in coverage.routes
    ]


def test_what_nobody_lists_and_nobody_used_is_no_gap() -> None:
    """Such as a route of which only old counts are left."""
    assert () == only(coverage_of((), (), [total("GET /a", 5, Outcome.DROPPED)])).gaps


ROUTES = st.sampled_from(["GET /a", "* /a", "PUT /b", "HEAD /a", "(other)", "-"])


@given(
    known=st.sets(ROUTES),
    uses=st.lists(st.builds(use, ROUTES, st.integers(0, 9), st.just(0))),
    more=st.lists(st.builds(use, ROUTES, st.integers(0, 9), st.integers(0, 9))),
    totals=st.lists(st.builds(total, ROUTES, st.integers(0, 9))),
)
def test_no_share_leaves_its_bounds(
    known: set[str],
    uses: list[RouteUse],
    more: list[RouteUse],
    totals: list[Total],
) -> None:
    """Parts are never more than their wholes, and no route is told of twice."""
    coverage = coverage_of(listed(*known), uses + more, totals)

    for found in coverage.targets:
        assert 0 <= found.exercised <= found.known == len(known)
        assert 0 <= found.covered <= found.seen
    names = [row.route for row in coverage.routes]
    assert len(names) == len(set(names))
