"""The pure parts of an offline replay, each by itself."""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.evidence import Mark
from shadow_middleware.exchange import Response, Unknown
from shadow_middleware.offline.ledger import Ledger
from shadow_middleware.offline.making import NO_BODY, exchange_of, needs_answer
from shadow_middleware.offline.pace import Pace
from shadow_middleware.offline.picking import Picked, Picks
from shadow_middleware.offline.reading import in_order, merged
from shadow_middleware.offline.survey import survey
from shadow_middleware.traffic.recorded import BadRecord, Missing, Recorded
from tests.offline.recordings import AT, recorded

BAD = BadRecord("t.ndjson:9", "it is no record")


def numbers(records: Iterator[Recorded | BadRecord]) -> list[str]:
    """Return the ids of exchanges, and the places of bad records."""
    return [
        one.exchange.id if isinstance(one, Recorded) else one.place for one in records
    ]


# --- reading ----------------------------------------------------------------------------


def test_exchanges_come_by_when_live_began_them() -> None:
    """A capture is written as they end; a bad record comes where it is met."""
    records = [recorded(n) for n in (3, 1, 2)]

    assert [BAD.place, "cap-1", "cap-2", "cap-3"] == numbers(in_order([BAD, *records]))


def test_the_look_ahead_is_bounded() -> None:
    """What comes later than that is sent late, and in the order of the file."""
    late = recorded(0, id="late", at=AT - 100)
    found = numbers(in_order([*(recorded(n) for n in range(1, 2_000)), late]))

    assert 975 == found.index("late")
    assert 2_000 == len(found)


@given(st.integers(1, 5), st.integers(0, 60), st.randoms(use_true_random=False))
def test_files_are_merged_by_time_and_lose_nothing(
    files: int, count: int, chance: random.Random
) -> None:
    """However exchanges are spread over them, and the same each time."""
    records = [recorded(n) for n in range(count)]
    parts: list[list[Recorded | BadRecord]] = [[] for _ in range(files)]
    for record in records:
        chance.choice(parts).append(record)
    sources = [lambda part=part: in_order(part) for part in parts]

    assert numbers(iter(records)) == numbers(merged(sources))
    assert numbers(merged(sources)) == numbers(merged(sources))


# --- picking ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picks", "left"),
    [
        (Picks(), ["cap-1", "cap-2", "cap-3"]),
        (Picks(methods=("POST",)), ["cap-2"]),
        (Picks(paths=("/items/*",)), ["cap-1", "cap-3"]),
        (Picks(routes=("/items/{id}",)), ["cap-1", "cap-2", "cap-3"]),
        (Picks(routes=("POST /items/{id}",)), ["cap-2"]),
        (Picks(statuses=("5xx",)), ["cap-3"]),
        (Picks(statuses=("200", "503")), ["cap-1", "cap-2", "cap-3"]),
        (Picks(session="ann"), ["cap-1"]),
        (Picks(since=AT + 0.002), ["cap-2", "cap-3"]),
        (Picks(until=AT + 0.002), ["cap-1"]),
        (Picks(skip=1, limit=1), ["cap-2"]),
        (Picks(sample=0.0), []),
    ],
)
def test_filters_pick_and_count_the_rest(picks: Picks, left: list[str]) -> None:
    """Every record is in one number: picked, filtered or bad."""
    records: list[Recorded | BadRecord] = [
        BAD,
        recorded(1, key="ann-1"),
        recorded(2, "POST", "/orders"),
        recorded(3, response=Response(503)),
    ]
    picked = Picked(picks)
    found = numbers(picked.among(records))

    assert left == found
    assert picked.read == len(found) + picked.filtered + picked.bad


def test_a_sample_is_of_whole_sessions() -> None:
    """Half a session would log in and buy nothing."""
    records = [recorded(n, key=f"user {n % 40}") for n in range(400)]
    picked = numbers(Picked(Picks(sample=0.5)).among(records))

    assert 0 < len(picked) < 400
    assert 0 == len(picked) % 10


def test_a_survey_says_what_will_be_met() -> None:
    """Before anything is sent."""
    found = survey(
        [
            BAD,
            recorded(1),
            recorded(2, "POST"),
            recorded(3, missing=[Missing.RESPONSE_BODY], masked=("response.body",)),
            recorded(4, response=None, missing=[Missing.RESPONSE]),
        ],
        Picks(),
        ["GET"],
    )

    assert (5, 4, 1) == (found.read, found.picked, found.bad)
    assert (1, {"POST": 1}, 1) == (found.unanswered, found.writes, found.masked)
    assert {"response_body": 1, "response": 1} == found.missing
    assert ("http://live.example",) == found.hosts


# --- time -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pace", "due"),
    [
        (Pace(1.0), [100.0, 101.0, 103.0]),
        (Pace(2.0), [100.0, 100.5, 101.5]),
        (Pace(0.5), [100.0, 102.0, 106.0]),
        (Pace(0.0), [100.0, 100.0, 100.0]),
        (Pace(rate=10.0), [100.0, 100.1, 100.2]),
    ],
)
def test_times_of_recording_become_times_of_replay(
    pace: Pace, due: list[float]
) -> None:
    """The first is due at once, whenever it was recorded."""
    found = [pace.due(AT + offset, 100.0) for offset in (0.0, 1.0, 3.0)]

    assert due == pytest.approx(found)


def test_lateness_is_told_by_quantiles() -> None:
    """Nothing is late where no time is kept, and nobody is early."""
    pace, hurry = Pace(), Pace(0.0)
    for late in (-1.0, 0.001, 0.001, 0.004):
        pace.sent(10.0, 10.0 + late)
        hurry.sent(10.0, 10.0 + late)

    assert pytest.approx(0.001, rel=0.05) == pace.late(0.5)
    assert pytest.approx(0.004) == pace.latest
    assert hurry.late(0.5) is None


def test_a_new_round_begins_when_it_comes() -> None:
    """And keeps the spacing from there."""
    pace = Pace()
    pace.due(AT, 5.0)
    pace.again()

    assert [9.0, 10.0] == [pace.due(AT, 9.0), pace.due(AT + 1, 9.0)]


# --- what is settled --------------------------------------------------------------------


@given(st.lists(st.integers(0, 30)), st.integers(0, 31), st.integers(0, 31))
def test_what_is_settled_is_told_for_good(
    ends: list[int], begun: int, again: int
) -> None:
    """However far two processes came: what a mark says is what ended, no more, no less."""
    first, settled = Ledger(), set[int]()
    for place in range(begun):
        first.begin(place)
    for place in ends:
        if place < begun:
            first.settle(place)
            settled.add(place)

    second = Ledger(first.mark())
    assert settled == {place for place in range(40) if second.is_settled(place)}
    for place in range(again):
        if second.is_settled(place):
            second.passed(place)
        else:
            second.begin(place)
            if place % 2:
                second.settle(place)
                settled.add(place)
    third = Ledger(second.mark())

    assert settled == {place for place in range(40) if third.is_settled(place)}


def test_what_was_claimed_and_not_settled_is_uncertain() -> None:
    """It may have been sent; what is settled is certain, and what is beyond was not."""
    ledger = Ledger(Mark(2, (4, 5), claimed=6))

    assert [2, 3, 5] == [place for place in range(9) if ledger.is_uncertain(place)]


# --- from a record to an exchange -------------------------------------------------------


def test_a_replay_counts_when_it_is_made_and_compares_by_when_it_was_recorded() -> None:
    """Old captures are new evidence; times in bodies are those of the recording."""
    made = exchange_of(recorded(1), 0, 5_000.0)

    assert (5_000.0, AT + 0.001) == (made.at, made.live_at)
    assert ("cap-1", "cap-1.3") == (made.id, exchange_of(recorded(1), 2, 0.0).id)


@pytest.mark.parametrize(
    ("method", "skip"), [("POST", NO_BODY), ("GET", None), ("HEAD", None)]
)
def test_a_write_without_its_body_is_not_sent(method: str, skip: str | None) -> None:
    """A reading one can be: a body there means nothing."""
    made = exchange_of(recorded(1, method, missing=[Missing.REQUEST_BODY]), 0, 0.0)

    assert skip == made.skip


def test_what_a_file_does_not_tell_goes_along() -> None:
    """So that it can be left out of the comparison."""
    missing = [Missing.RESPONSE_BODY, Missing.TIMING, Missing.EXACT_TARGET]
    made = exchange_of(recorded(missing=missing, masked=("response.body",)), 0, 0.0)

    assert {Unknown.BODY, Unknown.TIMING, Unknown.VALUES} == set(made.unknown)


def test_where_live_failed_no_answer_is_needed() -> None:
    """It is a live error as in live, with and without a control."""
    failed = recorded(response=None, live_error="KeyError")
    nothing = msgspec.structs.replace(failed.exchange, live_error=None)

    assert not needs_answer(failed)
    assert needs_answer(Recorded(nothing))
    assert needs_answer(recorded(missing=[Missing.RESPONSE]))
