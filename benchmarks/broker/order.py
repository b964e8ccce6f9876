"""
Order within keys while workers die: no reordering, and no write twice.

Eight workers in processes of their own share a stream. All the time one of them, drawn
by lot, is killed with -9 and started anew, or stopped for longer than its lease and let
go on. The target notes what arrives; the store says what was counted.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.broker.parts import arrivals, produce, target
from shadow_middleware.store.sql import SqlStore
from tests.nats import running_nats
from tests.postgres import running_postgres

ROOT = Path(__file__).parents[2]


class Found(msgspec.Struct, kw_only=True):
    """What one run of it has shown."""

    records: int
    keys: int
    workers: int
    seconds: float
    kills: int
    stops: int
    arrived: int
    safe_again: int
    """Safe requests that were sent a second time."""
    writes: int
    writes_twice: int
    reordered: int
    """First arrivals before which a later one of their key had come."""
    unsent_writes: int
    """Writes that never came: of unknown fate, and counted so."""
    fate_unknown: int
    selected: int
    ended: int
    counted: int


def judge(came: list[tuple[bytes, int, int]]) -> tuple[int, int, int, int]:
    """Return: safe again, different writes, writes twice, reordered first arrivals."""
    latest: dict[int, int] = defaultdict(int)
    times: Counter[tuple[bytes, int, int]] = Counter()
    reordered = 0
    for one in came:
        _, key, number = one
        if not times[one] and number < latest[key]:
            reordered += 1
        latest[key] = max(latest[key], number)
        times[one] += 1
    writes = {one: n for one, n in times.items() if one[0] == b"POST"}
    again = sum(n - 1 for one, n in times.items() if one[0] != b"POST")
    twice = sum(n - 1 for n in writes.values())
    return again, len(writes), twice, reordered


def start(config: Path) -> subprocess.Popen[bytes]:
    """Start a worker, with its modules compiled as those of an installed package are."""
    command = [sys.executable, "-m", "shadow_middleware.cli.main", "worker"]
    environ = dict(os.environ, PYTHONPYCACHEPREFIX=str(config.parent / "compiled"))
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with config.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(
            [*command, "--config", str(config)],
            cwd=ROOT,
            env=environ,
            stdout=log,
            stderr=log,
        )


def _produce(given: dict[str, Any], count: int, keys: int, writes: int) -> None:
    asyncio.run(produce(given, count, keys, writes))


def run(
    records: int = 200_000,
    keys: int = 1_000,
    workers: int = 8,
    *,
    lease: float = 3.0,
    every: tuple[float, float] = (2.0, 5.0),
    store: str = "",
    deadline: float = 1_800.0,
    least: int = 0,
) -> Found:
    """
    Do it once.

    Args:
        records: How many are published; every third writes.
        keys: How many have an order of their own.
        workers: Processes that replay them.
        lease: Seconds; one that is stopped is stopped for half as long again.
        every: Seconds between two that are killed or stopped, at least and at most.
        store: Where evidence goes; '' is a Postgres of its own.
        deadline: Seconds after which it has failed.
        least: Kills that there are in any case.
    """
    if not store:
        with running_postgres() as postgres:
            name = postgres.create()
            return run(
                records, keys, workers, lease=lease, every=every,
                store=postgres.url(name), deadline=deadline, least=least,
            )  # fmt: skip
    with (
        running_nats() as nats,
        target() as (url, pipe),
        tempfile.TemporaryDirectory() as folder,
    ):
        given = {
            "shadow_url": url,
            "broker_url": nats.url,
            "store_url": store,
            "methods": ["GET", "POST"],
            "key": "header:x-user",
            "broker_lease": lease,
            "breaker_failures": 0,
        }
        opened = SqlStore(store)
        config = Path(folder) / "shadow.toml"
        config.write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in given.items()))
        began = time.monotonic()
        producer = multiprocessing.get_context("spawn").Process(
            target=_produce, args=(given, records, keys, 3)
        )
        producer.start()
        crew = [start(config) for _ in range(workers)]
        try:
            kills, stops = _disturb(
                crew, config, opened, records, lease, every, deadline, least
            )
            seconds = time.monotonic() - began
            producer.join(60)
        finally:
            for one in crew:
                one.kill()
                one.wait()
            producer.kill()
        again, writes, twice, reordered = judge(came := arrivals(pipe))
        totals, progress = opened.totals(), opened.progress()
        opened.close()
        return Found(
            records=records,
            keys=keys,
            workers=workers,
            seconds=round(seconds, 1),
            kills=kills,
            stops=stops,
            arrived=len(came),
            safe_again=again,
            writes=writes,
            writes_twice=twice,
            reordered=reordered,
            unsent_writes=records // 3 - writes,
            fate_unknown=sum(x.count for x in totals if x.reason == "fate_unknown"),
            selected=sum(one.selected for one in progress),
            ended=sum(one.ended for one in progress),
            counted=sum(one.count for one in totals),
        )


def _disturb(
    crew: list[subprocess.Popen[bytes]],
    config: Path,
    store: SqlStore,
    records: int,
    lease: float,
    every: tuple[float, float],
    deadline: float,
    least: int,
) -> tuple[int, int]:
    """Kill and stop workers until all is counted; return how often each was done."""
    chance = random.Random(7)
    kills = stops = 0
    end = time.monotonic() + deadline
    following = time.monotonic() + chance.uniform(*every)
    while time.monotonic() < end:
        time.sleep(0.05)
        ended = sum(one.ended for one in store.progress())
        if ended >= records:
            return kills, stops
        must = kills < least and ended > 0
        if time.monotonic() < following and not must:
            continue
        following = time.monotonic() + chance.uniform(*every)
        place = chance.randrange(len(crew))
        if must or chance.random() < 0.75:
            crew[place].kill()
            crew[place].wait()
            crew[place] = start(config)
            kills += 1
        else:
            os.kill(crew[place].pid, signal.SIGSTOP)
            time.sleep(lease * 1.5)
            os.kill(crew[place].pid, signal.SIGCONT)
            stops += 1
    raise SystemExit(
        f"not done after {deadline} s: {store.progress()}\n"
        + config.with_suffix(".log").read_text()[-4000:]
    )
