"""
What the broker's path costs, beside an agent that replays by itself.

Each role is a process of its own, and its clock is its CPU time; the same exchanges,
the same bare target, the same kind of store. `agent` replays what it is given;
`publisher` is the same agent with a broker, and `worker` replays what was published.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec
import psutil

from benchmarks.broker.parts import SESSION, exchanges, produce, target
from shadow_middleware.drivers import open_bench
from shadow_middleware.loops import run_punctually
from shadow_middleware.service import FLUSH_INTERVAL
from shadow_middleware.settings import load, to_wire
from shadow_middleware.worker.worker import Worker
from tests.nats import running_nats

MOST_UNDER_WAY = 1_024


class Cost(msgspec.Struct, kw_only=True):
    """CPU microseconds for each exchange."""

    agent: float
    publisher: float
    worker: float
    server: float
    """Of nats-server."""


async def replay(given: dict[str, Any], count: int) -> float:
    """Be an agent without a broker; return its CPU seconds."""
    bench = open_bench(to_wire(load(given)))
    began = time.process_time()
    bench.start()
    left = 0

    def ended(_: Any) -> None:
        nonlocal left
        left -= 1

    bench.pipeline.on_end = ended
    flushed = time.monotonic()
    for n, exchange in enumerate(exchanges(count, 1_000, 0), 1):
        left += 1
        bench.accept(exchange, 3_000)
        if n % 64 == 0:
            bench.account(SESSION, n, {})
            while left > MOST_UNDER_WAY:  # noqa: ASYNC110 -- a wait costs no CPU
                await asyncio.sleep(0.002)
        if time.monotonic() - flushed > FLUSH_INTERVAL:
            flushed = time.monotonic()
            bench.flush()
    while left:  # noqa: ASYNC110 -- a wait costs no CPU
        await asyncio.sleep(0.002)
    bench.account(SESSION, count, {})
    await bench.close(10.0)
    return time.process_time() - began


async def work(given: dict[str, Any], count: int) -> float:
    """Be a worker until all is replayed; return its CPU seconds."""
    left = itertools.count(1)
    worker: Worker

    def ended(_: Any) -> None:
        if next(left) == count:
            worker.stop()

    worker = Worker(load(given), ended)
    began = time.process_time()
    await worker.run()
    return time.process_time() - began


def _role(pipe: Connection, name: str, given: dict[str, Any], count: int) -> None:
    roles: dict[str, Callable[[], Any]] = {
        "agent": lambda: replay(given, count),
        "publisher": lambda: produce(given, count, 1_000, 0),
        "worker": lambda: work(given, count),
    }
    pipe.send(run_punctually(roles[name]()))


def measured(name: str, given: dict[str, Any], count: int) -> float:
    """Return the CPU seconds of a role in a process of its own."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_role, args=(theirs, name, given, count), daemon=True
    )
    process.start()
    seconds: float = ours.recv()
    process.join()
    return seconds


def once(count: int) -> Cost:
    """Measure every role once, one after the other."""
    with (
        running_nats() as nats,
        target() as (url, _),
        tempfile.TemporaryDirectory() as folder,
    ):
        plain = {"shadow_url": url, "store_url": f"sqlite:///{Path(folder) / 'a.db'}"}
        plain |= {"key": "header:x-user"}
        brokered = {
            **plain,
            "broker_url": nats.url,
            "store_url": f"sqlite:///{Path(folder) / 'b.db'}",
        }
        server = psutil.Process(nats.pid)
        agent = measured("agent", plain, count)
        before = server.cpu_times()
        publisher = measured("publisher", brokered, count)
        worker = measured("worker", brokered, count)
        after = server.cpu_times()
        spent = after.user + after.system - before.user - before.system
    each = 1e6 / count
    return Cost(
        agent=agent * each,
        publisher=publisher * each,
        worker=worker * each,
        server=spent * each,
    )


def run(count: int, rounds: int) -> Cost:
    """Return the median of some rounds."""
    found = [once(count) for _ in range(rounds)]
    return Cost(
        **{
            name: statistics.median(getattr(one, name) for one in found)
            for name in Cost.__struct_fields__
        }
    )
