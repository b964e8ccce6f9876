"""Recorded traffic against real servers: what is sent, compared, counted and resumed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shadow_middleware.evidence import Mark, Run, RunState
from shadow_middleware.exchange import Replay, Request, Response
from shadow_middleware.offline.asked import Asked, sources_of
from shadow_middleware.offline.conduct import Conduct, begun, surveyed
from shadow_middleware.offline.picking import Picks
from shadow_middleware.offline.replay import Plan
from shadow_middleware.settings import Settings, Transform
from shadow_middleware.store.memory import MemoryStore
from shadow_middleware.testing import ShadowServer
from shadow_middleware.testing.behaviours import answering, slow
from shadow_middleware.testing.wire import Received, Reply
from shadow_middleware.traffic.recorded import Missing, Recorded
from tests.offline.recordings import (
    FAST,
    answer_of,
    body_of,
    marked,
    recorded,
    replayed,
    settings_for,
    written,
)

OK = Reply.json({"ok": True})


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[ShadowServer, ShadowServer]]:
    """Give a shadow and another server, for all tests of this module."""
    with ShadowServer(OK) as shadow, ShadowServer(OK) as other:
        yield shadow, other


@pytest.fixture
def shadow(servers: tuple[ShadowServer, ShadowServer]) -> ShadowServer:
    """Give the shadow, healthy and with nothing received."""
    servers[0].become(OK)
    servers[0].clear()
    return servers[0]


@pytest.fixture
def other(servers: tuple[ShadowServer, ShadowServer]) -> ShadowServer:
    """Give a second server, healthy and with nothing received."""
    servers[1].become(OK)
    servers[1].clear()
    return servers[1]


def outcomes(store: MemoryStore, run: str = "r1") -> Counter[tuple[str, str]]:
    """Return what a run came to, by outcome and reason."""
    found: Counter[tuple[str, str]] = Counter()
    for row in store.of_run(run).totals():
        reason = row.reason if row.outcome.value != "divergence" else ""
        found[row.outcome.value, reason] += row.count
    return found


def targets(server: ShadowServer) -> list[str]:
    """Return what was asked for, in order."""
    return [one.target.decode() for one in server.received]


def test_everything_that_is_read_is_accounted_for(
    shadow: ShadowServer, tmp_path: Path
) -> None:
    """Picked exchanges have one outcome each, and live's account agrees."""
    records = [recorded(n, key=f"k{n % 7}") for n in range(60)]
    records += [
        recorded(60, "POST"),
        recorded(61, "PUT", missing=[Missing.REQUEST_BODY]),
        recorded(62, response=Response(500)),
        recorded(63, response=None, live_error="KeyError"),
        recorded(64, path="/left/out"),
    ]
    path = written(tmp_path / "t.ndjson.zst", records)
    store, settings = MemoryStore(), settings_for(shadow.url, methods=("GET", "PUT"))
    plan = msgspec.structs.replace(FAST, picks=Picks(paths=("/items/*",)))

    run, progress, _ = asyncio.run(replayed(store, path, settings, plan))

    assert {
        ("match", ""): 60,
        ("skipped", "method"): 1,
        ("skipped", "no_request_body"): 1,
        ("live_error", "500"): 1,
        ("live_error", "KeyError"): 1,
    } == outcomes(store)
    assert (65, 64, 1, 0) == (run.read, run.picked, run.filtered, run.bad)
    assert run.picked == progress.begun == progress.ended
    assert [(64, 64)] == [
        (one.selected, one.ended) for one in store.of_run("r1").progress()
    ]
    assert RunState.DONE is store.runs()[0].state
    assert [] == store.totals()


def test_the_primary_is_never_called(
    shadow: ShadowServer, other: ShadowServer, tmp_path: Path
) -> None:
    """W19: whatever the file says of where it was recorded, only the target is asked."""
    live = other
    host = live.url.removeprefix("http://").encode()
    request = Request("GET", b"/items/1", headers=[(b"Host", host)])
    records = [recorded(n, request=request) for n in range(50)]
    path = written(tmp_path / "t.ndjson.zst", records)

    asyncio.run(replayed(MemoryStore(), path, settings_for(shadow.url)))

    assert 50 == len(shadow.received)
    assert [] == live.received


def test_a_session_stays_in_its_order_and_others_overtake_it(
    shadow: ShadowServer, tmp_path: Path
) -> None:
    """One request of a session at a time, however fast it goes."""
    records = [
        recorded(n, path=f"/items/{n % 5}-{n // 5}", key=f"user {n % 5}")
        for n in range(100)
    ]
    path = written(tmp_path / "t.ndjson.zst", records)
    open_now: Counter[str] = Counter()
    together: list[int] = []

    async def answer(received: Received) -> Reply:
        user = received.target.decode().split("-")[0]
        open_now[user] += 1
        together.append(open_now[user])
        await asyncio.sleep(0)
        open_now[user] -= 1
        return OK

    shadow.become(answering(answer))
    asyncio.run(replayed(MemoryStore(), path, settings_for(shadow.url)))

    assert {1} == set(together)
    for user in range(5):
        mine = [one for one in targets(shadow) if one.startswith(f"/items/{user}-")]
        assert [f"/items/{user}-{n}" for n in range(20)] == mine


def test_reading_waits_where_the_lane_is_full(
    shadow: ShadowServer, tmp_path: Path
) -> None:
    """Nothing is dropped because a file is read faster than a shadow answers."""
    records = [recorded(n) for n in range(300)]
    path = written(tmp_path / "t.ndjson.zst", records)
    store = MemoryStore()
    settings = settings_for(shadow.url, queue_count=8, queue_bytes=6_000, concurrency=2)

    asyncio.run(replayed(store, path, settings))

    assert {("match", ""): 300} == outcomes(store)


def test_rounds_replay_everything_again(shadow: ShadowServer, tmp_path: Path) -> None:
    """Each round counts, and divergences of each are kept."""
    path = written(tmp_path / "t.ndjson.zst", [recorded(n) for n in range(3)])
    shadow.become(Reply.json({"ok": False}))
    store = MemoryStore()

    run, _, _ = asyncio.run(
        replayed(store, path, settings_for(shadow.url), Plan(speed=0.0, rounds=3))
    )

    assert {("divergence", ""): 9} == outcomes(store)
    assert 9 == store.of_run("r1").count_divergences()
    assert (3, 3) == (run.picked, run.rounds)


def test_the_original_spacing_is_kept(shadow: ShadowServer, tmp_path: Path) -> None:
    """Twice as fast takes half the time; nothing is sent before it is due."""
    records = [recorded(n) for n in range(0, 400, 20)]
    path = written(tmp_path / "t.ndjson.zst", records)

    _, progress, _ = asyncio.run(
        replayed(MemoryStore(), path, settings_for(shadow.url), Plan(speed=2.0))
    )

    assert 0.19 <= progress.seconds
    assert {"p50", "p99", "max"} == set(progress.late)


@pytest.mark.parametrize(
    ("missing", "answer", "expected"),
    [
        ([Missing.RESPONSE_BODY], {"ok": 1}, ("incomparable", "no_body_recorded")),
        (
            [Missing.RESPONSE_BODY, Missing.RESPONSE_HEADERS],
            {"ok": True},
            ("incomparable", "no_body_recorded"),
        ),
        ([Missing.RESPONSE_HEADERS], {"ok": True}, ("match", "headers not recorded")),
        ([Missing.RESPONSE_HEADERS], {"ok": 1}, ("divergence", "")),
    ],
)
def test_what_was_not_recorded_is_never_a_match(
    shadow: ShadowServer,
    tmp_path: Path,
    missing: list[Missing],
    answer: object,
    expected: tuple[str, str],
) -> None:
    """It is left out, and what is known is compared: it can still diverge."""
    live = answer_of({"ok": True})
    if Missing.RESPONSE_HEADERS in missing:
        live = msgspec.structs.replace(live, headers=[])
    if Missing.RESPONSE_BODY in missing:
        live = msgspec.structs.replace(live, body=body_of(b""))
    path = written(
        tmp_path / "t.ndjson.zst", [recorded(missing=missing, response=live)]
    )
    shadow.become(Reply.json(answer))
    store = MemoryStore()

    asyncio.run(replayed(store, path, settings_for(shadow.url)))

    assert {expected: 1} == outcomes(store)


def test_another_status_diverges_whatever_else_is_unknown(
    shadow: ShadowServer, tmp_path: Path
) -> None:
    """An access log is enough to find that a page is gone."""
    missing = [Missing.RESPONSE_BODY, Missing.RESPONSE_HEADERS, Missing.TIMING]
    gone = recorded(missing=missing, response=Response(404))
    path = written(tmp_path / "t.ndjson.zst", [gone])
    store = MemoryStore()

    asyncio.run(replayed(store, path, settings_for(shadow.url)))

    assert {("divergence", ""): 1} == outcomes(store)
    assert [] == store.of_run("r1").latencies()


def test_marks_of_secrets_are_not_compared(
    shadow: ShadowServer, tmp_path: Path
) -> None:
    """The shadow's secret beside live's mark is no difference; all else still is."""
    mark = "masked-abcdefghijklmnop"
    shadow.become(Reply.json({"token": "tok_live_1", "n": 1}))
    store = MemoryStore()
    records = [
        recorded(1, answer={"token": mark, "n": 1}, masked=("response.body",)),
        recorded(2, answer={"token": mark, "n": 2}, masked=("response.body",)),
        recorded(3, answer={"token": mark, "n": 1}),
    ]
    path = written(tmp_path / "t.ndjson.zst", records)

    asyncio.run(replayed(store, path, settings_for(shadow.url)))

    assert {("match", "masked in the file"): 1, ("divergence", ""): 2} == outcomes(
        store
    )


def test_a_control_answers_where_no_answer_was_recorded(
    shadow: ShadowServer, other: ShadowServer, tmp_path: Path
) -> None:
    """Two addresses are compared; a control that is away says nothing of the shadow."""
    unanswered = [
        recorded(n, path=f"/items/{n}", response=None, missing=[Missing.RESPONSE])
        for n in range(4)
    ]
    path = written(tmp_path / "t.ndjson.zst", [*unanswered, recorded(9)])
    shadow.become(answering(lambda got: Reply.json({"ok": got.target != b"/items/2"})))
    settings = settings_for(shadow.url, control_url=other.url, control_rate=0.0)
    store = MemoryStore()
    asyncio.run(replayed(store, path, settings))

    assert {("match", ""): 4, ("divergence", ""): 1} == outcomes(store)
    assert [f"/items/{n}" for n in range(4)] == sorted(targets(other))

    away = settings_for(shadow.url, control_url="http://127.0.0.1:1", control_rate=0.0)
    asyncio.run(replayed(store, path, away, run="r2"))
    assert {("live_error", "control_refused"): 4, ("match", ""): 1} == outcomes(
        store, "r2"
    )


def test_a_control_answers_where_only_the_body_was_not_recorded(
    shadow: ShadowServer, other: ShadowServer, tmp_path: Path
) -> None:
    """An access log: the whole is compared, but live's own status goes before it."""
    lacks = [Missing.RESPONSE_BODY, Missing.RESPONSE_HEADERS, Missing.TIMING]
    known = [(n, Response(404 if n == 3 else 200)) for n in range(4)]
    logged = [
        recorded(n, path=f"/items/{n}", response=response, missing=lacks)
        for n, response in known
    ]
    path = written(tmp_path / "t.ndjson.zst", logged)
    shadow.become(answering(lambda got: Reply.json({"ok": got.target != b"/items/2"})))
    settings = settings_for(shadow.url, control_url=other.url, control_rate=0.0)
    store = MemoryStore()
    asyncio.run(replayed(store, path, settings))

    assert {("match", ""): 2, ("divergence", ""): 2} == outcomes(store)
    assert [f"/items/{n}" for n in range(4)] == sorted(targets(other))

    away = settings_for(shadow.url, control_url="http://127.0.0.1:1", control_rate=0.0)
    asyncio.run(replayed(store, path, away, run="r2"))
    assert {("incomparable", "no_body_recorded"): 3, ("divergence", ""): 1} == outcomes(
        store, "r2"
    )


def test_who_answers_first_gets_what_any_target_gets(
    shadow: ShadowServer, other: ShadowServer, tmp_path: Path
) -> None:
    """Its own cookie comes back to it in that session, and steps change what is sent."""
    headers = [(b"Host", b"live.example"), (b"Cookie", b"seat=1")]
    request = Request("GET", b"/items/1", headers=headers)
    nothing: dict[str, Any] = {"response": None, "missing": [Missing.RESPONSE]}
    asked = [recorded(n, request=request, key="ann", **nothing) for n in range(2)]
    path = written(tmp_path / "t.ndjson.zst", asked)
    cookie = ((b"Set-Cookie", b"seat=7; Path=/"),)
    other.become(Reply(200, cookie))
    shadow.become(Reply(200))
    settings = settings_for(
        shadow.url,
        control_url=other.url,
        control_rate=0.0,
        sessions="cookies",
        transform=(Transform(action="set_header", name="X-Step", value="1"),),
    )

    asyncio.run(replayed(MemoryStore(), path, settings))

    first, second = other.received
    assert [b"1", b"1"] == [dict(got.headers)[b"X-Step"] for got in (first, second)]
    assert b"seat=7" == dict(second.headers)[b"Cookie"]
    assert all(b"seat=7" not in dict(got.headers).values() for got in shadow.received)


# --- stopping and going on --------------------------------------------------------------


async def conducted(
    store: MemoryStore,
    path: Path,
    settings: Settings,
    conducts: list[Conduct],
    told: Callable[[Replay], None] | None = None,
) -> Run:
    """Replay a file as `replayed` does, and give what conducts it while it works."""
    asked = Asked(sources=sources_of([str(path)]), target="", plan=FAST)
    run = begun("r1", "", asked, surveyed(asked, settings), settings)
    store.begin_run(run)
    conducts.append(Conduct(run, asked, settings, store, told))
    return await conducts[0].carry_out()


def test_an_interrupted_run_goes_on_where_it_ended(
    shadow: ShadowServer, tmp_path: Path
) -> None:
    """What is under way ends, everything is sent once, and the account is whole."""
    records = [recorded(n, "POST", f"/items/{n}", key=f"k{n % 9}") for n in range(400)]
    path = written(tmp_path / "t.ndjson.zst", records)
    store = MemoryStore()
    settings = settings_for(shadow.url, methods=("POST",))

    ended: list[Replay] = []

    def told(replay: Replay) -> None:
        ended.append(replay)
        if len(ended) == 50:
            conducts[0].offline.stop()

    conducts: list[Conduct] = []
    stopped = asyncio.run(conducted(store, path, settings, conducts, told))
    assert RunState.STOPPED is stopped.state
    assert conducts[0].offline.progress().begun == len(ended)
    assert 50 <= len(shadow.received) < 400
    run, progress, _ = asyncio.run(replayed(store, path, settings))

    assert RunState.DONE is run.state
    assert progress.passed + progress.begun == 400
    assert {("match", ""): 400} == outcomes(store)
    every = [f"/items/{n}" for n in range(400)]
    assert sorted(every) == sorted(targets(shadow))
    assert [(400, 400)] == [
        (one.selected, one.ended) for one in store.of_run("r1").progress()
    ]


def test_a_write_whose_fate_is_unknown_is_not_sent_again(
    shadow: ShadowServer, tmp_path: Path
) -> None:
    """Of what a killed process had claimed; what only reads is sent once more."""
    records = [
        recorded(n, "GET" if n % 2 else "POST", f"/items/{n}") for n in range(10)
    ]
    path = written(tmp_path / "t.ndjson.zst", records)
    store = MemoryStore()
    marked(store, Mark(2, (4, 5), claimed=7))

    asyncio.run(
        replayed(store, path, settings_for(shadow.url, methods=("GET", "POST")))
    )

    assert [3, 5, 7, 8, 9] == sorted(int(one[7:]) for one in targets(shadow))
    assert {("match", ""): 5, ("skipped", "fate_unknown"): 2} == outcomes(store)


def test_a_second_stop_waits_for_nobody(shadow: ShadowServer, tmp_path: Path) -> None:
    """What is under way is counted as dropped, so the account stays whole."""
    path = written(tmp_path / "t.ndjson.zst", [recorded(n) for n in range(20)])
    shadow.become(slow(30.0))
    store = MemoryStore()
    settings = settings_for(shadow.url)

    async def stopped_twice() -> None:
        conducts: list[Conduct] = []
        working = asyncio.create_task(conducted(store, path, settings, conducts))
        await asyncio.to_thread(shadow.wait_for, 1)
        conducts[0].offline.stop()
        conducts[0].offline.stop()
        await working

    asyncio.run(stopped_twice())

    assert {("dropped", "shutdown")} == set(outcomes(store))
    assert [0] == [one.selected - one.ended for one in store.of_run("r1").progress()]


# --- the round trip ---------------------------------------------------------------------

_TOKEN = st.text(
    "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_", min_size=1, max_size=12
)
_VALUE = st.binary(max_size=30).map(
    lambda raw: bytes(b for b in raw if b > 0x20 and b != 0x7F)
)
_TARGET = st.binary(max_size=30).map(
    lambda raw: b"/" + bytes(b for b in raw if 0x21 <= b <= 0x7E and b not in b"?#")
)


@given(
    method=st.sampled_from(
        ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]
    ),
    path=_TARGET,
    query=_TARGET.map(lambda raw: raw[1:]),
    headers=st.lists(
        st.tuples(_TOKEN.map(lambda name: b"X-" + name.encode()), _VALUE), max_size=6
    ),
    body=st.binary(max_size=200),
)
@hypothesis_settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_was_captured_is_what_is_sent(
    shadow: ShadowServer,
    tmp_path: Path,
    method: str,
    path: bytes,
    query: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    """Byte for byte: method, target, the multiset of headers in its order, and body."""
    shadow.clear()
    request = Request(
        method, path, query, [(b"Host", b"live.example"), *headers], body_of(body)
    )
    file = written(tmp_path / "t.ndjson.zst", [recorded(request=request)])
    settings = settings_for(shadow.url, methods=(method,), credentials="pass")

    asyncio.run(replayed(MemoryStore(), file, settings))

    [got] = shadow.received
    target = path + (b"?" + query if query else b"")
    sent = [(name, value) for name, value in got.headers if name[:2].lower() == b"x-"]
    ours = {b"x-forwarded-host", b"x-shadow-request"}
    assert (method, target, body) == (got.method, got.target, got.body)
    assert headers == [field for field in sent if field[0].lower() not in ours]


def test_the_same_exchange_twice_is_two_replays(
    shadow: ShadowServer, tmp_path: Path
) -> None:
    """A file that is named twice, or two that overlap, confuse no account."""
    same: list[Recorded] = [recorded(1)] * 5
    path = written(tmp_path / "t.ndjson.zst", same)
    store = MemoryStore()

    asyncio.run(replayed(store, path, settings_for(shadow.url)))

    assert {("match", ""): 5} == outcomes(store)
