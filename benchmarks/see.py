"""
How long a page takes over a million stored divergences in 500 routes.

    python -m benchmarks.see [--divergences 1000000] [--routes 500] [--rounds 20]
                             [--store sqlite postgres] [--only TEXT] [--keep FILE]

Every page of the dashboard and every endpoint that reads, asked of the real apps over
ASGI, without a network: the time is the server's. `first` is the first look of a new
process. `moved` is a look after an agent has written a batch, so that nothing which was
worked out before holds: what a viewer waits for while traffic flows. `same` is a look at
a store that nobody has written to since. Times are wall clock, p95; `cpu` is the median
processor time of `moved`, which says more on a busy machine. Ends with 1 where an
overview or a page of groups takes over 150 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from benchmarks.million import Million, Size, fill
from shadow_middleware.dashboard import dashboard
from shadow_middleware.evidence import Batch, Count
from shadow_middleware.exchange import Outcome
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


class Taken(NamedTuple):
    """Milliseconds of one page."""

    first: float
    moved: list[float]
    cpu: list[float]
    same: list[float]


def p95(times: list[float]) -> float:
    """Return what nineteen of twenty looks do not exceed."""
    return sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)]


async def ask(url: str, rounds: int, only: str) -> dict[str, Taken]:
    """Return what each page took."""
    store = SqlStore(url)
    names = names_in(store)
    taken = {}
    try:
        for page in PAGES:
            if only in page:
                taken[page] = await look(url, store, page.format(**names), rounds)
                one = taken[page]
                print(line(page, one), flush=True)
    finally:
        store.close()
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


async def look(url: str, store: SqlStore, path: str, rounds: int) -> Taken:
    """Look at one page from a process that has seen nothing yet, again and again."""
    app = dashboard(token=TOKEN, store_url=url)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://benchmark",
        headers=headers,
        timeout=None,
    ) as client:
        first, _ = await timed(client, path)
        moved, cpu, same = [], [], []
        for _ in range(rounds):
            write_something(store)
            wall, own = await timed(client, path)
            moved.append(wall)
            cpu.append(own)
            same.append((await timed(client, path))[0])
    return Taken(first, moved, cpu, same)


async def timed(client: httpx.AsyncClient, path: str) -> tuple[float, float]:
    """Return the milliseconds of one look, by the clock and of the processor."""
    began, used = time.perf_counter(), time.process_time()
    answer = await client.get(path)
    wall, own = time.perf_counter() - began, time.process_time() - used
    assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
    return 1e3 * wall, 1e3 * own


def write_something(store: SqlStore) -> None:
    """Write what an agent writes every second, so that nothing remembered holds."""
    route = "GET /area3/things3/{id}"
    minute = int(time.time() // 60)
    store.write(
        Batch(counts=[Count(minute, "shadow", route, Outcome.MATCH, "", 1, "2026.3")])
    )


def line(page: str, one: Taken) -> str:
    """Return one page as a line of the table."""
    cells = (one.first, p95(one.moved), statistics.median(one.cpu), p95(one.same))
    return f"{page:<40}" + "".join(f"{cell:>9,.0f}" for cell in cells)


@contextlib.contextmanager
def stores(options: argparse.Namespace) -> Iterator[Iterator[tuple[str, str]]]:
    """Give each store with its name, built when it is asked for."""
    size = Size(options.divergences, options.routes)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())

        def each() -> Iterator[tuple[str, str]]:
            if "sqlite" in options.store:
                kept = Path(options.keep) if options.keep else None
                file = Path(folder) / "store.db"
                if kept is not None and kept.exists():
                    shutil.copy(kept, file)
                else:
                    built(f"sqlite:///{file}", size)
                    if kept is not None:
                        shutil.copy(file, kept)
                yield "SQLite", f"sqlite:///{file}"
            if "postgres" in options.store:
                server = stack.enter_context(running_postgres())
                url = server.url(server.create())
                built(url, size)
                yield "Postgres", url

        yield each()


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
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--store", nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--only", default="", help="pages whose path has this text")
    parser.add_argument("--keep", default="", help="SQLite file to build once")
    options = parser.parse_args()
    good = True
    with stores(options) as each:
        for name, url in each:
            print(f"{name + ', ms':<40}{'first':>9}{'moved':>9}{'cpu':>9}{'same':>9}")
            taken = asyncio.run(ask(url, options.rounds, options.only))
            good &= all(
                p95(one.moved) <= BAR
                for page, one in taken.items()
                if page in HELD_TO_THE_BAR
            )
    return 0 if good else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    raise SystemExit(main())
