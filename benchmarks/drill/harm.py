"""
The faults: each does harm to a running stage for so many seconds, and then stops.

What it returns is a note for its row, or nothing.
"""

from __future__ import annotations

import http.client
import itertools
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from typing import Final

import psutil
import psycopg
from sqlalchemy import make_url

from benchmarks.drill.scenes import Scene, cut, filled
from benchmarks.drill.stage import Stage, stopped

__all__ = ["Harm"]

Harm = Callable[[Stage, Scene, float], str]

AGAIN: Final = 10.0
"""Seconds between two of the same, where once is not enough."""
GIGABYTE: Final = 1_000_000_000


def every(seconds: float, again: float = AGAIN) -> Iterator[int]:
    """Yield 1, 2, 3… for so long, and 1 in any case."""
    over = time.monotonic() + seconds
    for number in itertools.count(1):
        yield number
        left = over - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(again, left))
        if over - time.monotonic() < again / 2:
            time.sleep(max(0.0, over - time.monotonic()))
            return


def agent_killed(stage: Stage, scene: Scene, seconds: float) -> str:
    """Kill -9 the agent every ten seconds."""
    times = 0
    for times in every(seconds):  # noqa: B007 -- the last one is said
        stage.agent().kill()
        stage.killed += 1
    return f"{times} times"


def postgres_killed(stage: Stage, scene: Scene, seconds: float) -> str:
    """Kill -9 all of Postgres twice; it is away for a quarter of the time each."""
    assert scene.postgres is not None
    for _ in range(2):
        scene.postgres.kill()
        time.sleep(seconds / 4)
        scene.postgres.start_again()
        time.sleep(seconds / 4)
    return "2 times"


def agent_stopped(stage: Stage, scene: Scene, seconds: float) -> str:
    """SIGSTOP the agent, for 10 s of each 20."""
    times, long = 0, min(AGAIN, seconds / 6)
    for times in every(seconds, long):  # noqa: B007 -- the last one is said
        with stopped(stage.agent()):
            time.sleep(long)
    return f"{times} times {long:g} s"


def agent_stopped_once(stage: Stage, scene: Scene, seconds: float) -> str:
    """SIGSTOP the agent, for 10 s at most."""
    with stopped(stage.agent()):
        time.sleep(min(AGAIN, seconds))
    return "once"


def shadow_stopped(stage: Stage, scene: Scene, seconds: float) -> str:
    """SIGSTOP the shadow once, for 10 s or half of the time."""
    with stopped(psutil.Process(stage.shadow.pid)):
        time.sleep(min(10.0, seconds / 2))
    time.sleep(max(0.0, seconds - 10.0))
    return "once"


def postgres_stopped(stage: Stage, scene: Scene, seconds: float) -> str:
    """SIGSTOP all of Postgres, for 10 s or half of the time."""
    assert scene.postgres is not None
    main = psutil.Process(scene.postgres.pid)
    with ExitStack() as stack:
        for process in (main, *main.children(recursive=True)):
            stack.enter_context(stopped(process))
        time.sleep(min(10.0, seconds / 2))
    time.sleep(max(0.0, seconds - 10.0))
    return "once"


def disk_full(stage: Stage, scene: Scene, seconds: float) -> str:
    """Leave no byte to the store and to the capture files for half of the time."""
    assert scene.disk is not None
    with filled(scene.disk):
        time.sleep(seconds / 2)
    time.sleep(seconds / 2)
    return f"for {seconds / 2:g} s"


def sqlite_locked(stage: Stage, scene: Scene, seconds: float) -> str:
    """Hold the one lock of SQLite for 30 s, or half of the time."""
    held = max(seconds / 2, min(30.0, seconds))
    path = make_url(scene.read_url).database or ""
    with closing(sqlite3.connect(path, timeout=60.0)) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(held)
        other.rollback()
    time.sleep(seconds - held)
    return f"for {held:g} s"


def postgres_locked(stage: Stage, scene: Scene, seconds: float) -> str:
    """Hold every table of Postgres for 30 s, or half of the time."""
    held = max(seconds / 2, min(30.0, seconds))
    url = make_url(scene.read_url).set(drivername="postgresql")
    address = url.render_as_string(hide_password=False)
    with psycopg.connect(address) as other:
        tables = other.execute(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        names = ", ".join(name for (name,) in tables)
        lock = f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"
        other.execute(lock.encode())
        time.sleep(held)
        other.rollback()
    time.sleep(seconds - held)
    return f"for {held:g} s"


def network_cut(stage: Stage, scene: Scene, seconds: float) -> str:
    """Cut shadow and Postgres off, for half of the time."""
    with cut(scene):
        time.sleep(seconds / 2)
    time.sleep(seconds / 2)
    return f"for {seconds / 2:g} s"


def shadow_is(behaviour: str, delay: float = 0.0) -> Harm:
    """Have the shadow behave so, all the time."""

    def harm(stage: Stage, scene: Scene, seconds: float) -> str:
        stage.ledger.delay = delay
        stage.ledger.behaviour = behaviour
        time.sleep(seconds)
        stage.ledger.behaviour = "answering"
        return ""

    return harm


def clock_jumps(stage: Stage, scene: Scene, seconds: float) -> str:
    """Set the clock of live and agent an hour ahead, then an hour back."""
    for offset in (3600.0, -3600.0):
        stage.ledger.clock_offset = offset
        time.sleep(seconds / 2)
    stage.ledger.clock_offset = 0.0
    return "+1 h, then -1 h"


def shadow_overloaded(stage: Stage, scene: Scene, seconds: float) -> str:
    """Have the shadow take a tenth of what live serves."""
    stage.ledger.delay = 32 / (stage.ledger.rate / 10)
    stage.ledger.behaviour = "slow"
    time.sleep(seconds)
    stage.ledger.behaviour = "answering"
    return (
        f"{stage.ledger.rate:g}/s to a shadow that takes {stage.ledger.rate / 10:g}/s"
    )


def agent_overloaded(stage: Stage, scene: Scene, seconds: float) -> str:
    """Give the agent a tenth of the processor time that the load costs it."""
    agent = stage.agent()
    before, began = sum(agent.cpu_times()[:2]), time.monotonic()
    time.sleep(2.0)
    share = (sum(agent.cpu_times()[:2]) - before) / (time.monotonic() - began)
    run, over = max(0.002, 0.5 * share / 10), time.monotonic() + seconds
    while time.monotonic() < over:
        with stopped(agent):
            time.sleep(0.5 - run)
        time.sleep(run)
    return f"{share / 10:.1%} of a processor, where it needs {share:.0%}"


def large_bodies(
    stage: Stage, scene: Scene, seconds: float, size: int = GIGABYTE
) -> str:
    """Upload and download 1 GB, by turns, beside the usual traffic."""
    spare = iter(range(stage.ledger.capacity - 99, stage.ledger.capacity))
    family = _family(stage)
    before = [_peak(pid) for pid in family]
    over, done = time.monotonic() + seconds, 0
    while time.monotonic() < over or done < 2:
        ask = _upload if done % 2 else _download
        _recorded(stage, next(spare), partial(ask, size=size))
        done += 1
    grown = [(_peak(p) - was) >> 20 for p, was in zip(family, before, strict=True)]
    names = ("live", "agent")
    peaks = ", ".join(f"{n} +{more} MiB" for n, more in zip(names, grown, strict=False))
    return f"{done} bodies; peak memory of {peaks}"


def _family(stage: Stage) -> list[int]:
    return [stage.live.pid, *(agent.pid for agent in stage.agents())]


def _peak(pid: int) -> int:
    """Return the most memory that a process had so far, in bytes."""
    with open(f"/proc/{pid}/status") as status:
        peak = next(line for line in status if line.startswith("VmHWM:"))
    return int(peak.split()[1]) << 10


def _recorded(stage: Stage, number: int, ask: Callable[..., int]) -> None:
    """Enter a request of ours into the ledger, as the clients do."""
    place = stage.net.near_address, stage.live_port
    with closing(http.client.HTTPConnection(*place, timeout=120.0)) as connection:
        stage.ledger.sent[number] = began = time.monotonic()
        stage.ledger.status[number] = ask(connection, number)
        stage.ledger.took[number] = time.monotonic() - began


def _download(connection: http.client.HTTPConnection, number: int, size: int) -> int:
    connection.request("GET", f"/big?{number}.{size}")
    answer, left = connection.getresponse(), size
    while piece := answer.read(1 << 20):
        left -= len(piece)
    return answer.status if not left else 0


def _upload(connection: http.client.HTTPConnection, number: int, size: int) -> int:
    pieces = (bytes(min(1 << 20, size - at)) for at in range(0, size, 1 << 20))
    connection.request("PUT", f"/big?{number}", pieces, {"Content-Length": str(size)})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def worker_killed(stage: Stage, scene: Scene, seconds: float) -> str:
    """Kill -9 the worker that has been there longest every ten seconds; hire another."""
    times = 0
    for times in every(seconds):  # noqa: B007 -- the last one is said
        stage.employ()
        worker = stage.workers.pop(0)
        worker.kill()
        worker.wait()
    return f"{times} times"


def worker_stopped(stage: Stage, scene: Scene, seconds: float) -> str:
    """SIGSTOP a worker for longer than its leases last, twice."""
    long = seconds / 4
    for _ in range(2):
        with stopped(psutil.Process(stage.workers[0].pid)):
            time.sleep(long)
        time.sleep(long)
    return f"2 times {long:g} s"


def broker_killed(stage: Stage, scene: Scene, seconds: float) -> str:
    """Kill -9 the broker twice; it is away for a quarter of the time each."""
    assert scene.broker is not None
    for _ in range(2):
        scene.broker.kill()
        time.sleep(seconds / 4)
        scene.broker.start()
        time.sleep(seconds / 4)
    return "2 times"


def broker_stopped(stage: Stage, scene: Scene, seconds: float) -> str:
    """SIGSTOP the broker, for 10 s or half of the time."""
    assert scene.broker is not None
    with stopped(psutil.Process(scene.broker.pid)):
        time.sleep(min(10.0, seconds / 2))
    time.sleep(max(0.0, seconds - 10.0))
    return "once"


def hung_up(stage: Stage, scene: Scene, seconds: float) -> str:
    """Have gunicorn reload by SIGHUP every five seconds."""
    times = 0
    for times in every(seconds, AGAIN / 2):  # noqa: B007 -- the last one is said
        stage.live.send_signal(signal.SIGHUP)
    return f"{times} times"


def source_changed(stage: Stage, scene: Scene, seconds: float) -> str:
    """Change a file that uvicorn watches every ten seconds."""
    times = 0
    for times in every(seconds):
        (stage.folder / "watched" / "changed.py").write_text(f"TIMES = {times}\n")
    return f"{times} times"


def workers_replaced(stage: Stage, scene: Scene, seconds: float) -> str:
    """Have gunicorn fork one worker more, and end the oldest, every five seconds."""
    times = 0
    for times in every(seconds, AGAIN / 2):
        stage.live.send_signal(signal.SIGTTOU if times % 2 == 0 else signal.SIGTTIN)
    if times % 2:
        stage.live.send_signal(signal.SIGTTOU)
    return f"{(times + 1) // 2} times"
