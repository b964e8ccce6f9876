"""
What the store takes in a second: outcomes, divergences, and what is learned of them.

    python -m benchmarks.store [--outcomes 200000] [--divergences 5000] [--rounds 3]

Both go the way they go in the agent, through `Writer` and `SqlStore`, on SQLite and on
a real Postgres from a wheel. `driver` beside them is the bare driver's `executemany`
into the same tables, 500 rows in a transaction, each row made ready beforehand: one
row for each outcome, since a driver merges nothing. `learned` is divergences with all
that comes with them: a group, a sample, two cells of noise and what they are shares of,
over two hundred groups; no driver is beside it, since no single statement writes that.
Every round starts with empty tables; variants take turns; the table shows medians of
the rounds.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

import psycopg
from msgspec.structs import replace

from shadow_middleware.evidence import Batch, Count, DivergenceRecord
from shadow_middleware.exchange import Difference, Kind, Outcome, Part
from shadow_middleware.knowledge import (
    GroupKey,
    NoiseBase,
    NoiseCount,
    Sample,
    Sighting,
)
from shadow_middleware.store import rows
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.store.upgrade import upgrade
from shadow_middleware.store.writer import Lost, Writer
from tests.postgres import running_postgres

MINUTE = 30_000_000
ROUTES = 50
AT_ONCE = 500
PATIENCE = 120.0
GROUPS = 200
BUDGETS = {"outcomes": 10_000, "divergences": 2_000, "learned": 1_000}
BODY = json.dumps({"items": [{"id": n, "name": f"item {n}"} for n in range(32)]})[:1024]
HEADERS = [(f"x-header-{n}", "a value of some length") for n in range(10)]


def outcome(number: int) -> Count:
    """Return one outcome: nine kinds on fifty routes, over ten minutes."""
    kinds = list(Outcome)
    return Count(
        minute=MINUTE + number * 10 // 200_000,
        target="shadow",
        route=f"GET /items/{{id}}/{number % ROUTES}",
        outcome=kinds[number % len(kinds)],
        reason="",
        count=1,
    )


def divergence(number: int) -> DivergenceRecord:
    """Return one divergence: 1 KB on either side, ten headers each, two differences."""
    return DivergenceRecord(
        exchange_id=f"5f3a-{number:x}",
        target="shadow",
        at=MINUTE * 60 + number / 100,
        route=f"GET /items/{{id}}/{number % ROUTES}",
        method="GET",
        path=f"/items/{number}",
        live_status=200,
        shadow_status=200,
        live_ms=1.25,
        shadow_ms=2.5,
        differences=(
            Difference(Part.BODY, "/items/0/name", Kind.CHANGED, "item 0", "thing 0"),
            Difference(Part.HEADER, "x-version", Kind.CHANGED, "1", "2"),
        ),
        cut=False,
        hint="",
        after_drop=False,
        request_headers=HEADERS,
        request_body="",
        live_headers=HEADERS,
        live_body=BODY,
        shadow_headers=HEADERS,
        shadow_body=BODY,
    )


def learned(number: int) -> Batch:
    """Return one divergence and what is learned of it, of one group in turn."""
    record = divergence(number)
    key = GroupKey(
        target="shadow",
        route=record.route,
        part=Part.BODY,
        path=f"/items/*/name{number % GROUPS}",
        kind=Kind.CHANGED,
        live="text",
        shadow="text",
    )
    day = MINUTE // (24 * 60)
    cell = NoiseCount(day, "v1", key.fingerprint, 200, "", raw=1, control_raw=1)
    sizes = (replace(cell, size=size) for size in ("", "some"))
    exchange = record.exchange_id
    return Batch(
        divergences=[replace(record, groups=(key.fingerprint,))],
        sightings=[Sighting(key, 1, record.at, record.at)],
        samples=[
            Sample(key.fingerprint, number % 16, exchange, "shadow", at=record.at)
        ],
        noise=list(sizes),
        noise_bases=[NoiseBase(day, "v1", "shadow", record.route, 200, raw=1)],
    )


def through_writer(url: str, batches: list[Batch]) -> float:
    """Return the seconds until all batches are in the database."""
    writer = Writer(lambda: SqlStore(url), buffer=len(batches), buffer_bytes=2**31)
    writer.add(Batch())
    started = time.perf_counter()
    for batch in batches:
        writer.add(batch)
    assert writer.close(PATIENCE), writer.failure
    taken = time.perf_counter() - started
    assert writer.lost == Lost()
    return taken


def through_driver(url: str, kind: str, batches: list[Batch]) -> float:
    """Return the seconds that the bare driver takes for rows made ready before."""
    ready = list(driver_rows(kind, batches))
    is_sqlite = url.startswith("sqlite")
    statement = driver_statement(kind, ready[0], "?" if is_sqlite else "%s")
    values = [tuple(row.values()) for row in ready]
    started = time.perf_counter()
    with closing(connect(url)) as connection:
        cursor = connection.cursor()
        remaining = iter(values)
        while some := list(islice(remaining, AT_ONCE)):
            cursor.executemany(statement, some)
            connection.commit()
    return time.perf_counter() - started


def connect(url: str) -> Any:
    """Connect as the store does, without it."""
    if not url.startswith("sqlite"):
        return psycopg.connect(url.replace("+psycopg", ""))
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def driver_rows(kind: str, batches: list[Batch]) -> Iterator[dict[str, Any]]:
    """Return the rows of all batches, JSON as text."""
    for batch in batches:
        if kind == "outcomes":
            yield from (row | {"run": ""} for row in rows.count_rows(batch))
            continue
        for row in rows.divergence_rows(batch):
            yield {
                name: rows.dump_json(value)
                if isinstance(value, list | tuple)
                else value
                for name, value in (row | {"run": ""}).items()
            }


def driver_statement(kind: str, row: dict[str, Any], mark: str) -> str:
    """Return the upsert that the store says too, in the driver's words."""
    table = {"outcomes": "shadow_counts", "divergences": "shadow_divergences"}[kind]
    ending = "(run, exchange_id, target) DO NOTHING"
    if kind == "outcomes":
        ending = (
            "(run, minute, target, route, outcome, reason, version) "
            "DO UPDATE SET count = shadow_counts.count + excluded.count"
        )
    names, marks = ", ".join(row), ", ".join([mark] * len(row))
    return f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT {ending}"


@contextmanager
def databases() -> Iterator[dict[str, Callable[[], str]]]:
    """Give, for each database, what makes an empty store and returns its address."""
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        made = iter(range(1_000_000))

        def sqlite_store() -> str:
            url = f"sqlite:///{folder}/{next(made)}.db"
            upgrade(url)
            return url

        def postgres_store() -> str:
            return server.url(server.create_prepared(upgrade))

        yield {"SQLite": sqlite_store, "Postgres": postgres_store}


def measure(options: argparse.Namespace) -> dict[tuple[str, str, str], list[float]]:
    """Return the seconds of each round, by kind, database and way."""
    work = {
        "outcomes": [Batch(counts=[outcome(n)]) for n in range(options.outcomes)],
        "divergences": [
            Batch(divergences=[divergence(n)]) for n in range(options.divergences)
        ],
        "learned": [learned(n) for n in range(options.divergences)],
    }
    taken: dict[tuple[str, str, str], list[float]] = {}
    with databases() as stores:
        for _ in range(options.rounds):
            for kind, batches in work.items():
                for name, make in stores.items():
                    ours = through_writer(make(), batches)
                    taken.setdefault((kind, name, "writer"), []).append(ours)
                    if kind != "learned":
                        bare = through_driver(make(), kind, batches)
                        taken.setdefault((kind, name, "driver"), []).append(bare)
    return taken


def show(options: argparse.Namespace, taken: dict[Any, list[float]]) -> bool:
    """Print the table; return whether every figure is within its budget."""
    line = "{:<12} {:<9} {:>14} {:>14} {:>8} {:>10}"
    print(line.format("", "store", "writer /s", "driver /s", "ratio", "budget /s"))
    good = True
    for kind, budget in BUDGETS.items():
        for name in ("SQLite", "Postgres"):
            number = options.outcomes if kind == "outcomes" else options.divergences
            ours = number / statistics.median(taken[kind, name, "writer"])
            good = good and ours >= budget
            bare, ratio = "", ""
            if (kind, name, "driver") in taken:
                driver = number / statistics.median(taken[kind, name, "driver"])
                bare, ratio = f"{driver:,.0f}", f"{ours / driver:.2f}"
            cells = (f"{ours:,.0f}", bare, ratio, f"{budget:,}")
            print(line.format(kind, name, *cells))
    return good


def main() -> int:
    """Measure, print, and fail where a budget is not met."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--outcomes", type=int, default=200_000)
    parser.add_argument("--divergences", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    return 0 if show(options, measure(options)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
