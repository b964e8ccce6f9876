"""What was worked out before holds until something is written, and no longer."""

from __future__ import annotations

from shadow_middleware.evidence import Batch
from shadow_middleware.knowledge import Decision, GroupState
from shadow_middleware.reading.remembering import MOST, remembered
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
