"""
Where a fleet of 1 to 1,000 app hosts saturates its store, its broker and its workers.

    python -m benchmarks.fleet                 # simulate with the figures below
    python -m benchmarks.fleet --measure       # measure the store's on this machine first

A simulation of events, not a formula: every agent gathers evidence, waits for its turn
in the store, and gathers for longer the longer it had to wait, as `Writer` does. All of
them add to the same rows of the same minute, so from the first of those rows to the
commit one batch is written at a time, whatever the number of processors; that is the
store's service time here. What an agent, a worker and the broker do in a second is taken
from the other benchmarks. `hidden` is how old evidence is when a report first shows it.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import statistics
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import psutil
from sqlalchemy import event

from shadow_middleware.evidence import Batch, Count, LatencyCount, Progress
from shadow_middleware.exchange import Outcome
from shadow_middleware.report.sketch import bucket_of
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.store.upgrade import upgrade
from shadow_middleware.store.writer import pause_after
from tests.postgres import PostgresServer, running_postgres

HOSTS = (1, 10, 100, 1_000)
INTERVAL = 0.5
"""Seconds that a writer gathers at least."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one machine does, from the other benchmarks; see benchmarks/README.md."""

    agent: float = 5_685.0
    """Exchanges a second and core that an agent replays and compares (`agent`)."""
    publish: float = 8_000.0
    """Exchanges a second and core that an agent publishes to a broker (`broker`)."""
    worker: float = 3_000.0
    """Exchanges a second and core that a worker replays (`broker`)."""
    broker: float = 27_000.0
    """Messages a second that one NATS server stores and gives out."""
    divergences: float = 13_464.0
    """Stored divergences a second on Postgres (`store`)."""
    fixed: float = 0.0076
    """Seconds in which a batch of one row holds the rows that all share (`--measure`)."""
    each: float = 0.0002
    """Seconds more for each exchange in it, as long as their keys are new."""
    most: float = 0.071
    """Seconds of a batch in which every key is there."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What each host's app does."""

    requests: float = 500.0
    """A second."""
    processes: int = 4
    mirrored: float = 0.1
    """Share of the requests."""
    diverging: float = 0.01
    """Share of the exchanges."""
    size: float = 4_000.0
    """Bytes of an exchange on its way."""

    @property
    def exchanges(self) -> float:
        """Those of a host in a second."""
        return self.requests * self.mirrored


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """How a fleet fares, in one layout."""

    layout: str
    hosts: int
    exchanges: float
    """A second, of all hosts."""
    writers: int
    batches: float
    """A second."""
    store: float
    """Share of the time in which somebody writes to the store."""
    hidden: float
    """Seconds at the 99th percentile."""
    broker: float
    """Share of what one server can do; 0 without one."""
    megabits: float
    """A second to the broker."""
    workers: int
    """Cores of workers, each busy at 70 %."""
    agent: float
    """Cores of each app host."""
    samples: float
    """Share of what the store can take of divergences."""

    @property
    def limit(self) -> str:
        """Return what is to be added, if anything."""
        if self.agent > 1:
            return "more hosts, or a lower rate"
        if self.broker > 0.7:
            return f"{math.ceil(self.broker / 0.7)} brokers, one for each part of the fleet"
        if self.samples > 0.7:
            return "a lower rate where shadows diverge"
        if self.store > 0.9 and self.hidden > 20:
            return "fewer writers: one agent a host, or a broker and workers"
        return ""


def service(figures: Figures, exchanges: float) -> float:
    """Return the seconds in which a batch of so many exchanges keeps others out."""
    return min(figures.fixed + figures.each * exchanges, figures.most)


def simulate(
    writers: int, rate: float, figures: Figures, seconds: float = 300.0, seed: int = 1
) -> tuple[float, float, float]:
    """
    Return batches a second, the store's share of busy time, and how old evidence gets.

    Args:
        writers: Agents or workers that write.
        rate: Exchanges a second of each of them.
        figures: What a batch takes.
        seconds: How long it runs.
        seed: When each of them begins.
    """
    chance = random.Random(seed)
    # Who comes when, and since when its evidence has waited.
    coming = [(chance.random() * INTERVAL, number) for number in range(writers)]
    heapq.heapify(coming)
    since = [0.0] * writers
    free = busy = 0.0
    batches = 0
    ages: list[float] = []
    while coming:
        now, number = heapq.heappop(coming)
        if now > seconds:
            break
        began = max(now, free)
        took = service(figures, rate * (now - since[number]))
        free = began + took
        busy += took
        if now > seconds / 3:
            batches += 1
            ages.append(free - since[number])
        since[number] = now
        pause = pause_after(free - now, INTERVAL)
        heapq.heappush(coming, (free + pause, number))
    late = statistics.quantiles(ages, n=100)[98] if len(ages) > 1 else 0.0
    return batches / (seconds * 2 / 3), min(busy / seconds, 1.0), late


def layouts(hosts: int, load: Load, figures: Figures) -> Iterator[Fleet]:
    """Yield how a fleet fares in each layout."""
    every = hosts * load.exchanges
    workers = max(1, math.ceil(every / figures.worker / 0.7))
    ways = (
        ("an agent a process", hosts * load.processes, 0),
        ("an agent a host", hosts, 0),
        ("broker and workers", workers, workers),
    )
    for name, writers, cores in ways:
        speed = figures.publish if cores else figures.agent
        batches, store, hidden = simulate(writers, every / writers, figures)
        yield Fleet(
            layout=name,
            hosts=hosts,
            exchanges=every,
            writers=writers,
            batches=batches,
            store=store,
            hidden=hidden,
            broker=every / figures.broker if cores else 0.0,
            megabits=every * load.size * 8 / 1e6 if cores else 0.0,
            workers=cores,
            agent=load.exchanges / speed,
            samples=every * load.diverging / figures.divergences,
        )


def show(load: Load, figures: Figures) -> None:
    """Print the table."""
    print(
        "| hosts | layout | exch./s | agent | writers | batches/s | store | hidden "
        "| broker | Mbit/s | workers | what to add |"
    )
    print("|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
    for hosts in HOSTS:
        for one in layouts(hosts, load, figures):
            cells = (
                f"{one.hosts:,}",
                one.layout,
                f"{one.exchanges:,.0f}",
                f"{one.agent:.1%}",
                f"{one.writers:,}",
                f"{one.batches:,.0f}",
                f"{one.store:.0%}",
                f"{one.hidden:.1f} s",
                f"{one.broker:.0%}" if one.broker else "",
                f"{one.megabits:,.0f}" if one.megabits else "",
                f"{one.workers:,}" if one.workers else "",
                one.limit,
            )
            print("| " + " | ".join(cells) + " |")


# --- the store's service time -------------------------------------------------------------


def evidence(exchanges: int, number: int, chance: random.Random) -> Batch:
    """Return what an agent says of so many exchanges of fifty routes."""
    minute = int(time.time() // 60)
    counts, latencies = [], []
    for _ in range(exchanges):
        route = f"GET /things/{chance.randrange(50)}"
        odd = chance.random() < 0.01
        outcome = Outcome.DIVERGENCE if odd else Outcome.MATCH
        counts.append(Count(minute, "shadow", route, outcome, "aa" if odd else "", 1))
        for leg in ("live", "shadow"):
            bucket = bucket_of(chance.lognormvariate(2.0, 0.5))
            window = minute - minute % 10
            latencies.append(LatencyCount(window, "shadow", route, leg, bucket, 1))
    progress = [Progress("s", "shadow", number, exchanges, minute * 60.0)]
    return Batch(
        counts=counts,
        latencies=latencies,
        progress=progress,
        writer=f"w{exchanges}",
        number=number,
    )


COMMIT = 0.002
"""Seconds that a disk takes to keep a transaction; it is not processor time."""


def held(store: SqlStore, server: PostgresServer, exchanges: int, rounds: int) -> float:
    """
    Return the seconds from the first row that all share to the commit.

    It is processor time, the agent's and the database's, and one disk's: on a machine
    that others use, seconds of the clock would tell of them.
    """
    chance, spent, began = random.Random(exchanges), 0.0, [0.0]
    engine = store._database.engine

    def starts(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        if not began[0] and statement.startswith("INSERT INTO shadow_counts "):
            began[0] = time.process_time()

    event.listen(engine, "before_cursor_execute", starts)
    store.write(evidence(exchanges, 1, chance))  # what is done once is done
    before = processor_of(server)
    for number in range(2, rounds + 2):
        batch = evidence(exchanges, number, chance)
        began[0] = 0.0
        store.write(batch)
        spent += time.process_time() - began[0]
    event.remove(engine, "before_cursor_execute", starts)
    return (spent + processor_of(server) - before) / rounds + COMMIT


def processor_of(server: PostgresServer) -> float:
    """Return the processor time that a server's sessions have taken."""
    every = psutil.Process(server.pid).children()
    backends = [one for one in every if "postgres:" in " ".join(one.cmdline())]
    return sum(sum(one.cpu_times()[:2]) for one in backends)


def measured(figures: Figures) -> Figures:
    """Return the figures with this machine's store."""
    sizes = (1, 10, 25, 100, 400)
    with running_postgres() as server:
        store = SqlStore(server.url(server.create_prepared(upgrade)))
        found = {size: held(store, server, size, 100) for size in sizes}
        store.close()
    for size, seconds in found.items():
        print(
            f"a batch of {size:>4} exchanges keeps others out {seconds * 1e3:6.1f} ms"
        )
    print()
    each = (found[100] - found[1]) / 99
    return msgspec.structs.replace(figures, fixed=found[1], each=each, most=found[400])


def main() -> int:
    """Simulate, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--requests", type=float, default=Load().requests)
    parser.add_argument("--mirrored", type=float, default=Load().mirrored)
    parser.add_argument("--diverging", type=float, default=Load().diverging)
    parser.add_argument("--processes", type=int, default=Load().processes)
    options = parser.parse_args()
    figures = measured(Figures()) if options.measure else Figures()
    load = Load(
        requests=options.requests,
        mirrored=options.mirrored,
        diverging=options.diverging,
        processes=options.processes,
    )
    show(load, figures)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
