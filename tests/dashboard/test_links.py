"""Links: right under any prefix, with the filter, and safe whatever a name holds."""

from __future__ import annotations

import pytest

from shadow_middleware.dashboard.links import Links, static_version

PATHS = {"overview": "/", "routes": "/routes", "group": "/groups/{fingerprint}"}


def links(prefix: str = "", kept: dict[str, str] | None = None, **query: str) -> Links:
    """Return what makes links."""
    return Links(prefix, PATHS, kept or {}, query)


@pytest.mark.parametrize("prefix", ["", "/shadow", "/a/b c"])
def test_a_link_stays_below_the_prefix(prefix: str) -> None:
    """Wherever it is mounted, a link leads to the same page."""
    assert prefix.replace(" ", "%20") + "/routes" == links(prefix).url("routes")


def test_a_link_carries_the_filter_on() -> None:
    """From page to page the target and the time stay as they were chosen."""
    made = links(kept={"target": "v2", "since": "1h"}).url("routes")

    assert "/routes?target=v2&since=1h" == made


def test_a_filter_that_is_given_anew_wins() -> None:
    """A link can lead to another target, or to all."""
    made = links(kept={"target": "v2", "since": "1h"})

    assert "/routes?target=v3" == made.url("routes", target="v3", since=None)


def test_only_a_link_to_the_page_itself_keeps_the_rest_of_the_query() -> None:
    """Another order keeps what was searched for, another page does not."""
    made = links(find="users", sort="count")

    assert "/routes" == made.url("routes")
    assert "/routes?find=users&sort=rate" == made.url("routes", _keep=True, sort="rate")


def test_what_fills_a_placeholder_cannot_leave_it() -> None:
    """A slash, a question mark or dots in a name stay part of that name."""
    made = links().url("group", fingerprint="../a?b#c")

    assert "/groups/..%2Fa%3Fb%23c" == made


def test_what_stands_in_the_query_cannot_add_to_it() -> None:
    """An ampersand in a route stays part of the route."""
    assert "/routes?route=GET+%2Fa%26b%3Dc" == links().url("routes", route="GET /a&b=c")


def test_a_packaged_file_has_another_address_after_each_change() -> None:
    """Browsers may keep a file for as long as they like."""
    version = static_version("dashboard.css")

    assert f"/x/static/dashboard.css?v={version}" == links("/x").static("dashboard.css")
    assert version != static_version("dashboard.js")
