"""
How long a page takes of a dashboard that is a process of its own, started a while ago.

    python -m benchmarks.see_alone URL… [--rounds 40] [--settle 15]

Beside `benchmarks.see`, which builds such a store and asks the app itself: here it is
`shadow-middleware dashboard`, over loopback, with a writer beside. `first` is the first
look that anybody takes at the page, so many seconds after the start. `steady` are the
looks after it, four a second, `cpu` what the server's process used for each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil

from benchmarks.see import EVERY, HELD_TO_THE_BAR, TOKEN, names_in, p95, writing
from shadow_middleware.cli.dashboard import TOKEN as VARIABLE
from shadow_middleware.store.sql import SqlStore

COMMAND = [sys.executable, "-m", "shadow_middleware.cli.main", "dashboard"]


@contextmanager
def serving(url: str) -> Iterator[tuple[psutil.Process, httpx.Client]]:
    """Start a dashboard; give its process, and who asks it."""
    with subprocess.Popen(
        [*COMMAND, "--store", url, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, VARIABLE: TOKEN, "PYTHONUNBUFFERED": "1"},
    ) as server:
        assert server.stdout is not None
        where = server.stdout.readline().split()[-1].partition("/login")[0]
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=where, headers=headers, timeout=None) as client:
            yield psutil.Process(server.pid), client
        server.terminate()


def timed(client: httpx.Client, path: str) -> float:
    """Return the milliseconds of one look."""
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return 1e3 * (time.perf_counter() - began)


def looked(url: str, path: str, options: argparse.Namespace) -> tuple[float, ...]:
    """Return the first look, the median and p95 of those after it, and the processor's."""
    with serving(url) as (process, client):
        time.sleep(options.settle)
        first, used = timed(client, path), sum(process.cpu_times()[:2])
        steady = []
        for _ in range(options.rounds):
            time.sleep(EVERY)
            steady.append(timed(client, path))
        cpu = 1e3 * (sum(process.cpu_times()[:2]) - used) / options.rounds
    return first, statistics.median(steady), p95(steady), cpu


def main() -> None:
    """Look, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("urls", nargs="+", metavar="URL")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--settle", type=float, default=15.0)
    options = parser.parse_args()
    for url in options.urls:
        store = SqlStore(url)
        names = names_in(store)
        store.close()
        heads = "".join(f"{one:>9}" for one in ("first", "steady", "p95", "cpu"))
        print(f"{url.partition(':')[0] + ', ms':<40}{heads}")
        with writing(url):
            for page in HELD_TO_THE_BAR:
                cells = looked(url, page.format(**names), options)
                print(f"{page:<40}" + "".join(f"{one:>9,.0f}" for one in cells))


if __name__ == "__main__":
    main()
