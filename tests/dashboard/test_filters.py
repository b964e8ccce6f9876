"""The filter of a page, as its URL says: shared links mean the same to everybody."""

from __future__ import annotations

import pytest

from shadow_middleware.dashboard.filters import Filters, filters_of

NOW = 1_800_000_000.0


def test_without_a_query_all_evidence_is_meant() -> None:
    """The plain address of a page hides nothing."""
    assert Filters() == filters_of({}, NOW)


@pytest.mark.parametrize(
    ("since", "start"),
    [
        ("15m", NOW - 900),
        ("24h", NOW - 86_400),
        ("2027-01-15T08:00", NOW),
        ("2027-01-15T10:00+02:00", NOW),
    ],
)
def test_a_time_is_a_length_or_a_moment(since: str, start: float) -> None:
    """Moments without a zone are UTC."""
    found = filters_of({"since": since}, NOW)

    assert (start, since, "") == (found.start, found.since, found.problem)


@pytest.mark.parametrize("since", ["soon", "1y", "-1h", "9" * 40 + "h", "99999"])
def test_what_is_no_time_is_said_and_all_time_is_shown(since: str) -> None:
    """A mistyped link shows everything and says so, instead of failing."""
    found = filters_of({"since": since}, NOW)

    assert (None, "") == (found.start, found.since)
    assert since in found.problem


def test_target_and_route_are_taken_as_they_are() -> None:
    """Whatever an app calls them; empty is all."""
    found = filters_of({"target": "v2", "route": "GET /a b", "since": ""}, NOW)

    assert ("v2", "GET /a b") == (found.target, found.route)
    assert filters_of({"target": "", "route": ""}, NOW) == Filters()


def test_links_carry_target_and_time_but_no_route() -> None:
    """A route belongs to its page; the other two stay from page to page."""
    found = filters_of({"target": "v2", "route": "GET /", "since": "1h"}, NOW)

    assert {"target": "v2", "since": "1h"} == found.query


def test_the_period_is_said_in_words() -> None:
    """A screen reader and a printed page say what time is shown."""
    assert "last hour" == filters_of({"since": "1h"}, NOW).period
    assert "since 3h" == filters_of({"since": "3h"}, NOW).period
    assert "all time" == filters_of({}, NOW).period
