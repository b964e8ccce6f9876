"""What was worked out before holds until something is written, and no longer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shadow_middleware.errors import StoreError
from shadow_middleware.evidence import Batch, Revision
from shadow_middleware.knowledge import Decision, GroupState
from shadow_middleware.reading.remembering import (
    LAG,
    MOST,
    OVERLOADED,
    WATCHED,
    forget,
    looking,
    pause_after,
    refresh,
    relax,
    remembered,
    renew,
)
from shadow_middleware.store.memory import MemoryStore


def test_an_answer_is_made_once_for_each_state_of_a_store() -> None:
    """Neither a batch nor a decision is ever looked past."""
    store, made = MemoryStore(), list[int]()

    def make() -> int:
        made.append(len(made))
        return made[-1]

    first = [remembered(store, "a", make), remembered(store, "a", make)]
    store.write(Batch())
    second = remembered(store, "a", make)
    store.decide(Decision(group="g", at=1.0, state=GroupState.IGNORED))
    third = remembered(store, "a", make)

    assert ([0, 0], 1, 2) == (first, second, third)


def test_what_has_the_time_of_day_in_it_holds_for_so_long() -> None:
    """Its own clock says when it is too old, though nothing was written."""
    store, now = MemoryStore(), [0.0]

    def ask() -> float:
        return remembered(store, "a", lambda: now[0], 10.0, lambda: now[0])

    seen = [ask()]
    for now[0] in (9.0, 11.0, 12.0):
        seen.append(ask())

    assert [0.0, 0.0, 11.0, 11.0] == seen


def test_what_changes_while_it_is_read_is_read_again() -> None:
    """The state is asked for first, so an answer is never taken for a newer one."""
    store = MemoryStore()

    def make() -> int:
        store.write(Batch())
        return store.revision().written[1]

    assert [1, 2] == [remembered(store, "a", make) for _ in range(2)]


def test_stores_and_questions_are_told_apart_and_few_are_kept() -> None:
    """The answers that were not asked for the longest go first."""
    one, other = MemoryStore(), MemoryStore()
    assert ["a", "b"] == [
        remembered(one, 0, lambda: "a"),
        remembered(other, 0, lambda: "b"),
    ]

    for number in range(1, MOST):
        remembered(one, number, lambda: "x")
    assert "a" == remembered(one, 0, lambda: "again")
    for number in range(MOST, 2 * MOST):
        remembered(one, number, lambda: "x")

    assert "again" == remembered(one, 0, lambda: "again")


class Look:
    """One question to a relaxed store, by a clock that stands still unless told."""

    def __init__(self, store: MemoryStore) -> None:
        self.store, self.now, self.made = store, 0.0, 0
        relax(store, beside=False)

    def __call__(self) -> int:
        """Return how often it was made by the time it was last made."""
        return remembered(self.store, "a", self.make, clock=lambda: self.now)

    def make(self) -> int:
        """Count."""
        self.made += 1
        return self.made

    def refresh(self) -> None:
        """Do what the thread does."""
        refresh(self.store, lambda: self.now)


@pytest.fixture
def look() -> Iterator[Look]:
    """Give a question to a relaxed store, which no thread reads afterwards."""
    found = Look(MemoryStore())
    yield found
    forget(found.store)


def seen_at(look: Look, *times: float) -> list[int]:
    """Look at these times, each after another batch."""
    seen = []
    for look.now in times:
        look.store.write(Batch())
        seen.append(look())
    return seen


def test_what_agents_write_shows_some_seconds_later(look: Look) -> None:
    """An answer is given for up to five seconds, and no longer."""
    assert [1, 1, 1, 2, 2] == seen_at(look, 0.0, 2.0, LAG - 0.1, LAG, LAG + 1)


def test_a_decision_shows_at_once(look: Look) -> None:
    """Nobody is shown what they, or anybody, decided undone."""
    seen = seen_at(look, 0.0, 1.0)
    look.store.decide(Decision(group="g", at=1.0, state=GroupState.IGNORED))

    assert [1, 1, 2] == [*seen, look()]


def test_what_is_looked_at_stays_fresh(look: Look) -> None:
    """It is made beside, at half the time, for as long as somebody looks."""
    seen_at(look, 0.0)
    for look.now in (1.0, 3.0, 4.0):
        look.store.write(Batch())
        look.refresh()
    assert 2 == look.made

    assert [2, 2] == [*seen_at(look, 5.5), look()]

    for look.now in (5.5 + WATCHED, 6.0 + WATCHED, 30.0):
        look.store.write(Batch())
        look.refresh()
    assert 3 == look.made


def test_what_is_as_it_was_is_not_made_again(look: Look) -> None:
    """Where nobody writes, the thread does nothing but ask for the state."""
    look()
    for look.now in (4.0, 7.0):
        look.refresh()

    assert (1, 1) == (look.made, look())


def test_an_answer_is_as_old_as_what_it_is_made_of(look: Look) -> None:
    """Old parts never make a whole that passes for new, nor for the last state."""

    def outer() -> int:
        return remembered(look.store, "outer", look, clock=lambda: look.now)

    seen_at(look, 0.0)
    look.now = 2.0
    look.store.write(Batch())
    seen = [outer()]
    look.now = 4.9
    seen.append(outer())
    look.now = 5.0
    seen.append(outer())

    assert [1, 1, 2] == seen


def test_nobody_waits_for_what_is_made_beside(look: Look) -> None:
    """On a slow machine an answer is older instead, within bounds."""
    seen = list[int]()

    def slow() -> int:
        if look.made:
            look.now = OVERLOADED - 0.1
            seen.append(pool.submit(ask).result(90))
        return look.make()

    def ask() -> int:
        return remembered(look.store, "a", slow, clock=lambda: look.now)

    with ThreadPoolExecutor(1) as pool:
        ask()
        look.now = 4.0
        look.store.write(Batch())
        look.refresh()

    assert [1] == seen
    assert 2 == ask()


def test_what_fails_beside_fails_where_somebody_looks() -> None:
    """An error is not lost, and an old answer does not hide it."""
    store, now, fails = MemoryStore(), [0.0], list[bool]()

    def make() -> str:
        if fails:
            raise StoreError("away")
        return "there"

    def ask() -> str:
        return remembered(store, "a", make, clock=lambda: now[0])

    relax(store, beside=False)
    try:
        assert "there" == ask()
        fails.append(True)
        now[0] = 3.0
        store.write(Batch())
        refresh(store, lambda: now[0])
        with pytest.raises(StoreError, match="away"):
            ask()
    finally:
        forget(store)


def test_a_thread_makes_it_anew_and_ends_with_the_store() -> None:
    """Whoever forgets a store has nothing reading it in the background."""
    store, made, again = MemoryStore(), list[threading.Thread](), threading.Event()

    def make() -> str:
        made.append(threading.current_thread())
        if len(made) > 1:
            again.set()
        return "made"

    relax(store, 0.2)
    remembered(store, "a", make)
    store.write(Batch())

    assert again.wait(30)
    forget(store)
    assert made[0] is threading.current_thread()
    assert ("refresh", False) == (made[1].name, made[1].is_alive())


@pytest.mark.parametrize(
    ("used", "pause"), [(0.0, LAG / 8), (0.3, 6.0), (1.0, 20.0), (60.0, 20.0)]
)
def test_what_takes_long_is_made_anew_less_often(used: float, pause: float) -> None:
    """A twentieth of the time goes into it, unless that would make it too old."""
    assert pause == pytest.approx(pause_after(used, LAG))


class Asked(MemoryStore):
    """A store that counts how often it is asked for its state."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0

    def revision(self) -> Revision:
        """Count, and answer."""
        self.times += 1
        return super().revision()


def test_one_look_is_of_one_state_and_asks_for_it_once() -> None:
    """What is written meanwhile is in none of it, or in what is made after."""
    store, made = Asked(), list[int]()

    def make() -> int:
        made.append(len(made))
        return made[-1]

    with looking(store) as look:
        seen = [remembered(store, "a", make)]
        store.write(Batch())
        seen += [remembered(store, "a", make), remembered(store, "b", make)]

    assert (1, [0, 0, 1], 0.0) == (store.times, seen, look.behind)
    assert 2 == remembered(store, "a", make)


def test_a_look_says_how_far_behind_it_was(look: Look) -> None:
    """As old as the oldest thing seen; what nobody wrote after is not old."""
    look()
    look.now = 3.0
    with looking(look.store) as same:
        look()
    look.store.write(Batch())
    with looking(look.store) as older:
        look()

    assert (0.0, 3.0) == (same.behind, older.behind)


def test_what_nobody_looks_at_is_renewed_for_who_looks_next(look: Look) -> None:
    """It may be older then, as whoever renews it has said."""
    relax(look.store, beside=False, resting=20.0)
    renew(look.store, look, lambda: look.now)
    look.now = 10.0
    look.store.write(Batch())
    renew(look.store, look, lambda: look.now)

    assert 2 == look.made
    assert [2, 3] == seen_at(look, 29.0, 30.0)


def test_what_somebody_looks_at_is_not_renewed_as_well(look: Look) -> None:
    """The thread beside keeps it fresh, and more would be for nothing."""
    seen_at(look, 0.0)
    look.store.write(Batch())
    look.now = 4.0
    renew(look.store, look, lambda: look.now)

    assert 1 == look.made


def test_the_same_thing_is_made_once_at_a_time() -> None:
    """Who asks meanwhile waits for it."""
    store, begun, go = MemoryStore(), threading.Event(), threading.Event()
    made = list[int]()

    def make() -> int:
        made.append(len(made))
        begun.set()
        assert go.wait(30)
        return made[-1]

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(remembered, store, "a", make)
        assert begun.wait(30)
        others = [pool.submit(remembered, store, "a", make) for _ in range(2)]
        go.set()
        assert [0, 0, 0] == [one.result(90) for one in (first, *others)]
