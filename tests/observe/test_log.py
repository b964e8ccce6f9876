"""The log line: one for each divergence, bounded, structured, without a value."""

from __future__ import annotations

import json
import logging

import pytest

from shadow_middleware.exchange import Kind, Outcome, Part
from tests.observe.replays import Desk, difference, replay

LOGGER = "shadow_middleware.divergence"


def test_one_line_says_where_the_answers_differ(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The message reads alone, and `extra` holds the same as data."""
    status = difference("", part=Part.STATUS, live=200, shadow=404)

    Desk().recorder.record(replay(differences=(difference(), status)))

    [line] = caplog.records
    assert (LOGGER, logging.WARNING) == (line.name, line.levelno)
    assert (
        "divergence on shadow: GET /users/{id}: body /items/3/price changed and 1 more"
        == line.getMessage()
    )
    fields = vars(line)
    assert ["body /items/3/price changed", "status changed"] == fields["differences"]
    assert ("divergence", "5e55-1", 200, 200, 2.0, 3.0, 0) == tuple(
        fields[key]
        for key in (
            "event",
            "exchange_id",
            "live_status",
            "shadow_status",
            "live_ms",
            "shadow_ms",
            "held_back",
        )
    )


def test_a_line_says_which_setting_explains_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A default of ours is named where it is the likely cause."""
    hint = "credentials are dropped by default (credentials='drop')"

    Desk().recorder.record(replay(hint=hint))

    [line] = caplog.records
    assert line.getMessage().endswith(f"changed. {hint}")
    assert hint == vars(line)["hint"]


def test_other_outcomes_write_no_line(caplog: pytest.LogCaptureFixture) -> None:
    """Only divergences are logged one by one."""
    desk = Desk()

    for outcome in set(Outcome) - {Outcome.DIVERGENCE}:
        desk.recorder.record(replay(outcome))

    assert [] == caplog.records


def test_no_line_holds_a_value_or_a_path(caplog: pytest.LogCaptureFixture) -> None:
    """Neither a body nor a user's id is in the log (W24)."""
    Desk().recorder.record(
        replay(
            path=b"/users/4711",
            differences=(difference(live="Ada Lovelace", shadow="Grace Hopper"),),
        )
    )

    written = json.dumps([vars(line) for line in caplog.records], default=str)
    assert 1 == len(caplog.records)
    for value in ("4711", "Ada", "Grace"):
        assert value not in written


def test_lines_are_bounded_a_second_and_the_rest_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A flood of divergences is no flood of lines (W50)."""
    desk = Desk()

    for _ in range(25):
        desk.recorder.record(replay())
    desk.clock.now += 1
    desk.recorder.record(replay())
    desk.recorder.record(replay())

    assert [0] * 10 + [15, 0] == [vars(line)["held_back"] for line in caplog.records]


def test_what_was_held_back_is_told_when_nothing_follows(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The end of a flood is not silent."""
    desk = Desk()
    for _ in range(12):
        desk.recorder.record(replay())
    desk.clock.now += 1

    desk.recorder.flush()
    desk.recorder.flush()

    assert ["2 more divergences were found and not logged one by one"] == [
        line.getMessage() for line in caplog.records[10:]
    ]


def test_a_line_is_one_line_and_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """What a client chose can neither forge a line nor make one endless (W50)."""
    forged = difference("/a\nWARNING all is well\x1b[31m" + "x" * 5_000)
    many = tuple(difference(f"/{n}", kind=Kind.ADDED) for n in range(50))

    Desk().recorder.record(replay(route="/x\ny", differences=(forged, *many)))

    [line] = caplog.records
    assert "\n" not in line.getMessage()
    assert "\x1b" not in line.getMessage()
    assert len(line.getMessage()) < 700
    assert 10 == len(vars(line)["differences"])
    assert 51 == vars(line)["difference_count"]


def test_a_divergence_without_a_difference_has_a_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Bytes may differ where no place can be named."""
    Desk().recorder.record(replay(differences=()))

    assert caplog.records[0].getMessage().endswith(": the bytes differ")
