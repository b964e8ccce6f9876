"""
How long a page takes over a million stored divergences in 500 routes.

    python -m benchmarks.see [--divergences 1000000] [--routes 500] [--rounds 40]
                             [--colds 5] [--store sqlite postgres] [--only TEXT]
                             [--bar] [--keep FILE]

Every page of the dashboard and every endpoint that reads, asked of the real apps over
ASGI, without a network: the time is the server's. Beside them a process of its own writes
a batch every half a second, as an agent does, so that no answer holds for longer.

`cold` is the first look of an app that has just opened the store. `steady` are the looks
after it, four a second, as of several viewers: what was worked out less than five seconds
ago is shown, and worked out anew on a thread beside, whose time is in the figures. `cpu`
is what the process used for each of those looks, that thread's work with it. `--bar` asks
only the pages that the goal is about. Ends with 1 where one of those is over 150 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from benchmarks.million import Million, Size, fill
from shadow_middleware.api.access import Access
from shadow_middleware.api.opened import Opened
from shadow_middleware.dashboard.app import serve_pages
from shadow_middleware.evidence import Batch, Count, LatencyCount
from shadow_middleware.exchange import Outcome
from shadow_middleware.report.sketch import window_of
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.store.upgrade import upgrade
from tests.postgres import running_postgres

TOKEN: Final = "a token of more than sixteen characters"
BAR: Final = 150.0
"""Milliseconds."""
PAGES: Final = (
    "/",
    "/?since=1h",
    "/?since=24h",
    "/routes",
    "/routes?sort=-shift",
    "/route?route={route}",
    "/groups",
    "/groups?state=all&offset=1900",
    "/groups?find=field1",
    "/groups?route={route}",
    "/groups/{group}",
    "/divergences",
    "/divergences?offset=900000",
    "/divergences?shadow=404",
    "/divergences?route={route}",
    "/divergences?group={group}",
    "/divergences/{number}",
    "/noise",
    "/rules",
    "/coverage",
    "/targets",
    "/verdict",
    "/verdict/file/json",
    "/api/stats",
    "/api/v1/summary",
    "/api/v1/routes",
    "/api/v1/series",
    "/api/v1/series?route={route}",
    "/api/v1/groups",
    "/api/v1/groups?state=all&offset=1900",
    "/api/v1/groups/{group}",
    "/api/v1/divergences",
    "/api/v1/divergences?offset=900000",
    "/api/v1/divergences/{number}",
    "/api/v1/exchanges/{exchange}",
    "/api/v1/noise",
    "/api/v1/rules",
    "/api/v1/suggestions",
    "/api/v1/targets",
    "/api/v1/coverage",
    "/api/v1/verdict",
    "/api/v1/versions",
)
HELD_TO_THE_BAR: Final = ("/", "/groups", "/groups/{group}", "/api/v1/groups")


HEADS: Final = ("cold p50", "p95", "steady", "p95", "cpu")
NAMES: Final = {"sqlite": "SQLite", "postgres": "Postgres"}
BEGUN: Final = "begun"
WHOLE: Final = "whole"
COPY: Final = "copy"
EVERY: Final = 0.25
"""Seconds from look to look."""
BATCH: Final = 0.5
"""Seconds from batch to batch."""


class Taken(NamedTuple):
    """Milliseconds of one page."""

    cold: list[float]
    steady: list[float]
    cpu: float


def p95(times: list[float]) -> float:
    """Return what nineteen of twenty looks do not exceed."""
    return sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)]


async def ask(url: str, options: argparse.Namespace) -> dict[str, Taken]:
    """Return what each page took."""
    store = SqlStore(url)
    names = names_in(store)
    store.close()
    taken = {}
    pages = HELD_TO_THE_BAR if options.bar else PAGES
    with writing(url):
        for page in pages:
            if options.only in page:
                taken[page] = await look(url, page.format(**names), options)
                print(line(page, taken[page]), flush=True)
    return taken


def names_in(store: SqlStore) -> dict[str, str]:
    """Return what stands for the names in the addresses of pages."""
    group, stored = store.groups(limit=3)[1], store.divergences(limit=1)[0]
    return {
        "route": group.key.route.replace(" ", "%20"),
        "group": group.fingerprint,
        "number": str(stored.id),
        "exchange": stored.record.exchange_id,
    }


async def look(url: str, path: str, options: argparse.Namespace) -> Taken:
    """Look at one page in apps that have seen nothing yet, then again and again."""
    cold = []
    for _ in range(options.colds - 1):
        with opened(url) as client:
            cold.append(await timed(client, path))
    with opened(url) as client:
        cold.append(await timed(client, path))
        steady, used = [], time.process_time()
        for _ in range(options.rounds):
            await asyncio.sleep(EVERY)
            steady.append(await timed(client, path))
        cpu = (time.process_time() - used) / options.rounds
    return Taken(cold, steady, 1e3 * cpu)


@contextlib.contextmanager
def opened(url: str) -> Iterator[httpx.AsyncClient]:
    """Give a client of an app that opens the store at the first look."""
    store = Opened.of({"store_url": url}, None, None, "benchmark")
    yield httpx.AsyncClient(
        transport=httpx.ASGITransport(serve_pages(store, Access(TOKEN, None, None))),
        base_url="http://benchmark",
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=None,
    )
    store.close()


async def timed(client: httpx.AsyncClient, path: str) -> float:
    """Return the milliseconds of one look."""
    began = time.perf_counter()
    answer = await client.get(path)
    wall = time.perf_counter() - began
    assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
    return 1e3 * wall


@contextlib.contextmanager
def writing(url: str) -> Iterator[None]:
    """Have another process write to the store, as an agent does."""
    context = multiprocessing.get_context("spawn")
    done = context.Event()
    agent = context.Process(target=write_on, args=(url, done))
    agent.start()
    try:
        yield
    finally:
        done.set()
        agent.join()
    if agent.exitcode:
        raise RuntimeError("the writer failed, so nobody wrote beside the looks")


def write_on(url: str, done: Event) -> None:
    """Write what a few hundred requests come to, every half a second."""
    store = SqlStore(url)
    while not done.wait(BATCH):
        minute = int(time.time() // 60)
        routes = [f"GET /area{n % 25}/things{n}/{{id}}" for n in range(20)]
        store.write(
            Batch(
                counts=[
                    Count(minute, "shadow", one, Outcome.MATCH, "", 10, "2026.3")
                    for one in routes
                ],
                latencies=[
                    LatencyCount(window_of(minute), "shadow", one, leg, bucket, 5)
                    for one in routes
                    for leg in ("live", "shadow")
                    for bucket in (250, 260)
                ],
            )
        )
    store.close()


def line(page: str, one: Taken) -> str:
    """Return one page as a line of the table."""
    cells = (
        statistics.median(one.cold),
        p95(one.cold),
        statistics.median(one.steady),
        p95(one.steady),
        one.cpu,
    )
    return f"{page:<40}" + "".join(f"{cell:>9,.0f}" for cell in cells)


@contextlib.contextmanager
def stores(options: argparse.Namespace) -> Iterator[Iterator[tuple[str, str]]]:
    """Give each store with its name, built when it is asked for."""
    size = Size(options.divergences, options.routes)
    kept = Path(options.keep) if options.keep else None
    with contextlib.ExitStack() as stack:

        def each() -> Iterator[tuple[str, str]]:
            for name in options.store:
                made = in_sqlite if name == "sqlite" else in_postgres
                yield NAMES[name], stack.enter_context(made(size, kept))

        yield each()


@contextlib.contextmanager
def in_sqlite(size: Size, kept: Path | None) -> Iterator[str]:
    """Give the address of a file, copied from what is kept and brought up to date."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.db"
        url = f"sqlite:///{file}"
        if kept is not None and kept.exists():
            shutil.copy(kept, file)
            upgrade(url)
        else:
            built(url, size)
            if kept is not None:
                shutil.copy(file, kept)
        yield url


@contextlib.contextmanager
def in_postgres(size: Size, kept: Path | None) -> Iterator[str]:
    """Give the address of a database: of a server's folder beside what is kept."""
    folder = None if kept is None else kept.with_suffix(".postgres")
    with running_postgres(folder) as server:
        if not server.holds(WHOLE):
            server.drop(BEGUN)
            server.execute("CREATE DATABASE {}", BEGUN)
            built(server.url(BEGUN), size)
            server.execute("ALTER DATABASE {} RENAME TO {}", BEGUN, WHOLE)
        server.drop(COPY)
        server.execute("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", COPY, WHOLE)
        try:
            upgrade(server.url(COPY))
            yield server.url(COPY)
        finally:
            server.drop(COPY)


def built(url: str, size: Size) -> None:
    """Build one store, and say how long it took."""
    began = time.perf_counter()
    upgrade(url)
    fill(url, Million(size).rows())
    print(f"built in {time.perf_counter() - began:,.0f} s", file=sys.stderr)


def main() -> int:
    """Build, look, print, and fail where a page of the bar is too slow."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--divergences", type=int, default=1_000_000)
    parser.add_argument("--routes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--colds", type=int, default=5)
    parser.add_argument("--bar", action="store_true", help="only pages of the goal")
    parser.add_argument("--store", nargs="+", default=list(NAMES), choices=NAMES)
    parser.add_argument("--only", default="", help="pages whose path has this text")
    parser.add_argument("--keep", default="", help="file to build once")
    options = parser.parse_args()
    good = True
    with stores(options) as each:
        for name, url in each:
            print(f"{name + ', ms':<40}" + "".join(f"{one:>9}" for one in HEADS))
            taken = asyncio.run(ask(url, options))
            good &= all(
                p95(one.steady) <= BAR
                for page, one in taken.items()
                if page in HELD_TO_THE_BAR
            )
    return 0 if good else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    raise SystemExit(main())
