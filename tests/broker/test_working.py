"""Workers on a real broker: each outcome once, in order, whatever moves or dies."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest

from benchmarks.broker import order
from shadow_middleware import signals
from shadow_middleware.settings import Settings
from shadow_middleware.store.partitions import Leased, Tenure
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.store.sql_partitions import SqlPartitions
from shadow_middleware.testing import ShadowServer
from shadow_middleware.testing.behaviours import slow
from shadow_middleware.testing.wire import Reply
from shadow_middleware.worker.worker import Worker
from tests.broker.conftest import Make
from tests.broker.staging import (
    agent,
    counted,
    exchange,
    hello,
    publish,
    under_way,
    until,
    working,
)

ROOT = Path(__file__).parents[2]
OK = Reply.json({"ok": True})


def paths(shadow: ShadowServer) -> list[str]:
    """Return what came, in order."""
    return [one.target.decode() for one in shadow.received]


def test_what_is_published_is_replayed_once_and_in_the_order_of_its_key(
    make: Make,
) -> None:
    """Large exchanges among them; and the signals are sent in the worker."""
    finished: list[object] = []

    def heard(sender: object, event: object) -> None:
        finished.append(event)

    with (
        ShadowServer(OK) as shadow,
        signals.replay_finished.connected_to(heard),
    ):
        settings = make(
            shadow_url=shadow.url,
            broker_seal=(base64.b64encode(bytes(32)).decode(),),
        )
        some = [exchange(n, "POST" if n % 3 else "GET", f"k{n % 5}") for n in range(90)]
        some.append(exchange(90, "POST", "k0", body=bytes(2 * 1024 * 1024)))

        async def work() -> None:
            await publish(settings, some)
            async with working(settings) as worker:
                await until(lambda: worker._counted["ended"] >= 91)
                await until(lambda: len(finished) > 0)

        asyncio.run(work())
        came = paths(shadow)

    by_key: dict[int, list[int]] = defaultdict(list)
    for path in came:
        number = int(path.rpartition("/")[2])
        by_key[number % 5].append(number)
    assert {k: list(range(k, 91, 5)) for k in range(5)} == dict(by_key)
    assert {("match", ""): 91} == counted(settings)
    assert 0 == under_way(settings)


def test_a_worker_that_joins_gets_its_share_and_one_that_leaves_hands_it_on(
    make: Make,
) -> None:
    """Whole partitions move, while exchanges flow, and nothing is replayed twice."""
    with ShadowServer(slow(0.002, OK)) as shadow:
        settings = make(shadow_url=shadow.url)
        some = [exchange(n, "POST", f"k{n % 40}") for n in range(600)]

        async def work() -> list[list[int]]:
            async with agent(settings) as relay, working(settings) as first:
                for one in some[:300]:
                    relay.accept(one, 1_000)
                await until(lambda: _has(first, 4))
                async with working(settings) as second:
                    await until(lambda: _has(first, 2) and _has(second, 2))
                    for one in some[300:]:
                        relay.accept(one, 1_000)
                    shared = [first._shift.partitions, second._shift.partitions]  # type: ignore[union-attr]
                await until(lambda: _has(first, 4))
                relay.account("abc", 600, {})
                await until(lambda: under_way(settings) == 0)
                await relay.close(5.0)
                return shared

        shared = asyncio.run(work())
        came = paths(shadow)

    assert [0, 1, 2, 3] == sorted(shared[0] + shared[1])
    assert 600 == len(set(came)) == len(came)
    assert {("match", ""): 600} == counted(settings)


def _has(worker: Worker, number: int) -> bool:
    return worker._shift is not None and len(worker._shift.partitions) == number


def test_order_and_account_hold_while_workers_are_killed(tmp_path: Path) -> None:
    """The quick form of `benchmarks.broker order`: real processes, kill -9."""
    found = order.run(
        3_000,
        40,
        2,
        lease=2.0,
        every=(1_000.0, 1_001.0),
        store=f"sqlite:///{tmp_path / 'store.db'}",
        deadline=160.0,
        least=1,
    )

    assert found.kills + found.stops >= 1
    assert (0, 0) == (found.reordered, found.writes_twice)
    assert (3_000, 3_000, 3_000) == (found.selected, found.ended, found.counted)
    assert found.unsent_writes <= found.fate_unknown


def test_what_an_agent_took_with_it_is_counted_by_the_workers(make: Make) -> None:
    """Once its successor has said how much it was given, and not what is at the broker."""
    with ShadowServer(OK) as shadow:
        settings = make(shadow_url=shadow.url)

        async def work() -> None:
            async with agent(settings) as relay:
                for n in range(1, 21):
                    relay.accept(exchange(n), 1_000)
                relay.account("abc", 20, {})
                await until(lambda: relay._publisher.counted["published"] == 20)
                await asyncio.to_thread(relay._writer.flush, 10.0)  # type: ignore[union-attr]
            # It was given five more, and was killed with them.
            async with agent(settings, hello("abc", 25, (0,))) as relay:
                relay.accept(exchange(26), 1_000)
                relay.account("abc", 26, {})
                async with working(settings):
                    await until(lambda: _all_told(settings, 26))
                    await relay.close(5.0)

        asyncio.run(work())

    assert {("match", ""): 21, ("dropped", "agent_died"): 5} == counted(settings)
    assert 0 == under_way(settings)


def _all_told(settings: Settings, number: int) -> bool:
    return sum(counted(settings).values()) >= number


def test_what_waited_for_too_long_is_counted_and_not_replayed(make: Make) -> None:
    """It is dropped by a reason of its own, so the account is whole."""
    with ShadowServer(OK) as shadow:
        settings = make(shadow_url=shadow.url, broker_age=0.001)

        async def work() -> None:
            await publish(settings, [exchange(n) for n in range(1, 11)])
            async with working(settings):
                await until(lambda: under_way(settings) == 0)

        asyncio.run(work())

        assert [] == paths(shadow)
    assert {("dropped", "expired"): 10} == counted(settings)


def test_the_worker_goes_on_when_the_broker_comes_back(
    make: Make, tmp_path: Path
) -> None:
    """A server that is killed and started on its data is found again by both sides."""
    from tests.nats import running_nats

    with running_nats() as server, ShadowServer(OK) as shadow:
        settings = make(broker_url=server.url, shadow_url=shadow.url)

        async def work() -> None:
            async with agent(settings) as relay, working(settings) as worker:
                for n in range(1, 51):
                    relay.accept(exchange(n, "POST", f"k{n}"), 1_000)
                await until(lambda: worker._counted["ended"] > 0)
                server.kill()
                await asyncio.to_thread(server.start)
                for n in range(51, 101):
                    relay.accept(exchange(n, "POST", f"k{n}"), 1_000)
                relay.account("abc", 100, {})
                await until(lambda: worker._counted["ended"] >= 100)
                await until(lambda: under_way(settings) == 0)
                await relay.close(5.0)

        asyncio.run(work())
        came = paths(shadow)

    assert 100 == len(set(came)) == len(came)
    assert {("match", ""): 100} == counted(settings)


def test_a_worker_says_what_is_wrong_and_how_it_ended(make: Make) -> None:
    """Without a broker: exit 2 and one line; stopped: a last line of JSON, exit 0."""
    command = [sys.executable, "-m", "shadow_middleware.cli.main", "worker"]
    none = subprocess.run(
        [*command, "--target", "http://127.0.0.1:9"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    settings = make()
    process = subprocess.Popen(
        [
            *command, "--broker", settings.broker_url, "--target", "http://127.0.0.1:9",
            "--store", settings.store_url, "--json", "--interval", "0.3",
        ],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    first = msgspec.json.decode(process.stdout.readline())
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if msgspec.json.decode(process.stdout.readline())["partitions"]:
            break
    process.terminate()
    last = msgspec.json.decode(process.communicate(timeout=60)[0].splitlines()[-1])

    assert 2 == none.returncode
    assert "there is no broker to take from" in none.stderr
    assert ("shadow-middleware/worker/1", "status") == (first["format"], first["event"])
    assert ("end", [], 16) == (last["event"], last["partitions"], last["of"])
    assert 0 == process.returncode


def test_a_worker_that_is_stopped_while_it_takes_a_partition_hands_it_on(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to wait for that lease to run out."""
    settings = make()
    taking, parted = threading.Event(), threading.Semaphore(0)
    take, forget = SqlPartitions.take, SqlPartitions.forget

    def taken(ours: SqlPartitions, worker: str, seen: Leased) -> Tenure | None:
        if not taking.is_set():
            taking.set()
            for _ in range(2):  # a worker parts when it begins to end, and when it has
                parted.acquire(timeout=0.5)
        return take(ours, worker, seen)

    def forgotten(ours: SqlPartitions, worker: str) -> None:
        forget(ours, worker)
        parted.release()

    monkeypatch.setattr(SqlPartitions, "take", taken)
    monkeypatch.setattr(SqlPartitions, "forget", forgotten)

    async def work() -> str:
        async with working(settings) as worker:
            await until(taking.is_set)
            assert worker._shift is not None
            return worker._shift.stream.key

    key = asyncio.run(work())
    store = SqlStore(settings.store_url)
    view = store.partitions(key).beat("another")
    store.close()

    assert [""] * 4 == [one.owner for one in view.leases]


def test_what_is_not_sent_ends_as_well_and_holds_up_nothing(make: Make) -> None:
    """It ends in the very moment that it is begun, and its partition can be given back."""
    with ShadowServer(OK) as shadow:
        settings = make(shadow_url=shadow.url, broker_partitions=1)
        some = [exchange(n) for n in range(1, 4)]
        some[1] = msgspec.structs.replace(some[1], response=None)

        async def work() -> None:
            await publish(settings, some)
            async with working(settings) as worker:
                await until(lambda: under_way(settings) == 0)
                assert worker._shift is not None
                assert 0 == worker._shift.under_way

        asyncio.run(work())

        assert ["/items/1", "/items/3"] == paths(shadow)
    assert {("match", ""): 2, ("live_error", "no_response"): 1} == counted(settings)


def test_a_stream_that_is_made_anew_begins_anew(make: Make) -> None:
    """Its places are others, so those of the old one hide nothing."""
    from shadow_middleware.broker.link import linked

    with ShadowServer(OK) as shadow:
        settings = make(shadow_url=shadow.url)

        async def once(session: str) -> None:
            await publish(settings, [exchange(1, session=session)], session=session)
            async with working(settings) as worker:
                await until(lambda: worker._counted["ended"] == 1)

        async def remove() -> None:
            async with linked(settings, "test") as client:
                await client.jetstream().delete_stream(settings.broker_stream)

        for session in ("abc", "def"):
            asyncio.run(once(session))
            asyncio.run(remove())

    assert {("match", ""): 2} == counted(settings)


def test_a_stream_that_is_removed_while_a_worker_reads_is_another_one(
    make: Make,
) -> None:
    """It goes on with the new one from its beginning, over the connection that it has."""
    from shadow_middleware.broker.link import linked

    with ShadowServer(OK) as shadow:
        settings = make(shadow_url=shadow.url, broker_partitions=1)

        async def work() -> None:
            some = [exchange(number) for number in (1, 2, 3)]
            await publish(settings, some)
            async with working(settings) as worker:
                await until(lambda: worker._counted["ended"] == 3)
                async with linked(settings, "test") as client:
                    await client.jetstream().delete_stream(settings.broker_stream)
                await publish(settings, [exchange(1, session="def")], session="def")
                await until(lambda: worker._counted["ended"] == 4)
                assert 2 == worker._counted["shifts"]

        asyncio.run(work())

    assert {("match", ""): 4} == counted(settings)


@pytest.mark.parametrize("kind", ["divergence"])
def test_a_divergence_that_a_worker_found_is_kept(make: Make, kind: str) -> None:
    """With both answers, as an agent keeps it."""
    with ShadowServer(Reply.json({"ok": False})) as shadow:
        settings = make(shadow_url=shadow.url)

        async def work() -> None:
            await publish(settings, [exchange(1)])
            async with working(settings):
                await until(lambda: under_way(settings) == 0)

        asyncio.run(work())

    store = SqlStore(settings.store_url)
    [found] = store.divergences()
    store.close()
    assert ("abc-1", '{"ok": true}', '{"ok": false}') == (
        found.record.exchange_id,
        found.record.live_body,
        found.record.shadow_body.replace('":f', '": f'),
    )
