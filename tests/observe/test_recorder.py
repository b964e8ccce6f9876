"""The recorder: every end is counted, a divergence is redacted, logged, kept, told."""

from __future__ import annotations

import gzip
import json
import logging
from typing import Any

import msgspec
import pytest

from shadow_middleware.exchange import Body, Outcome, Response, Timing
from shadow_middleware.observe.whole import LEFT_OUT
from shadow_middleware.settings import Settings
from shadow_middleware.signals import ALL
from shadow_middleware.transform.redact import Redactor
from tests.observe.replays import AT, Desk, body, difference, replay

SECRET = "hunter2-very-secret"


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_counted_exactly_once(outcome: Outcome) -> None:
    """Whatever the end, one count stands under it (W13)."""
    desk = Desk()

    desk.recorder.record(replay(outcome, reason="why"))

    assert [(outcome, "why", 1)] == [
        (count.outcome, count.reason, count.count) for count in desk.flushed().counts
    ]


@pytest.mark.parametrize(
    ("outcome", "legs"),
    [
        (Outcome.MATCH, ["live", "shadow"]),
        (Outcome.DIVERGENCE, ["live", "shadow"]),
        (Outcome.TIMEOUT, []),
        (Outcome.DROPPED, []),
        (Outcome.LIVE_ERROR, []),
    ],
)
def test_times_are_kept_of_both_legs_or_of_none(
    outcome: Outcome, legs: list[str]
) -> None:
    """The quantiles of both sides are over the same exchanges (W34)."""
    desk = Desk()

    desk.recorder.record(replay(outcome))

    assert legs == [one.leg for one in desk.flushed().latencies]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"outcome": Outcome.MATCH}, ""),
        (
            {"outcome": Outcome.MATCH, "explained": ("default:date",)},
            "default_ignores",
        ),
        (
            {"outcome": Outcome.MATCH, "explained": ("default:date", "clock")},
            "clock",
        ),
        ({"outcome": Outcome.MATCH, "explained": ("c", "a", "b")}, "a and 2 more"),
        ({"outcome": Outcome.DIVERGENCE, "explained": ("clock",)}, ""),
        ({"outcome": Outcome.TIMEOUT, "reason": "read"}, "read"),
    ],
)
def test_a_match_of_different_bytes_says_what_explains_it(
    fields: dict[str, Any], reason: str
) -> None:
    """A stated rule is the reason; our defaults are it only where nothing else is."""
    desk = Desk()

    desk.recorder.record(replay(**fields))

    assert reason == desk.flushed().counts[0].reason


def test_a_divergence_is_kept_with_all_that_explains_it() -> None:
    """The record stands alone."""
    desk = Desk()

    desk.recorder.record(replay(hint="a setting", cut=True))

    [record] = desk.flushed().divergences
    assert ("5e55-1", "shadow", AT, "GET /users/{id}", "/users/7") == (
        record.exchange_id,
        record.target,
        record.at,
        record.route,
        record.path,
    )
    assert (200, 200, 2.0, 3.0) == (
        record.live_status,
        record.shadow_status,
        record.live_ms,
        record.shadow_ms,
    )
    assert ("a setting", True) == (record.hint, record.cut)
    assert ('{"a": 1}', '{"a": 2}') == (record.live_body, record.shadow_body)


def test_only_divergences_are_kept() -> None:
    """Equal pairs cost no row."""
    desk = Desk()

    for outcome in set(Outcome) - {Outcome.DIVERGENCE}:
        desk.recorder.record(replay(outcome))

    assert [] == desk.flushed().divergences


def test_no_planted_secret_leaves(caplog: pytest.LogCaptureFixture) -> None:
    """Store, log and signal hold none of the secrets of an exchange (W24)."""
    desk = Desk(Settings(redact_paths=("/hidden",)), wants=tuple(ALL))
    secret = SECRET.encode()
    leaking = body(json.dumps({"password": SECRET, "hidden": SECRET}))
    headers = ((b"Content-Type", b"application/json"), (b"Set-Cookie", b"s=" + secret))

    desk.recorder.record(
        replay(
            query=b"token=" + secret,
            request_headers=((b"Authorization", b"Bearer " + secret),),
            live=Response(200, headers, leaking),
            response=Response(200, headers, leaking),
            differences=(
                difference("/password", live=SECRET),
                difference("/hidden", shadow=SECRET),
            ),
        )
    )

    kept = msgspec.json.encode([desk.flushed(), desk.events]).decode()
    logged = json.dumps([vars(line) for line in caplog.records], default=str)
    assert 2 == len(desk.events)
    assert 1 == len(caplog.records)
    assert SECRET not in kept
    assert SECRET not in logged


def test_a_route_that_is_a_raw_path_is_redacted_in_counts() -> None:
    """A path that nobody has a template for may hold a secret, too (W24)."""
    desk = Desk()
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"

    desk.recorder.record(replay(Outcome.MATCH, route=f"/reset/{token}"))

    assert token not in desk.flushed().counts[0].route


def test_a_compressed_body_is_kept_as_text() -> None:
    """Codings are taken off, so that what is under them can be redacted."""
    desk = Desk()
    packed = gzip.compress(b'{"a": 1, "password": "hunter2"}')
    headers = ((b"Content-Type", b"application/json"), (b"Content-Encoding", b"gzip"))

    desk.recorder.record(replay(live=Response(200, headers, Body(packed, len(packed)))))

    [record] = desk.flushed().divergences
    assert "hunter2" not in record.live_body
    assert '"a"' in record.live_body


def test_a_large_body_is_cut_and_says_so() -> None:
    """`max_stored_body` bounds what is kept of each body (W50)."""
    desk = Desk(Settings(max_stored_body=100))

    desk.recorder.record(
        replay(
            live=Response(200, ((b"Content-Type", b"text/plain"),), body("x" * 5000))
        )
    )

    [record] = desk.flushed().divergences
    assert len(record.live_body) < 150
    assert record.live_body.endswith("… (5,000 bytes in all)")


def test_a_large_value_is_bounded() -> None:
    """A whole subtree as a value does not make a record large (W50)."""
    desk = Desk()

    desk.recorder.record(
        replay(
            differences=(difference(live=list(range(100_000)), shadow="y" * 99_999),)
        )
    )

    [record] = desk.flushed().divergences
    assert len(msgspec.json.encode(record)) < 10_000


def test_many_divergences_are_handed_over_before_the_flush() -> None:
    """What waits for a flush is bounded."""
    desk = Desk()

    for number in range(200):
        desk.recorder.record(replay(id=f"5e55-{number}"))

    assert 3 == len(desk.batches)
    assert 200 == len(desk.flushed().divergences)


def test_nothing_new_hands_nothing_over() -> None:
    """A flush without anything to write makes no batch."""
    desk = Desk()

    desk.recorder.flush()

    assert [] == desk.batches


class _TimedRedactor(Redactor):
    """Takes time for each body: `passing` seconds, of which it works for `working`."""

    def __init__(self, passing: float, working: float) -> None:
        super().__init__(Settings())
        self._passing, self._working = passing, working
        self.desk = Desk(redactor=self)

    def body(self, data: bytes, content_type: bytes | str = "") -> str:
        self.desk.steady_clock.now += self._passing
        self.desk.work_clock.now += self._working
        return super().body(data, content_type)


def test_a_flood_of_divergences_goes_without_bodies() -> None:
    """Redaction may take a share of the time; every divergence is kept all the same."""
    desk = _TimedRedactor(passing=0.5, working=0.5).desk

    for _ in range(3):
        desk.recorder.record(replay())
    desk.steady_clock.now += 4
    desk.recorder.record(replay())

    kept = desk.flushed().divergences
    assert ['{"a": 2}', '{"a": 2}', LEFT_OUT, '{"a": 2}'] == [
        record.shadow_body for record in kept
    ]
    assert {1} == {len(record.differences) for record in kept}


def test_what_only_had_to_wait_for_a_processor_is_kept_whole() -> None:
    """On a busy machine a few divergences are no flood: they can be rechecked."""
    desk = _TimedRedactor(passing=60.0, working=0.0).desk

    for _ in range(4):
        desk.recorder.record(replay())

    assert ['{"a": 2}'] * 4 == [one.shadow_body for one in desk.flushed().divergences]


class _BrokenRedactor(Redactor):
    def headers(self, headers: object) -> list[tuple[str, str]]:
        raise ValueError(SECRET)


def test_an_odd_exchange_is_counted_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What cannot be recorded stops nothing and quotes nothing (W13)."""
    desk = Desk(redactor=_BrokenRedactor(Settings()))

    for number in range(3):
        desk.recorder.record(replay(id=f"5e55-{number}"))

    batch = desk.flushed()
    assert [3] == [count.count for count in batch.counts]
    assert [] == batch.divergences
    assert 3 == desk.recorder.odd
    assert 1 == len(caplog.records)
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text


class _NoRoutes(Redactor):
    def path(self, path: bytes, query: bytes = b"") -> str:
        raise ValueError(SECRET)


def test_a_route_that_cannot_be_redacted_is_counted_without_its_name() -> None:
    """Even then the outcome is counted (W13)."""
    desk = Desk(redactor=_NoRoutes(Settings()))

    desk.recorder.record(replay(Outcome.MATCH))

    assert [("(other)", 1)] == [
        (count.route, count.count) for count in desk.flushed().counts
    ]


def test_drops_of_the_live_side_are_counted_by_reason() -> None:
    """They never became a replay, and count all the same (W39)."""
    desk = Desk(wants=("exchange_dropped",))

    desk.recorder.count("shadow", "-", Outcome.DROPPED, "buffer_full", 7, AT)

    [count] = desk.flushed().counts
    assert ("-", Outcome.DROPPED, "buffer_full", 7) == (
        count.route,
        count.outcome,
        count.reason,
        count.count,
    )
    assert [
        ("exchange_dropped", {"target": "shadow", "reason": "buffer_full", "count": 7})
    ] == desk.events


def test_a_count_without_a_time_is_of_now() -> None:
    """The clock that was given is the one that is asked."""
    desk = Desk()
    desk.clock.now = AT + 600

    desk.recorder.count("shadow", "-", Outcome.DROPPED, "buffer_full")

    assert int(AT + 600) // 60 == desk.flushed().counts[0].minute


def test_a_divergence_after_a_drop_says_so() -> None:
    """Later events of a key are flagged (W39)."""
    desk = Desk()
    one = replay()
    late = msgspec.structs.replace(
        one, exchange=msgspec.structs.replace(one.exchange, after_drop=True)
    )

    desk.recorder.record(late)

    assert [True] == [record.after_drop for record in desk.flushed().divergences]


def test_live_that_raised_has_no_status() -> None:
    """A record without a live response is a record all the same."""
    desk = Desk()

    desk.recorder.record(replay(live=None, timing=Timing(0, 1, 1)))

    [record] = desk.flushed().divergences
    assert (None, "", []) == (record.live_status, record.live_body, record.live_headers)


def test_a_quiet_logger_writes_no_line(caplog: pytest.LogCaptureFixture) -> None:
    """Who turns the logger off pays for no line."""
    with caplog.at_level(logging.ERROR, "shadow_middleware.divergence"):
        Desk().recorder.record(replay())

    assert [] == caplog.records
