"""Tests of what an agent tells of the sessions it serves."""

from __future__ import annotations

from shadow_middleware.accounting import Account
from shadow_middleware.evidence import Batch, Count, Progress, Settlement
from shadow_middleware.exchange import Outcome

NOW = 600.0


def account(*targets: str) -> Account:
    return Account(targets or ("a",), lambda: NOW)


def told(sessions: Account) -> list[tuple[str, str, int, int]]:
    """Return what goes to the store now, without the time."""
    rows = sessions.complete(Batch()).progress
    return [(row.session, row.target, row.selected, row.ended) for row in rows]


def test_each_target_of_a_session_is_told_of() -> None:
    """With what the session selected, and what has ended for that target."""
    sessions = account("a", "b")
    sessions.selected("one", 5)
    sessions.ended("one", "b", 2)

    assert [("one", "a", 5, 0), ("one", "b", 5, 2)] == told(sessions)
    assert {"one": 2} == sessions.totals


def test_what_a_new_agent_answers_for_begins_where_the_last_one_ended() -> None:
    """Neither what was given to an earlier one, nor what has not come over yet."""
    sessions = account()
    sessions.begin("one", handed=10, selected=15)
    assert 0 == sessions.all_selected

    sessions.selected("one", 13)
    sessions.selected("one", 13)
    sessions.selected("one", 15)
    assert 5 == sessions.all_selected
    sessions.ended("one", "a", 2)
    assert {"a": 2} == sessions.all_ended


def test_only_news_is_told() -> None:
    """A session that did nothing costs no row, however many there are."""
    sessions = account()
    sessions.selected("one", 5)
    sessions.selected("two", 7)
    assert 2 == len(told(sessions))
    sessions.selected("one", 5)
    sessions.selected("two", 6)

    assert [] == told(sessions)


def test_a_session_that_left_is_told_of_and_then_forgotten() -> None:
    """A shared agent that sees many processes come and go does not grow."""
    sessions = account()
    sessions.selected("one", 5)
    sessions.ended("one", "a", 3)
    sessions.leave("one")

    assert [("one", "a", 5, 3)] == told(sessions)
    assert {"one": 3} == sessions.totals
    assert [] == told(sessions)
    assert {} == sessions.totals


def test_a_replay_that_ends_after_all_is_told_of() -> None:
    """What is not known any more is 0; the store keeps the higher number."""
    sessions = account()
    sessions.selected("one", 5)
    sessions.leave("one")
    told(sessions)
    told(sessions)
    sessions.ended("one", "a", 1)

    assert [("one", "a", 0, 1)] == told(sessions)


def test_a_session_that_comes_back_is_kept() -> None:
    """A live process that connects again goes on with its account."""
    sessions = account()
    sessions.ended("one", "a", 3)
    sessions.leave("one")
    sessions.selected("one", 0)
    told(sessions)
    told(sessions)

    assert {"one": 3} == sessions.totals


def test_settlements_are_told_once_for_each_target() -> None:
    """The minute is that of now."""
    sessions = account("a", "b")
    sessions.settle("one", 4)

    expected = [Settlement("one", "a", 4, 10), Settlement("one", "b", 4, 10)]
    assert expected == sessions.complete(Batch()).settlements
    assert [] == sessions.complete(Batch()).settlements


def test_what_the_batch_holds_stays_in_it() -> None:
    """Progress joins what the recorder gives."""
    sessions = account()
    sessions.selected("one", 1)
    count = Count(10, "a", "/", Outcome.MATCH, "", 3)
    progress = [Progress("one", "a", 1, 0, NOW)]

    whole = sessions.complete(Batch(counts=[count]))
    assert ([count], progress) == (whole.counts, whole.progress)
