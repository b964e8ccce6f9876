"""Events: the documented keys, only for those who listen, only so often."""

from __future__ import annotations

import re

import pytest

from shadow_middleware.exchange import Outcome
from shadow_middleware.observe.rate import Allowance
from shadow_middleware.settings import Settings
from shadow_middleware.signals import ALL
from tests.observe.replays import AT, Clock, Desk, replay


def documented(name: str) -> set[str]:
    """Return the keys that a signal documents, without those of its parts."""
    doc = re.sub(r"\(a list of.*?\)", "", ALL[name].__doc__ or "", flags=re.DOTALL)
    doc = re.sub(r"\(`closed`.*?\)", "", doc, flags=re.DOTALL)
    return set(re.findall(r"`(\w+)`", doc.partition("`event`:")[2]))


@pytest.mark.parametrize("name", ["divergence_found", "replay_finished"])
def test_an_event_has_the_keys_that_its_signal_documents(name: str) -> None:
    """No more, no fewer."""
    desk = Desk(wants=(name,))

    desk.recorder.record(replay())

    assert [(name, documented(name))] == [(n, set(event)) for n, event in desk.events]


def test_a_breaker_event_has_the_documented_keys() -> None:
    """No more, no fewer."""
    desk = Desk(wants=("breaker_changed",))

    desk.recorder.breaker_changed("shadow", "open", "closed", "connect")

    assert [
        (
            "breaker_changed",
            {
                "target": "shadow",
                "state": "open",
                "previous": "closed",
                "reason": "connect",
            },
        )
    ] == desk.events


@pytest.mark.parametrize("name", sorted(ALL))
def test_nobody_listens_so_nothing_is_said(name: str) -> None:
    """An event is built only where somebody wants it."""
    desk = Desk(wants=tuple(set(ALL) - {name}))

    desk.recorder.record(replay())
    desk.recorder.record(replay(Outcome.DROPPED, reason="queue_full"))
    desk.recorder.breaker_changed("shadow", "open", "closed", "connect")

    assert name not in [said for said, _ in desk.events]


def test_what_is_held_back_is_counted_in_the_next_event() -> None:
    """`signal_rate` bounds the events, and the loss is a number."""
    desk = Desk(Settings(signal_rate=2), wants=("divergence_found",))

    for _ in range(5):
        desk.recorder.record(replay())
    desk.clock.now += 1
    desk.recorder.record(replay())
    desk.recorder.record(replay())

    assert [0, 0, 3, 0] == [event["suppressed"] for _, event in desk.events]


def test_frequent_events_leave_room_for_divergences() -> None:
    """A flood of replays does not hide that one of them diverged."""
    desk = Desk(Settings(signal_rate=10), wants=("divergence_found", "replay_finished"))

    for _ in range(100):
        desk.recorder.record(replay(Outcome.MATCH))
    desk.recorder.record(replay())

    assert ["divergence_found"] == [name for name, _ in desk.events[-1:]]


def test_drops_are_told_once_a_second_with_their_number() -> None:
    """No drop is missing in what is told (W39)."""
    desk = Desk(wants=("exchange_dropped",))

    for _ in range(10):
        desk.recorder.record(replay(Outcome.DROPPED, reason="queue_full"))
    desk.recorder.flush()
    desk.clock.now += 1
    desk.recorder.flush()
    desk.recorder.flush()

    assert [1, 9] == [event["count"] for _, event in desk.events]


def test_a_rate_of_nothing_says_nothing() -> None:
    """`signal_rate=0` keeps every event back."""
    desk = Desk(Settings(signal_rate=0), wants=("divergence_found",))

    desk.recorder.record(replay())

    assert [] == desk.events


def test_a_clock_that_jumps_back_neither_gives_nor_takes() -> None:
    """An allowance survives a clock that is set back."""
    clock = Clock()
    allowance = Allowance(2, clock)
    assert [True, True, False] == [allowance.take() for _ in range(3)]

    clock.now = AT - 1000
    assert not allowance.take()

    clock.now += 0.5
    assert allowance.take()
