"""The breaker as a table of states, with time as an argument."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.replay.breaker import Breaker, Change, State


def opened() -> Breaker:
    """A breaker that three failures opened at time 0."""
    breaker = Breaker(3, 10.0)
    for _ in range(3):
        breaker.failed(0.0, "refused")
    return breaker


def test_failures_in_a_row_open_it() -> None:
    """The last failure's reason is told (W14)."""
    breaker = opened()

    assert not breaker.allow(9.9)
    assert [Change(State.OPEN, State.CLOSED, "refused")] == breaker.changes()
    assert [] == breaker.changes()


def test_a_success_starts_the_count_anew() -> None:
    """Only failures in a row count."""
    breaker = Breaker(3, 10.0)
    for _ in range(5):
        breaker.failed(0.0)
        breaker.failed(0.0)
        breaker.succeeded(0.0)

    assert State.CLOSED is breaker.state


def test_after_its_time_one_probe_goes_out() -> None:
    """Half-open lets exactly one through."""
    breaker = opened()

    assert [True, False, False] == [breaker.allow(10.0 + n) for n in range(3)]
    assert State.HALF_OPEN is breaker.state


def test_a_probe_that_succeeds_closes_it() -> None:
    """And every change is told in order."""
    breaker = opened()
    breaker.allow(10.0)
    breaker.succeeded(10.5)

    assert breaker.allow(10.6)
    assert [State.OPEN, State.HALF_OPEN, State.CLOSED] == [
        change.state for change in breaker.changes()
    ]


def test_a_probe_that_fails_opens_it_for_as_long_again() -> None:
    """One failure is enough in half-open state."""
    breaker = opened()
    breaker.allow(10.0)
    breaker.failed(12.0, "total")

    assert [False, True] == [breaker.allow(21.9), breaker.allow(22.0)]


def test_a_probe_that_never_ends_gives_way_to_another() -> None:
    """A cancelled probe does not keep the target shut off for ever."""
    breaker = opened()
    breaker.allow(10.0)

    assert [False, True] == [breaker.allow(19.9), breaker.allow(20.0)]


def test_answers_that_come_late_do_not_close_it() -> None:
    """What was in flight when it opened says nothing about now."""
    breaker = opened()
    breaker.succeeded(1.0)

    assert State.OPEN is breaker.state


def test_zero_failures_never_open_it() -> None:
    """`breaker_failures=0` switches the breaker off."""
    breaker = Breaker(0, 10.0)
    for _ in range(1000):
        breaker.failed(0.0)

    assert breaker.allow(0.0)


@given(st.lists(st.tuples(st.sampled_from("asf"), st.floats(0, 5)), max_size=60))
def test_every_change_follows_from_the_one_before(
    steps: list[tuple[str, float]],
) -> None:
    """The log of changes is a path through the three states that ends at `state`."""
    breaker, now, state = Breaker(2, 10.0), 0.0, State.CLOSED
    for what, later in steps:
        now += later
        if what == "a":
            breaker.allow(now)
        elif what == "s":
            breaker.succeeded(now)
        else:
            breaker.failed(now)
        for change in breaker.changes():
            assert state == change.previous
            state = change.state

    assert state == breaker.state
