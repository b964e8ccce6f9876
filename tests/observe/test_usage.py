"""Counting in the agent what live traffic used, and what the app has."""

from __future__ import annotations

from shadow_middleware.exchange import Exchange, Request, Response, Timing
from shadow_middleware.knowledge import DAY, MANY, KnownRoute, RouteUse
from shadow_middleware.observe.usage import LONGEST, MOST_NAMES, Usage
from shadow_middleware.settings import load
from shadow_middleware.transform.redact import Redactor

SECRET = "/token/" + "a1B2" * 12


class Clock:
    """Unix seconds that only the test moves."""

    def __init__(self, now: float = 3 * DAY + 10) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def usage(clock: Clock | None = None) -> Usage:
    redactor = Redactor(load({"shadow_url": "http://shadow.test"}))
    return Usage(redactor, clock or Clock())


def exchange(
    route: str = "/a", status: int | None = 200, at: float = 3 * DAY
) -> Exchange:
    response = None if status is None else Response(status)
    request = Request("GET", route.encode())
    return Exchange("s-1", at, request, response, Timing(0, 0, 0), route)


def taken(found: Usage) -> list[RouteUse]:
    batch = found.take(now=True)
    return [] if batch is None else list(batch.uses)


def test_what_came_through_was_mirrored_and_the_rest_was_seen() -> None:
    """One row for each route and class of status; both sources in it."""
    found = usage()
    found.mirrored(exchange())
    found.mirrored(exchange())
    found.mirrored(exchange(status=404))
    found.mirrored(exchange(status=None))
    found.passed("GET /a", 2, 30)
    found.passed("POST /a", 2, 16)

    assert [
        RouteUse(3, "GET /a", 2, 32, 2),
        RouteUse(3, "GET /a", 4, 1, 1),
        RouteUse(3, "GET /a", 0, 1, 1),
        RouteUse(3, "POST /a", 2, 16, 0),
    ] == taken(found)
    assert [] == taken(found)


def test_days_are_told_apart() -> None:
    """By when live served the request."""
    found = usage()
    found.mirrored(exchange(at=2 * DAY - 1))
    found.mirrored(exchange(at=2 * DAY))

    assert [1, 2] == [use.day for use in taken(found)]


def test_it_is_written_once_in_a_while_and_at_the_end() -> None:
    """Not with every flush: it would be a row for each route twice a second."""
    clock = Clock()
    found = usage(clock)
    assert found.take() is None
    found.mirrored(exchange())
    assert found.take() is not None
    found.mirrored(exchange())
    clock.now += 4.9
    assert found.take() is None
    clock.now += 0.2
    assert found.take() is not None
    found.mirrored(exchange())
    assert found.take(now=True) is not None


def test_a_clock_that_goes_back_holds_nothing_back() -> None:
    """Hosts are set right now and then."""
    clock = Clock()
    found = usage(clock)
    found.mirrored(exchange())
    found.take()
    clock.now -= 1_000
    found.mirrored(exchange())

    assert found.take() is not None


def test_routes_are_known_since_they_were_listed() -> None:
    """Once each, with the time of now."""
    found = usage()
    found.listed(["GET /a", "* /b"])
    found.listed(["GET /a"])
    batch = found.take()

    assert batch is not None
    now = 3 * DAY + 10
    assert [KnownRoute("GET /a", now), KnownRoute("* /b", now)] == list(batch.routes)


def test_secrets_in_routes_stay_out_of_the_store() -> None:
    """Where there is no template the raw path is the route, and may hold one."""
    found = usage()
    found.mirrored(exchange(SECRET))
    found.passed(f"GET {SECRET}", 2, 1)
    found.listed([f"GET {SECRET}"])
    batch = found.take()

    assert batch is not None
    assert {"GET /token/[redacted]"} == {
        *(use.route for use in batch.uses),
        *(route.route for route in batch.routes),
    }


def test_routes_are_bounded_and_none_is_lost() -> None:
    """Where every path is a route of its own, most are counted as others."""
    found = usage()
    for number in range(MOST_NAMES + 100):
        found.passed(f"GET /{number}", 2, 1)
    found.passed("GET /" + "x" * LONGEST, 2, 1)
    uses = {use.route: use.seen for use in taken(found)}

    assert MOST_NAMES + 1 == len(uses)
    assert MOST_NAMES + 101 == sum(uses.values())
    assert 101 == uses[MANY]


def test_a_route_that_cannot_be_redacted_is_one_of_the_others() -> None:
    """Counted all the same, and never told in clear."""

    class Broken(Redactor):
        def path(self, path: bytes, query: bytes = b"") -> str:
            raise RuntimeError

    found = Usage(Broken(load({"shadow_url": "http://shadow.test"})), Clock())
    found.passed("GET /a", 2, 1)

    assert [RouteUse(3, MANY, 2, 1, 0)] == taken(found)
