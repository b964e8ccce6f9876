"""The control and the self-probe: second answers that say what is noise, and no more."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from shadow_middleware.errors import ReplayConnectError, ReplayTimeout
from shadow_middleware.exchange import Exchange, Outcome, Request, Response, Timing
from shadow_middleware.replay.base import Answer
from shadow_middleware.replay.control import Control
from shadow_middleware.settings import load
from shadow_middleware.testing import FakeSender
from tests.test_pipeline import JSON, Bed, body, exchange, raising

CONTROL_URL = "http://copy.test/old"
TWO = {"targets": [{"name": "second", "url": "http://second.test"}]}


def json(text: str, status: int = 200, *headers: tuple[bytes, bytes]) -> Response:
    """Return an answer in JSON."""
    return Response(status, (*JSON, *headers), body(text.encode()))


def counting(text: str) -> Callable[[Request], Response]:
    """Return an answer that is another one each time."""
    numbers = itertools.count()
    return lambda request: json(text.replace("N", f"v{next(numbers)}-x"))


def bed(answer: Any = None, control: Any = None, **settings: Any) -> Bed:
    """Return a pipeline with a control."""
    return Bed(answer, control=control, **{"control_url": CONTROL_URL, **settings})


def live(text: str, number: int = 1, **fields: Any) -> Exchange:
    """Return an exchange to which live answered that."""
    return exchange(number, response=json(text), **fields)


class Never(FakeSender):
    """Takes every request and answers none."""

    async def send(self, request: Request) -> Answer:
        self.requests.append(request)
        await asyncio.Event().wait()
        raise AssertionError


# --- what is sent ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "method", "sent"),
    [
        ({}, "GET", 1),
        ({"control_rate": 0}, "GET", 0),
        ({"control_url": ""}, "GET", 0),
        ({"control_methods": ["HEAD"]}, "GET", 0),
        ({"methods": ["GET", "POST"]}, "POST", 0),
        ({"methods": ["GET", "POST"], "control_methods": ["POST"]}, "POST", 1),
        ({"exclude_target": True}, "GET", 0),
    ],
)
def test_the_control_is_asked_what_it_is_meant_to_be_asked(
    settings: dict[str, Any], method: str, sent: int
) -> None:
    """Writes stay away from it unless it is said that it has a database of its own."""
    if settings.pop("exclude_target", False):
        target = {"name": "shadow", "url": "http://s.test", "exclude": ["/**"]}
        settings |= {"shadow_url": "", "targets": [target]}
    one = bed(**settings)
    one.run(exchange(request=Request(method, b"/items/7")))

    assert sent == len(one.control.requests) == sum(one.counts("control").values())


def test_the_control_gets_the_same_request_marked_and_without_credentials() -> None:
    """It is a target like any other: base path, marker, nothing secret (W17, W48)."""
    one = bed()
    headers = [(b"Accept", b"*/*"), (b"Cookie", b"sid=1"), (b"Authorization", b"x")]
    one.run(exchange(request=Request("GET", b"/a", b"b=1", headers)))

    [shadow], [control] = one.sender.requests, one.control.requests
    assert (b"/old/a", b"b=1") == (control.path, control.query)
    names = [name.lower() for name, _ in control.headers]
    assert [b"host", b"accept", b"x-shadow-request"] == names
    assert dict(control.headers)[b"Host"] == b"copy.test"
    assert b"live-1;hop=1" in dict(control.headers).values()
    assert [n for n, _ in shadow.headers] == [n for n, _ in control.headers]


def test_the_control_is_asked_once_for_all_lanes() -> None:
    """Both shadows are judged by the one answer that it gave."""
    one = bed(json('{"id":"x1-y"}'), json('{"id":"x2-y"}'), **TWO)
    one.run(*(live('{"id":"x3-y"}', n) for n in range(10)))

    assert (20, 10) == (len(one.sender.requests), len(one.control.requests))
    for target in ("shadow", "second"):
        assert {("noise", "control"): 10} == one.counts(target)
    assert {("divergence", ""): 10} == one.counts("control")


def test_the_control_is_asked_while_the_shadow_is() -> None:
    """Both see the same moment, and neither waits for the other."""
    asked = asyncio.Event()

    class Waiting(FakeSender):
        async def send(self, request: Request) -> Answer:
            await asked.wait()
            return await super().send(request)

    class Telling(FakeSender):
        async def send(self, request: Request) -> Answer:
            asked.set()
            return await super().send(request)

    one = bed()
    one.sender, one.control = Waiting(json('{"id":7}')), Telling(json('{"id":7}'))

    assert {("match", ""): 1} == one.run(exchange())
    assert {("match", ""): 1} == one.counts("control")


def test_a_share_of_the_exchanges_goes_to_the_control_the_same_everywhere() -> None:
    """`control_rate` is sticky by the exchange's id, so every lane and agent agrees."""
    seen = []
    for _ in range(2):
        one = bed(control_rate=0.3)
        one.run(*(exchange(number) for number in range(300)))
        markers = [dict(r.headers)[b"X-Shadow-Request"] for r in one.control.requests]
        seen.append(sorted(marker.split(b";")[0] for marker in markers))

    assert seen[0] == seen[1]
    assert 50 < len(seen[0]) < 130


# --- what it says --------------------------------------------------------------------------


def test_what_the_control_differs_in_as_well_is_noise() -> None:
    """Two copies of one version disagree about it, so nobody else can be blamed."""
    one = bed(counting('{"id":7,"at":"N"}'), counting('{"id":7,"at":"N"}'))

    assert {("noise", "control"): 5} == one.run(
        *(live('{"id":7,"at":"z-z"}', n) for n in range(5))
    )
    assert [] == [record for batch in one.batches for record in batch.divergences]


def test_a_regression_on_a_noisy_field_is_found() -> None:
    """The field differs always; that it is null now is something else."""
    one = bed(json('{"id":7,"at":null}'), counting('{"id":7,"at":"N"}'))

    assert {("divergence", ""): 5} == one.run(
        *(live('{"id":7,"at":"z-z"}', n) for n in range(5))
    )
    [record, *_] = [record for batch in one.batches for record in batch.divergences]
    assert 1 == len(record.groups)


@pytest.mark.parametrize(
    ("control", "counted"),
    [
        (raising(ReplayConnectError("x")), ("shadow_error", "connect")),
        (raising(ReplayTimeout("x")), ("timeout", "total")),
        (raising(ZeroDivisionError("ours")), ("skipped", "internal_error")),
        (json("{}", 503), ("shadow_error", "503")),
        (json("{}", 401), ("incomparable", "refused")),
        (json("{}", 429), ("incomparable", "refused")),
        (json('{"id":7}', 200, (b"X-V", b"2")), ("incomparable", "version")),
        (json('{"id":7}', 200, (b"X-V", b"1")), ("match", "")),
        (json('{"id":8}', 200), ("divergence", "")),
    ],
)
def test_every_end_at_the_control_is_counted_and_harms_nothing(
    control: Any, counted: tuple[str, str]
) -> None:
    """One that is down is seen to be, and the exchange is judged without it."""
    one = bed(json('{"id":7}'), control, version_header="X-V")
    response = json('{"id":7}', 200, (b"X-V", b"1"))
    ended = one.run(exchange(response=response), exchange(2, response=response))

    assert 2 == sum(ended.values())
    assert {counted: 2} == one.counts("control")
    assert {("live", "shadow"): 2} == one.ended


@pytest.mark.parametrize("status", [500, 503, 401, 403, 429])
def test_a_control_that_fails_excuses_no_shadow_that_fails(status: int) -> None:
    """A broken copy of live would otherwise make noise of every error."""
    one = bed(json('{"error":1}', status), json('{"error":1}', status))

    assert {("divergence", ""): 1} == one.run(live('{"id":7}'))


def test_a_login_page_of_the_control_is_no_evidence() -> None:
    """Credentials are dropped for both, so both are sent to the login."""
    login = Response(302, ((b"Location", b"/login"),))
    one = bed(login, login)

    ended = one.run(live('{"id":7}', withheld=("cookie",)))
    assert {("divergence", ""): 1} == ended
    assert {("incomparable", "refused"): 1} == one.counts("control")


def test_a_dead_control_is_left_in_peace() -> None:
    """Its breaker opens as a shadow's does, is announced, and all is judged."""
    one = bed(None, raising(ReplayConnectError("x")), breaker_failures=3, concurrency=1)

    assert {("match", ""): 9} == one.run(*(exchange(n) for n in range(9)))
    assert {
        ("shadow_error", "connect"): 3,
        ("skipped", "breaker_open"): 6,
    } == one.counts("control")
    changes = [event for name, event in one.events if name == "breaker_changed"]
    assert [("control", "open")] == [(x["target"], x["state"]) for x in changes]


def test_a_control_that_is_slow_counts_once_towards_its_breaker() -> None:
    """Whether the lane or the control itself stops the clock first."""

    class Late(FakeSender):
        async def send(self, request: Request) -> Answer:
            self.requests.append(request)
            await asyncio.sleep(0.02)
            raise ReplayTimeout("x")

    one = bed(total_timeout=0.02, breaker_failures=6, concurrency=1)
    one.control = Late()
    one.run(*(exchange(n) for n in range(5)))

    assert {("timeout", "total"): 5} == one.counts("control")
    assert [] == [event for name, event in one.events if name == "breaker_changed"]


@pytest.mark.parametrize("key", [None, "ann"])
def test_nobody_waits_for_the_control_beyond_the_total_timeout(key: str | None) -> None:
    """It is counted as the timeout that it is."""
    one = bed(total_timeout=0.05)
    one.control = Never()
    started = time.monotonic()

    assert {("match", ""): 2} == one.run(exchange(1, key=key), exchange(2, key=key))
    assert time.monotonic() - started < 60.0
    assert {("timeout", "total"): 2} == one.counts("control")


def test_a_shadow_that_fails_does_not_wait_for_the_control() -> None:
    """But for the next of the same key, there is nothing left to wait for."""
    one = bed(raising(ReplayConnectError("x")))
    one.control = Never()
    started = time.monotonic()

    assert {("shadow_error", "connect"): 3} == one.run(*(exchange(n) for n in range(3)))
    assert time.monotonic() - started < 60.0
    assert {("skipped", "not_compared"): 3} == one.counts("control")


def test_exchanges_of_one_key_reach_the_control_one_after_the_other() -> None:
    """Also where the shadow fails at once: the order of a key holds there as well."""
    under_way = most = 0

    class Slow(FakeSender):
        async def send(self, request: Request) -> Answer:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            for _ in range(20):
                await asyncio.sleep(0)
            under_way -= 1
            return await super().send(request)

    one = bed(raising(ReplayConnectError("x")))
    one.control = Slow(json('{"id":7}'))
    one.run(*(exchange(n, key="ann") for n in range(5)))

    assert (5, 1) == (len(one.control.requests), most)


# --- bounds ------------------------------------------------------------------------------


def asked_of(control: Control, *numbers: int) -> None:
    for number in numbers:
        control.expect(exchange(number), 2)
        control.ask(exchange(number))


@pytest.mark.parametrize(
    ("settings", "counted"),
    [({"concurrency": 2}, [(Outcome.SKIPPED, "busy")]), ({"concurrency": 3}, [])],
)
def test_no_more_is_under_way_at_the_control_than_at_a_target(
    settings: dict[str, Any], counted: list[tuple[Outcome, str]]
) -> None:
    """Beyond that it is not asked, and that is counted."""
    told: list[tuple[Outcome, str]] = []

    async def ask() -> None:
        control = Control(
            load({"shadow_url": "http://s", "control_url": CONTROL_URL, **settings}),
            Never(),
            lambda exchange, outcome, reason="": told.append((outcome, reason)),
        )
        asked_of(control, 1, 2, 3)
        assert counted == told
        await control.aclose()

    asyncio.run(ask())
    shut = [(Outcome.DROPPED, "shutdown")] * (3 - len(counted))
    assert [*counted, *shut] == told


def test_answers_that_wait_for_a_slow_lane_are_bounded_in_bytes() -> None:
    """What the last lane has not fetched counts; when it has, there is room again."""
    told: list[str] = []

    async def ask() -> None:
        control = Control(
            load(
                {"shadow_url": "http://s", "control_url": CONTROL_URL, "queue_bytes": 9}
            ),
            FakeSender(json('{"id": 7777777}')),
            lambda exchange, outcome, reason="": told.append(reason),
        )
        asked_of(control, 1)
        assert await control.answer(control.ask(exchange(1)), 60.0)
        asked_of(control, 2)
        assert ["busy"] == told
        for number in (1, 1, 2, 2):
            control.release(exchange(number))
        asked_of(control, 3)
        assert await control.answer(control.ask(exchange(3)), 60.0)
        await control.aclose()
        assert {} == control._expected

    asyncio.run(ask())


# --- the self-probe ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "method", "sent"),
    [
        ({}, "GET", 1),
        ({"self_probe": 1}, "GET", 2),
        ({"self_probe": 1, "methods": ["GET", "POST"]}, "POST", 1),
    ],
)
def test_safe_exchanges_are_sent_twice_where_that_is_asked_for(
    settings: dict[str, Any], method: str, sent: int
) -> None:
    """A write never is, whatever is mirrored."""
    one = Bed(**settings)
    one.run(exchange(request=Request(method, b"/items/7")))

    assert sent == len(one.sender.requests)
    assert {("live", "shadow"): 1} == one.ended


def test_what_the_shadow_differs_from_itself_in_is_noise() -> None:
    """Without any second copy of live."""
    one = Bed(counting('{"id":7,"at":"N"}'), self_probe=1)

    assert {("noise", "self-probe"): 5} == one.run(
        *(live('{"id":7,"at":"z-z"}', n) for n in range(5))
    )
    assert {("divergence", ""): 1} == Bed(counting('{"id":7,"at":"N"}')).run(
        live('{"id":7,"at":"z-z"}')
    )


@pytest.mark.parametrize(
    "second",
    [
        ReplayConnectError("x"),
        json("{}", 500),
        json("{}", 429),
        json('{"id":9}', 200, (b"X-V", b"2")),
    ],
)
def test_a_probe_that_fails_is_forgotten(second: Any) -> None:
    """The first answer counts, and is judged as if there had been no probe."""
    answers = iter([json('{"id":8}'), second])

    def answer(request: Request) -> Response:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]

    one = Bed(answer, self_probe=1, version_header="X-V")
    assert {("divergence", ""): 1} == one.run(exchange())
    assert not one.profile.take().noise_bases[0].probe


def test_nobody_waits_for_a_probe_beyond_the_total_timeout() -> None:
    """Both answers of one exchange have the time of one."""

    class Once(Never):
        async def send(self, request: Request) -> Answer:
            if self.requests:
                return await super().send(request)
            return await FakeSender.send(self, request)

    one = Bed(self_probe=1, total_timeout=0.05)
    one.sender = Once(json('{"id":7}'))
    started = time.monotonic()

    assert {("match", ""): 1} == one.run(exchange())
    assert time.monotonic() - started < 60.0


def test_probe_and_control_are_shares_of_their_own() -> None:
    """Or the same exchanges would always be looked at, and others never."""
    one = bed(control_rate=0.5, self_probe=0.5)
    one.run(*(exchange(number) for number in range(400)))
    bases = one.profile.take().noise_bases
    [base] = bases

    assert 400 == base.raw
    assert 130 < base.control < 270
    assert 130 < base.probe < 270
    twice = len(one.sender.requests) - 400
    assert twice == base.probe
    markers = [dict(r.headers)[b"X-Shadow-Request"] for r in one.sender.requests]
    probed = {m for m in markers if markers.count(m) == 2}
    controlled = {dict(r.headers)[b"X-Shadow-Request"] for r in one.control.requests}
    assert {m.split(b";")[0] for m in probed} != {m.split(b";")[0] for m in controlled}


def test_what_has_no_room_is_never_learned_to_be_noise() -> None:
    """`noise_cells` bounds what is told apart; beyond it, doubt is a divergence."""
    one = Bed(counting('{"id":7,"at":"N"}'), self_probe=1, noise_cells=0)

    assert {("divergence", ""): 5} == one.run(
        *(live('{"id":7,"at":"z-z"}', n) for n in range(5))
    )
    assert 0 < one.profile.overflow


# --- latency -------------------------------------------------------------------------------


class Taking(FakeSender):
    """Says that it took so long."""

    def __init__(self, ms: float) -> None:
        super().__init__(json('{"id":7}'))
        self.timing = Timing(0, 0, int(ms * 1e6))

    async def send(self, request: Request) -> Answer:
        return Answer((await super().send(request)).response, self.timing)


@pytest.mark.parametrize(
    ("settings", "shadow_ms", "control_ms", "ended"),
    [
        ({}, 900, 2, ("match", "")),
        ({"latency_ratio": 3}, 900, 2, ("divergence", "")),
        ({"latency_ratio": 3}, 40, 2, ("match", "")),
        ({"latency_ratio": 3, "latency_floor": 10}, 40, 2, ("divergence", "")),
        ({"latency_ratio": 30, "latency_floor": 10}, 40, 2, ("match", "")),
        ({"latency_ratio": 3}, 900, 900, ("noise", "control")),
    ],
)
def test_a_shadow_that_is_too_slow_diverges_where_that_is_the_policy(
    settings: dict[str, Any],
    shadow_ms: float,
    control_ms: float,
    ended: tuple[str, str],
) -> None:
    """Live took 2 ms: by ratio and by floor, unless the control took as long."""
    one = bed(**settings)
    one.sender, one.control = Taking(shadow_ms), Taking(control_ms)

    assert {ended: 1} == one.run(exchange())


# --- versions ------------------------------------------------------------------------------


def test_evidence_is_counted_under_the_version_that_answered() -> None:
    """By header, or as the target says; a failure counts under what was there last."""
    answers: list[Any] = [
        json('{"id":7}', 200, (b"X-V", b"2.1")),
        json('{"id":7}'),
        json('{"id":8}', 200, (b"X-V", b"2.2")),
        ReplayTimeout("x"),
    ]

    def answer(request: Request) -> Response:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]

    one = Bed(
        answer,
        shadow_url="",
        targets=[{"name": "shadow", "url": "http://s.test", "version": "dev"}],
        version_header="X-V",
        concurrency=1,
    )
    one.run(*(exchange(number, key="k") for number in range(4)))
    versions = [
        (str(count.outcome), count.version)
        for batch in one.batches
        for count in batch.counts
    ]

    assert [
        ("match", "2.1"),
        ("match", "dev"),
        ("divergence", "2.2"),
        ("timeout", "2.2"),
    ] == versions
    [record] = [record for batch in one.batches for record in batch.divergences]
    assert "2.2" == record.version


def test_what_is_learned_belongs_to_the_live_version() -> None:
    """Its header names the era, so that another build is learned anew."""
    one = Bed(version_header="X-V")
    one.run(exchange(response=json('{"id":7}', 200, (b"X-V", b"9"))))

    assert ["9"] == [base.era for base in one.profile.take().noise_bases]


def test_a_header_that_names_no_version_cannot_blow_up_the_counts() -> None:
    """Beyond a hundred, evidence goes under one name."""
    numbers = itertools.count()
    one = Bed(
        lambda request: json('{"id":7}', 200, (b"X-V", b"%d" % next(numbers))),
        version_header="X-V",
    )
    one.run(*(exchange(number) for number in range(300)))
    versions = {count.version for batch in one.batches for count in batch.counts}

    assert "(other)" in versions
    assert len(versions) < 105


# --- the law ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_every_exchange_ends_once_whatever_control_and_probe_do(seed: int) -> None:
    """The law of conservation, for each target, and for what the control was asked."""
    chance = random.Random(seed)

    class Faulty(FakeSender):
        async def send(self, request: Request) -> Answer:
            for _ in range(chance.randrange(5)):
                await asyncio.sleep(0)
            match chance.randrange(8):
                case 0:
                    raise ReplayConnectError("x")
                case 1:
                    raise ReplayTimeout("x")
                case 2:
                    raise ZeroDivisionError
                case 3:
                    self.requests.append(request)
                    await asyncio.Event().wait()
                case 4:
                    return await FakeSender(json("{}", 503)).send(request)
            return await super().send(request)

    one = bed(self_probe=0.5, breaker_retry_after=0.0, control_rate=0.7, **TWO)
    one.sender = Faulty(json('{"id":8}'))
    one.control = Faulty(json('{"id":7}'))
    one.seconds = 0.3
    keys = [None, "ann", "bob"]
    one.run(*(exchange(n, key=chance.choice(keys)) for n in range(150)))

    assert 150 == sum(one.counts("second").values()) == one.ended["live", "second"]
    assert {("live", "shadow"), ("live", "second")} == set(one.ended)
    reached = len(one.control.requests)
    assert reached <= sum(one.counts("control").values()) <= 150
