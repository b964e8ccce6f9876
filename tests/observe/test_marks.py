"""Groups, samples, rules and versions: what a replay leaves beside its outcome."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from shadow_middleware.exchange import Body, Difference, Outcome, Response
from shadow_middleware.knowledge import (
    MANY,
    Group,
    GroupKey,
    GroupState,
    RuleHit,
)
from shadow_middleware.observe.marks import GroupsSeen, RuleHits, Signatures, slot_of
from shadow_middleware.settings import Settings, load
from tests.observe.replays import AT, Desk, body, difference, replay

JSON = ((b"Content-Type", b"application/json"),)


def grouped(group: str, path: str = "/items/3/price", **fields: Any) -> Difference:
    """Return a difference that was judged."""
    return difference(path, group=group, shape="/items/*/price", **fields)


# --- counts ------------------------------------------------------------------------------


def test_a_divergence_is_counted_under_its_signature() -> None:
    """So that it can be judged anew when it is read."""
    desk = Desk()

    desk.recorder.record(replay(signature="abcd", version="2.0"))

    [count] = desk.flushed().counts
    assert ("abcd", "2.0") == (count.reason, count.version)
    assert {"2.0"} == {one.version for one in desk.flushed().latencies}


def test_what_has_another_version_is_counted_apart() -> None:
    """Evidence of yesterday's build is not that of today's."""
    desk = Desk()
    for version in ("1", "2", "2"):
        desk.recorder.record(replay(Outcome.MATCH, version=version))

    counts = desk.flushed().counts
    assert [("1", 1), ("2", 2)] == [(one.version, one.count) for one in counts]


def test_there_is_an_end_to_the_signatures() -> None:
    """Those that are known stay apart; what is new is counted with the others."""
    names = Signatures(most=2)

    assert ["a", "b", MANY, "a", ""] == [
        names.name(x) for x in ("a", "b", "c", "a", "")
    ]


# --- rules -------------------------------------------------------------------------------


def test_each_rule_is_counted_by_what_it_hid() -> None:
    """Hits add up over replays; the last one says when."""
    desk = Desk()
    hits = (("clock", "changed"), ("ids", "missing"), ("default:date", "changed"))
    desk.recorder.record(replay(Outcome.MATCH, hits=hits, at=AT))
    desk.recorder.record(replay(Outcome.MATCH, hits=hits[:1], at=AT + 5))

    assert [
        RuleHit("clock", "shadow", "changed", 2, AT + 5),
        RuleHit("ids", "shadow", "missing", 1, AT),
    ] == desk.flushed().rule_hits


def test_there_is_an_end_to_the_hits() -> None:
    """However many rules there are, the sum stays and the list does not grow."""
    hits = RuleHits()
    for number in range(5_000):
        hits.add(replay(Outcome.MATCH, hits=((f"rule {number}", "changed"),)))
    taken = hits.take()

    assert 5_000 == sum(hit.count for hit in taken)
    assert len(taken) < 2_100


# --- samples and groups --------------------------------------------------------------------


def test_a_divergence_stands_for_each_of_its_groups() -> None:
    """But not for what is noise in it."""
    desk = Desk()
    found = (grouped("aa"), grouped("bb"), grouped("cc", noise="control"))
    desk.recorder.record(replay(differences=found))

    batch = desk.flushed()
    assert [("aa", "5e55-1"), ("bb", "5e55-1")] == [
        (sample.group, sample.exchange_id) for sample in batch.samples
    ]
    assert [("aa", "bb")] == [record.groups for record in batch.divergences]


def test_samples_are_unlike_each_other_and_few() -> None:
    """Equal differences share a slot, and there are sixteen slots for each group."""
    desk = Desk()
    for number in range(300):
        one = grouped("aa", f"/items/{number % 100}/price")
        desk.recorder.record(replay(id=f"5e55-{number}", differences=(one,)))
    samples = desk.flushed().samples
    by_batch = [{x.slot for x in batch.samples} for batch in desk.batches]

    assert set(range(16)) == {sample.slot for sample in samples}
    assert all(len(slots) <= 16 for slots in by_batch)


def test_a_slot_is_the_same_on_every_host() -> None:
    """It depends on the place and the two values, and on nothing else."""
    first = grouped("aa", live=1, shadow=2)

    assert slot_of(first) == slot_of(grouped("bb", live=1, shadow=2, note="x"))
    assert 1 < len({slot_of(grouped("aa", live=1, shadow=n)) for n in range(50)})
    assert 11 == slot_of(first)


def test_a_sample_that_can_be_sent_again_goes_first() -> None:
    """Of two that fill one slot, recheck wants the whole one."""
    desk = Desk()
    desk.recorder.record(replay(id="a-1", differences=(grouped("aa"),)))
    cut: dict[str, Any] = {"query": b"token=hunter2-very-secret"}
    desk.recorder.record(replay(id="a-2", differences=(grouped("aa"),), **cut))

    batch = desk.flushed()
    assert [True, False] == [record.replayable for record in batch.divergences]
    assert ["a-1"] == [sample.exchange_id for sample in batch.samples]


def test_a_new_group_is_announced_once() -> None:
    """With what it is, redacted, and where it was seen first."""
    desk = Desk(wants=("group_found",))
    for number in (1, 2):
        found = (grouped("aa", live_is="float", shadow_is="integer"),)
        desk.recorder.record(
            replay(id=f"5e55-{number}", differences=found, version="2")
        )

    [(name, event)] = desk.events
    assert "group_found" == name
    assert {
        "group": "aa",
        "state": "open",
        "exchange_id": "5e55-1",
        "at": AT,
        "target": "shadow",
        "route": "GET /users/{id}",
        "part": "body",
        "path": "/items/*/price",
        "kind": "changed",
        "live": "float",
        "shadow": "integer",
        "version": "2",
        "suppressed": 0,
    } == event


def known(fingerprint: str, **fields: Any) -> Group:
    key = GroupKey(
        "shadow", "GET /", difference().part, "/a", difference().kind, "", ""
    )
    given: dict[str, Any] = {"count": 3, "first_at": 0.0, "last_at": 0.0}
    return Group(fingerprint, key, **(given | fields))


def test_what_the_store_knows_is_no_news_but_what_comes_back_is() -> None:
    """A resolved group is announced once for each time that it was resolved."""
    seen = GroupsSeen()
    resolved = known("bb", state=GroupState.RESOLVED, decided_at=5.0)
    seen.learn([known("aa"), resolved, known("cc", count=0)])

    assert ["", "regressed", "open"] == [seen.first(x) for x in ("aa", "bb", "cc")]
    seen.learn([resolved])
    assert "" == seen.first("bb")
    seen.learn([known("bb", state=GroupState.RESOLVED, decided_at=9.0)])
    assert "regressed" == seen.first("bb")


def test_there_is_an_end_to_the_groups_that_are_remembered() -> None:
    """Beyond it nothing is announced, rather than everything again and again."""
    seen = GroupsSeen(most=1)

    assert ["open", "", ""] == [seen.first(x) for x in ("a", "b", "b")]


def test_the_log_line_and_the_event_name_the_groups(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """From either, one finds the group; noise beside it is not spoken of in the log."""
    desk = Desk(wants=("divergence_found",))
    noise = grouped("00", "/at", noise="timestamp")
    with caplog.at_level(logging.WARNING):
        desk.recorder.record(
            replay(differences=(noise, grouped("aa"), grouped("bb")), version="2")
        )

    [line] = caplog.records
    assert line.getMessage().endswith("and 1 more (group aa and 1 more)")
    assert (["aa", "bb"], 2, "2") == (
        line.__dict__["groups"],
        line.__dict__["difference_count"],
        line.__dict__["version"],
    )
    [(_, event)] = desk.events
    assert (["aa", "bb"], "2") == (event["groups"], event["version"])
    assert [("00", "timestamp"), ("aa", ""), ("bb", "")] == [
        (one["group"], one["noise"]) for one in event["differences"]
    ]


# --- whole enough to be sent again ----------------------------------------------------------

SENT = ((b"Host", b"live.test"), (b"Accept", b"*/*"))


@pytest.mark.parametrize(
    ("fields", "replayable"),
    [
        ({}, True),
        ({"query": b"page=2&q=a%20b"}, True),
        ({"query": b"token=hunter2-very-secret"}, False),
        ({"path": b"/" + b"a" * 3_000}, False),
        ({"request_headers": SENT}, True),
        ({"request_headers": (*SENT, (b"Cookie", b"sid=123456789012"))}, True),
        ({"request_headers": (*SENT, (b"Proxy-Authorization", b"Basic abc"))}, True),
        ({"request_headers": (*SENT, (b"X-Next", b"/a?token=hunter2-secret"))}, False),
        ({"request_headers": tuple((b"X-%d" % n, b"1") for n in range(101))}, False),
        ({"request_body": body('{"a": [1, "b"]}'), "request_headers": JSON}, True),
        ({"request_body": body('{"password": "x"}'), "request_headers": JSON}, False),
        ({"request_body": Body(b"abc", 9)}, False),
        ({"request_body": body("a" * 20_000)}, False),
        ({"request_body": Body(b"\x00\x01", 2)}, False),
    ],
)
def test_a_request_can_be_sent_again_where_it_rests_as_it_was(
    fields: dict[str, Any], replayable: bool
) -> None:
    """Nothing masked, nothing cut; headers that the shadow never gets do not count."""
    desk = Desk(load({"shadow_url": "http://shadow.test"}, environ={}))
    desk.recorder.record(replay(**fields))

    assert [replayable] == [one.replayable for one in desk.flushed().divergences]


def test_credentials_that_a_target_gets_have_to_be_there() -> None:
    """They are masked at rest, so a request with them is never whole."""
    desk = Desk(
        load({"shadow_url": "http://shadow.test", "credentials": "pass"}, environ={})
    )
    cookie = (*SENT, (b"Cookie", b"sid=123456789012"))
    desk.recorder.record(replay(request_headers=cookie))

    assert [False] == [one.replayable for one in desk.flushed().divergences]


@pytest.mark.parametrize(
    ("live", "comparable"),
    [
        (Response(200, JSON, body('{"a": 1}')), True),
        (Response(200, JSON, body('{"password": "x"}')), True),
        (Response(200), True),
        (Response(200, JSON, Body(b'{"a":', 900)), False),
        (Response(200, (), body("a" * 20_000)), False),
        (Response(200, (), Body(b"\x00\x01", 2)), False),
        (Response(200, (), body("pin=1;" * 2_600)), False),
        (None, False),
    ],
)
def test_an_answer_can_be_compared_again_where_it_rests_whole(
    live: Response | None, comparable: bool
) -> None:
    """What is masked in it is masked in the other as well, so that is no matter."""
    desk = Desk()
    desk.recorder.record(replay(live=live))

    assert [comparable] == [one.comparable for one in desk.flushed().divergences]


def test_what_was_left_out_for_want_of_time_is_neither() -> None:
    """A record without its bodies is good for reading only."""
    desk = Desk(Settings())
    desk.recorder._body_budget._left = 0.0
    desk.recorder.record(replay(request_body=body("abc")))

    [record] = desk.flushed().divergences
    assert (False, False) == (record.replayable, record.comparable)
