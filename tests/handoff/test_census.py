"""What no exchange tells: looks at requests that are not mirrored, and routes."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.handoff import codec
from shadow_middleware.handoff.census import (
    FIRST,
    LONGEST,
    MOST_LISTERS,
    MOST_ROUTES,
    MOST_TRIES,
    MOST_USES,
    Census,
)
from shadow_middleware.handoff.intake import Intake
from shadow_middleware.handoff.routers import told_methods, weakly
from shadow_middleware.knowledge import MANY


def counted(census: Census) -> dict[tuple[str, int], int]:
    return {(use.route, use.status_class): use.count for use in census.take()}


def test_the_first_requests_are_all_looked_at() -> None:
    """A route that is used once after the start is known of."""
    census = Census()

    assert [1] * FIRST == [census.due() for _ in range(FIRST)]


def test_later_a_share_is_looked_at_that_stands_for_all() -> None:
    """About one in sixteen; together they stand for every request but the last few."""
    census = Census()
    number = 50_000
    looks = [due for _ in range(FIRST + number) if (due := census.due())][FIRST:]

    assert number - 31 <= sum(looks) <= number + 1
    assert number / 17 < len(looks) < number / 15
    assert set(looks) <= set(range(1, 32))
    assert len(set(looks)) > 20


def test_uses_add_up_until_they_are_taken() -> None:
    """By route and class of status."""
    census = Census()
    census.note("GET /a", 2, 1)
    census.note("GET /a", 2, 16)
    census.note("GET /a", 4, 1)

    assert {("GET /a", 2): 17, ("GET /a", 4): 1} == counted(census)
    assert {} == counted(census)


def test_uses_are_bounded_and_what_is_too_much_is_counted_as_others() -> None:
    """A client that makes up paths, or long ones, costs no memory."""
    census = Census()
    census.note("GET /" + "x" * LONGEST, 2, 5)
    for number in range(MOST_USES + 50):
        census.note(f"GET /{number}", 2, 1)
    found = counted(census)

    assert MOST_USES == len(found)
    assert 5 + 51 == found[MANY, 2]
    assert MOST_USES + 55 == sum(found.values())


def test_threads_lose_nothing_that_they_note() -> None:
    """Servers with threads count as one."""
    census = Census()

    def work() -> None:
        for _ in range(2_000):
            census.note("GET /a", 2, 1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {("GET /a", 2): 8_000} == counted(census)


def test_a_child_process_counts_from_nothing_and_keeps_the_routes() -> None:
    """What was counted before the fork is the parent's to tell; the app is the same."""
    census = Census()
    census.note("GET /a", 2, 1)
    census.ask(lambda: ["GET /a"])
    census.list_routes()
    census.begin()

    assert ({}, ["GET /a"]) == (counted(census), census.routes)


def test_a_router_that_raises_is_unknown_and_harms_no_other() -> None:
    """Neither at once nor while it is walked."""
    census = Census()

    def raises() -> list[str]:
        raise RuntimeError("from the framework")

    def breaks_off() -> Iterator[str]:
        yield "GET /first"
        raise RuntimeError("from the framework")

    for lister in (raises, breaks_off, lambda: ["GET /last"]):
        census.ask(lister)
    census.list_routes()

    assert ["GET /first", "GET /last"] == census.routes


def test_a_router_that_is_not_ready_is_asked_again_but_not_for_ever() -> None:
    """Until it lists its routes, or for so many times."""
    census = Census()
    asked: list[str] = []
    census.ask(lambda: asked.append("never"))
    census.ask(lambda: ["GET /a"] if len(asked) > 3 else None)
    for _ in range(MOST_TRIES * 2):
        census.list_routes()

    assert MOST_TRIES + 1 == len(asked)
    assert ["GET /a"] == census.routes


def test_routes_and_routers_are_bounded() -> None:
    """However many an app generates, and however many middlewares were made."""
    census = Census()
    census.ask(lambda: ["GET /" + "x" * LONGEST])
    census.ask(lambda: (f"GET /{number}" for number in range(MOST_ROUTES * 2)))
    census.list_routes()
    asked: list[int] = []
    for _ in range(MOST_LISTERS * 2):
        census.ask(lambda: [str(asked.append(1))])  # type: ignore[func-returns-value]
    census.list_routes()

    assert MOST_ROUTES == len(census.routes)
    assert MOST_LISTERS == len(asked)


def test_what_has_no_bytes_crosses_the_wall_all_the_same() -> None:
    """A lone surrogate must not end the keeper's thread."""
    census = Census()
    census.note("GET /\udcff", 2, 1)
    census.ask(lambda: ["GET /\udcff"])
    census.list_routes()

    assert codec.frame(codec.USES, census.take())
    assert codec.frame(codec.ROUTES, census.routes)
    assert ["GET /?"] == census.routes


class Heard:
    """A `Host` and a `Sink` that keep what they hear."""

    def __init__(self) -> None:
        self.routes: list[str] = []
        self.uses: list[codec.Use] = []

    def welcome(self, hello: codec.Hello, intake: Intake) -> Heard:
        return self

    def farewell(self, intake: Intake) -> None: ...

    def account(self, session: str, selected: int, drops: dict[str, int]) -> None: ...

    def accept(self, exchange: object, size: int) -> None: ...

    def listed(self, routes: list[str]) -> None:
        self.routes += routes

    def used(self, uses: list[codec.Use]) -> None:
        self.uses += uses

    def paid(self, cost: codec.Cost) -> None: ...


HELLO = codec.Hello(1, "session", b"", 0.0, 0, 0)
uses = st.builds(
    codec.Use,
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(0, 5),
    st.integers(1, 2**40),
)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.lists(uses))
def test_what_is_told_arrives(routes: list[str], used: list[codec.Use]) -> None:
    """Over the wall, frame by frame; kinds that are not known are passed over."""
    heard = Heard()
    intake = Intake(heard)
    for kind, payload in [
        (codec.HELLO, HELLO),
        (codec.ROUTES, routes),
        (99, ["from a newer live side"]),
        (codec.USES, used),
    ]:
        intake.data_received(bytes(codec.frame(kind, payload)))

    assert (routes, used) == (heard.routes, heard.uses)


def test_a_frame_before_its_hello_is_not_understood() -> None:
    """There would be nobody to count for."""
    heard = Heard()
    Intake(heard).data_received(bytes(codec.frame(codec.ROUTES, ["GET /a"])))

    assert [] == heard.routes


def test_methods_that_come_along_are_not_told() -> None:
    """HEAD with GET and OPTIONS with any; alone they are routes like others."""
    assert ["GET", "POST"] == told_methods({"GET", "HEAD", "OPTIONS", "post"})
    assert ["OPTIONS"] == told_methods(["OPTIONS"])
    assert ["HEAD"] == told_methods(["HEAD", "OPTIONS"])
    assert ["*"] == told_methods(None) == told_methods([])


def test_an_app_is_referred_to_only_weakly() -> None:
    """Also by one of its methods, which alone would die at once."""

    class App:
        def call(self) -> None: ...

    app = App()
    itself, method = weakly(app), weakly(app.call)
    assert (app, app) == (itself(), method())
    del app

    assert (None, None) == (itself(), method())
    assert "text" == weakly("text")()
