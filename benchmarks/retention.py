"""
How long a writer waits while old evidence is removed, and whether partitions pay.

    python -m benchmarks.retention [--divergences 40000] [--seconds 20] [--partitions]

A store is filled, then one thread writes what an agent writes, twenty times a second,
while nobody removes anything, and then while a housekeeper removes most of the store.
`longest` is the longest write, `removing` the longest transaction that removed.

With `--partitions` the table of divergences on Postgres is held against one that is
partitioned by day: filling it, the pages that people look at, removing a third.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from msgspec.structs import replace

from benchmarks.store import divergence
from shadow_middleware.evidence import Batch, Count
from shadow_middleware.exchange import Outcome
from shadow_middleware.retention import DAY, Keep
from shadow_middleware.store.housekeeper import Housekeeper
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.store.upgrade import upgrade
from tests.postgres import running_postgres

DAYS = 30
ROUTES = 50
AT_ONCE = 500


def old(number: int, many: int, now: float) -> Batch:
    """Return a divergence of the last thirty days, and what is counted beside it."""
    at = now - DAYS * DAY * (1 - number / many)
    record = divergence(number)
    return Batch(
        divergences=[replace(record, at=at, exchange_id=f"old-{number:x}")],
        counts=[
            Count(int(at // 60), "shadow", record.route, outcome, "", 1)
            for outcome in (Outcome.MATCH, Outcome.NOISE, Outcome.DIVERGENCE)
        ],
    )


def together(batches: list[Batch]) -> Batch:
    """Return one batch of many."""
    return Batch(
        divergences=[one for batch in batches for one in batch.divergences],
        counts=[one for batch in batches for one in batch.counts],
    )


def fill(url: str, many: int) -> None:
    """Write thirty days."""
    store, now = SqlStore(url), time.time()
    for start in range(0, many, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, many))
        store.write(together([old(n, many, now) for n in numbers]))
    store.close()


def writes(url: str, ended: Callable[[], bool]) -> list[float]:
    """Write as an agent does until it is over; return what each write took."""
    store, took, number = SqlStore(url), [], 0
    while not ended():
        now = time.time()
        number += 1
        batch = together([old(n, ROUTES, now + DAYS * DAY) for n in range(ROUTES)])
        named = replace(
            batch,
            divergences=[
                replace(one, exchange_id=f"new-{number}-{n}", at=now)
                for n, one in enumerate(batch.divergences)
            ],
            counts=[replace(one, minute=int(now // 60)) for one in batch.counts],
        )
        started = time.perf_counter()
        store.write(named)
        took.append(time.perf_counter() - started)
        time.sleep(0.05)
    store.close()
    return took


def measured(url: str, seconds: float) -> tuple[list[float], list[float], Any]:
    """Return the writes without anybody removing, those beside one, and that one."""
    deadline = time.monotonic() + seconds
    alone = writes(url, lambda: time.monotonic() > deadline)
    keeper = Housekeeper(
        lambda: SqlStore(url), Keep(days=3.0, sums_days=10.0), first=0.0, every=1e9
    )
    over = threading.Event()

    def work() -> None:
        keeper.round()
        over.set()

    thread = threading.Thread(target=work)
    thread.start()
    beside = writes(url, over.is_set)
    thread.join()
    return alone, beside, keeper


@contextmanager
def stores() -> Iterator[dict[str, str]]:
    """Give an empty store on each database."""
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        sqlite = f"sqlite:///{folder}/store.db"
        upgrade(sqlite)
        yield {
            "SQLite": sqlite,
            "Postgres": server.url(server.create_prepared(upgrade)),
        }


def waiting(options: argparse.Namespace) -> None:
    """Print what writers wait."""
    line = "{:<10} {:<22} {:>8} {:>9} {:>9} {:>9} {:>10} {:>9}"
    heads = ("store", "", "writes", "p50 ms", "p99 ms", "longest", "removing", "rows/s")
    print(line.format(*heads))
    with stores() as urls:
        for name, url in urls.items():
            fill(url, options.divergences)
            before = SqlStore(url)
            held = before.count_divergences()
            started = time.monotonic()
            alone, beside, keeper = measured(url, options.seconds)
            took = time.monotonic() - started - options.seconds
            gone = sum(
                one.count for one in before.removals() if one.what == "divergences"
            )
            before.close()
            for what, times in (("alone", alone), ("while old ones go", beside)):
                cells = (
                    f"{statistics.median(times) * 1e3:.1f}",
                    f"{statistics.quantiles(times, n=100)[98] * 1e3:.1f}",
                    f"{max(times) * 1e3:.1f}",
                )
                removing, rate = "", ""
                if times is beside:
                    removing = f"{keeper.longest * 1e3:.1f}"
                    rate = f"{gone / took:,.0f}"
                print(line.format(name, what, len(times), *cells, removing, rate))
            print(f"{name}: {gone:,} of {held:,} divergences went in {took:.1f} s")


# --- partitions -------------------------------------------------------------------------

COLUMNS = (
    "exchange_id text NOT NULL, target text NOT NULL, at double precision NOT NULL, "
    "route text NOT NULL, body text NOT NULL"
)
ASKED = {
    "newest page": "SELECT * FROM d ORDER BY at DESC LIMIT 50",
    "one route's newest": (
        "SELECT * FROM d WHERE route = 'GET /7' ORDER BY at DESC LIMIT 50"
    ),
    "count of all": "SELECT count(*) FROM d",
    "by exchange": "SELECT * FROM d WHERE exchange_id = 'x-{0}'",
}
BODY = "".join(chr(97 + (n * n * 7919) % 26) for n in range(3_000))


def plain(connection: Any) -> None:
    """Make the table as it is."""
    connection.execute(f"CREATE TABLE d (id bigserial PRIMARY KEY, {COLUMNS})")
    connection.execute("CREATE UNIQUE INDEX ON d (exchange_id, target)")
    indexed(connection)


def partitioned(connection: Any) -> None:
    """Make the table with a part for each day; what is unique must name the time."""
    connection.execute(
        f"CREATE TABLE d (id bigserial, {COLUMNS}, PRIMARY KEY (id, at)) "
        "PARTITION BY RANGE (at)"
    )
    for day in range(DAYS):
        connection.execute(
            f"CREATE TABLE d{day} PARTITION OF d "
            f"FOR VALUES FROM ({day * DAY}) TO ({(day + 1) * DAY})"
        )
    connection.execute("CREATE UNIQUE INDEX ON d (exchange_id, target, at)")
    indexed(connection)


def indexed(connection: Any) -> None:
    """Index what lists are sorted by."""
    connection.execute("CREATE INDEX ON d (at)")
    connection.execute("CREATE INDEX ON d (route, at)")


def drop_days(connection: Any) -> None:
    """Remove the first third, part by part."""
    for day in range(DAYS // 3):
        connection.execute(f"DROP TABLE d{day}")


def delete_days(connection: Any) -> None:
    """Remove the first third as the housekeeper does."""
    edge = DAYS // 3 * DAY
    while connection.execute(
        "DELETE FROM d WHERE id IN (SELECT id FROM d WHERE at < %s LIMIT 500)", (edge,)
    ).rowcount:
        pass


def every_row(connection: Any, statement: str) -> list[Any]:
    """Ask, and take in all that comes."""
    found: list[Any] = connection.execute(statement).fetchall()
    return found


def timed(work: Callable[[], object]) -> float:
    """Return the milliseconds that it takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def shape(
    url: str, make: Callable[[Any], None], remove: Callable[[Any], None], many: int
) -> dict[str, float]:
    """Return what everything takes with one shape of the table."""
    found: dict[str, float] = {}
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        make(connection)
        rows = [
            (f"x-{n}", "shadow", n * DAYS * DAY / many, f"GET /{n % ROUTES}", BODY)
            for n in range(many)
        ]
        cursor = connection.cursor()
        conflict = "ON CONFLICT DO NOTHING"

        def insert() -> None:
            for start in range(0, many, AT_ONCE):
                with connection.transaction():
                    cursor.executemany(
                        "INSERT INTO d (exchange_id, target, at, route, body) "
                        f"VALUES (%s, %s, %s, %s, %s) {conflict}",
                        rows[start : start + AT_ONCE],
                    )

        found["rows written a second"] = many / timed(insert) * 1e3
        connection.execute("ANALYZE")
        for name, asked in ASKED.items():
            statement = asked.format(many // 2 + 7)
            ask = partial(every_row, connection, statement)
            times = [timed(ask) for _ in range(20)]
            found[f"{name}, ms"] = statistics.median(times)
        found["a third removed, ms"] = timed(lambda: remove(connection))
        size = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname ~ '^d[0-9]*$' AND relkind IN ('r', 'p')"
        found["MiB afterwards"] = (
            float((connection.execute(size).fetchone() or (0,))[0]) / 2**20
        )
        found["vacuum, ms"] = timed(lambda: connection.execute("VACUUM d"))
    return found


def partitions(options: argparse.Namespace) -> None:
    """Print both shapes side by side."""
    with running_postgres() as server:
        one = shape(
            server.url(server.create()), plain, delete_days, options.divergences
        )
        other = shape(
            server.url(server.create()), partitioned, drop_days, options.divergences
        )
    print(f"{'':<26} {'one table':>12} {'a part a day':>14}")
    for name in one:
        print(f"{name:<26} {one[name]:>12,.1f} {other[name]:>14,.1f}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--divergences", type=int, default=40_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--partitions", action="store_true")
    options = parser.parse_args()
    if options.partitions:
        partitions(options)
    else:
        waiting(options)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
