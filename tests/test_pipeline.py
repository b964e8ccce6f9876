"""One exchange through transform, replay, compare and record: every road has an end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from shadow_middleware.compare import Comparer
from shadow_middleware.errors import (
    ReplayConnectError,
    ReplayProtocolError,
    ReplayTimeout,
)
from shadow_middleware.evidence import Batch
from shadow_middleware.exchange import (
    Body,
    Exchange,
    Outcome,
    Request,
    Response,
    Timing,
)
from shadow_middleware.judge import Judge, Policy, Profile
from shadow_middleware.judging import Judging
from shadow_middleware.observe.recorder import Recorder
from shadow_middleware.pipeline import Ends, Lane, Pipeline, Roads
from shadow_middleware.replay.control import Control, Tell
from shadow_middleware.settings import load
from shadow_middleware.testing import FakeSender
from shadow_middleware.transform.redact import Redactor

JSON = ((b"content-type", b"application/json"),)


def body(data: bytes) -> Body:
    """Return a whole body."""
    return Body(data, len(data))


def exchange(number: int = 1, **fields: Any) -> Exchange:
    """Return an exchange with an answer in JSON, but for the fields given."""
    plain = {
        "request": Request("GET", b"/items/7"),
        "response": Response(200, JSON, body(b'{"id":7}')),
        "timing": Timing(0, 1_000_000, 2_000_000),
        "route": "/items/{id}",
    }
    return Exchange(id=f"live-{number}", at=0.0, **{**plain, **fields})


class Bed:
    """A pipeline to one target, and a tally of what it came to."""

    def __init__(
        self, answer: Any = None, *, control: Any = None, **settings: Any
    ) -> None:
        self.sender = FakeSender(answer or Response(200, JSON, body(b'{"id":7}')))
        self.control = FakeSender(control or Response(200, JSON, body(b'{"id":7}')))
        self.settings = load({"shadow_url": "http://shadow.test/base", **settings})
        self.batches: list[Batch] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.ended: Counter[tuple[str, str]] = Counter()
        self.seconds = 90.0
        self.comparer: Any = None

    def run(self, *exchanges: Exchange) -> dict[tuple[str, str], int]:
        """Send the exchanges through; give outcomes and reasons with their counts."""
        return asyncio.run(self._run(exchanges))

    async def _run(self, exchanges: tuple[Exchange, ...]) -> dict[tuple[str, str], int]:
        recorder = Recorder(
            self.settings,
            Redactor(self.settings),
            self.batches.append,
            lambda name, event: self.events.append((name, event)),
        )
        pipeline = self.pipeline(recorder)
        for one in exchanges:
            pipeline.accept(one, 100)
        await pipeline.drain(self.seconds)
        pipeline.announce_changes()
        recorder.flush()
        counts = self.counts("shadow")
        assert len(exchanges) == sum(counts.values()) == self.ended["live", "shadow"]
        return dict(counts)

    def counts(self, target: str) -> Counter[tuple[str, str]]:
        """Return outcomes and reasons of a target with their counts."""
        counts: Counter[tuple[str, str]] = Counter()
        for batch in self.batches:
            for count in batch.counts:
                if count.target == target:
                    reason = "" if count.outcome is Outcome.DIVERGENCE else count.reason
                    counts[str(count.outcome), reason] += count.count
        return counts

    def pipeline(self, recorder: Recorder) -> Pipeline:
        """Return a pipeline to the senders of this bed."""
        self.profile = Profile(Policy.of(self.settings))
        judging = Judging(
            self.settings,
            self.comparer or Comparer(self.settings),
            Judge(self.settings, self.profile),
            recorder.route,
            str,
        )
        return Pipeline(self._roads, recorder, judging.weigh, self._count)

    def _roads(self, ends: Ends, tell: Tell) -> Roads:
        control = None
        if self.settings.control_url:
            control = Control(self.settings, self.control, tell)
        lanes = [
            Lane(target, self.settings, self.sender, ends, control)
            for target in self.settings.all_targets
        ]
        return Roads(lanes, control)

    def _count(self, session: str, target: str, number: int) -> None:
        self.ended[session, target] += number


def raising(error: Exception) -> Callable[[Request], Response]:
    """Return an answer that fails."""

    def answer(request: Request) -> Response:
        raise error

    return answer


def test_the_same_answer_is_a_match() -> None:
    """The request goes out under the base path, marked, and both sides agree."""
    bed = Bed()

    assert {("match", ""): 1} == bed.run(exchange())
    [request] = bed.sender.requests
    assert b"/base/items/7" == request.path
    assert b"live-1;hop=1" in dict(request.headers).values()


def test_another_answer_is_a_divergence_with_its_place() -> None:
    """What differs is recorded with both values."""
    bed = Bed(Response(200, JSON, body(b'{"id":8}')))

    assert {("divergence", ""): 1} == bed.run(exchange())
    [record] = [one for batch in bed.batches for one in batch.divergences]
    [difference] = record.differences
    assert ("/id", 7, 8) == (difference.path, difference.live, difference.shadow)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ReplayTimeout("slow"), ("timeout", "total")),
        (ReplayConnectError("refused"), ("shadow_error", "connect")),
        (ReplayProtocolError("garbage"), ("shadow_error", "protocol")),
        (ZeroDivisionError("ours"), ("skipped", "internal_error")),
    ],
)
def test_a_replay_that_fails_is_counted_by_how(
    error: Exception, outcome: tuple[str, str]
) -> None:
    """W13: a shadow that is down never looks like one that agrees."""
    assert {outcome: 1} == Bed(raising(error)).run(exchange())


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"skip": "aborted"}, ("skipped", "aborted")),
        ({"live_error": "KeyError", "response": None}, ("live_error", "KeyError")),
        ({"response": None}, ("live_error", "no_response")),
        ({"response": Response(503)}, ("live_error", "503")),
        ({"request": Request("POST", b"/")}, ("skipped", "method")),
        (
            {"request": Request("GET", b"/", body=Body(b"x", 9))},
            ("skipped", "request_cut"),
        ),
    ],
)
def test_what_is_no_evidence_is_not_sent(
    fields: dict[str, Any], outcome: tuple[str, str]
) -> None:
    """Live's own failures and incomplete requests are counted and stay here."""
    bed = Bed()

    assert {outcome: 1} == bed.run(exchange(**fields))
    assert [] == bed.sender.requests


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ({}, True),
        ({"methods": ["POST"]}, False),
        ({"include": ["/users/**"]}, False),
        ({"include": ["/items/*"]}, True),
        ({"exclude": ["/items/**"]}, False),
    ],
)
def test_a_target_has_a_selection_of_its_own(
    target: dict[str, Any], sent: bool
) -> None:
    """W28: methods and paths of one target narrow what it gets."""
    bed = Bed(
        shadow_url="", targets=[{"name": "shadow", "url": "http://s.test", **target}]
    )
    bed.run(exchange())

    assert sent == bool(bed.sender.requests)


def test_failures_open_the_breaker_and_the_rest_is_skipped() -> None:
    """A dead shadow is left in peace, and that is counted and announced."""
    bed = Bed(raising(ReplayConnectError("x")), breaker_failures=3, concurrency=1)

    assert {("shadow_error", "connect"): 3, ("skipped", "breaker_open"): 7} == bed.run(
        *(exchange(n) for n in range(10))
    )
    changes = [event for name, event in bed.events if name == "breaker_changed"]
    assert ["open"] == [event["state"] for event in changes]


def test_a_5xx_unlike_live_counts_against_the_shadow() -> None:
    """W14: a shadow that answers 500 all the time is not healthy."""
    bed = Bed(Response(500), breaker_failures=2, concurrency=1)
    counts = bed.run(*(exchange(n) for n in range(5)))

    assert 3 == counts["skipped", "breaker_open"]


def test_a_full_queue_drops_counts_and_flags_what_follows() -> None:
    """W9, W39: bounded in count, and the key's next exchange says so."""
    bed = Bed(queue_count=1, concurrency=1)
    counts = bed.run(*(exchange(n, key="ann") for n in range(6)))

    assert 6 == sum(counts.values())
    assert counts["dropped", "queue_full"] >= 4


def test_two_targets_each_get_one_copy_and_one_outcome() -> None:
    """The law of conservation holds for each target by itself."""
    bed = Bed(targets=[{"name": "second", "url": "http://second.test"}])

    bed.run(exchange())
    assert {("live", "shadow"): 1, ("live", "second"): 1} == bed.ended
    assert 2 == len(bed.sender.requests)


def test_what_does_not_end_in_time_is_dropped_at_shutdown() -> None:
    """W40: after the deadline the rest has an outcome as well."""

    class Never(FakeSender):
        async def send(self, request: Request) -> Any:
            await asyncio.Event().wait()

    bed = Bed()
    bed.sender = Never()

    async def drain() -> None:
        recorder = Recorder(bed.settings, Redactor(bed.settings), bed.batches.append)
        pipeline = bed.pipeline(recorder)
        for number in range(40):
            pipeline.accept(exchange(number), 100)
        await pipeline.drain(0.05)
        recorder.flush()

    asyncio.run(drain())
    counts = [(c.outcome, c.reason, c.count) for b in bed.batches for c in b.counts]

    assert [(Outcome.DROPPED, "shutdown", 40)] == counts
    assert bed.sender.closed


def test_a_large_comparison_does_not_hold_the_loop() -> None:
    """W43: what is not cheap is compared on a thread, and ends the same."""
    text = msgspec.json.encode([{"n": n, "text": "x" * 50} for n in range(20_000)])
    live = Response(200, JSON, body(text))
    bed = Bed(Response(200, JSON, body(text.replace(b'"n":19999', b'"n":-1'))))

    assert {("divergence", ""): 1} == bed.run(exchange(response=live))
