"""
Is every regression found, is nothing shown for nothing, and can the verdict be trusted?

    python -m benchmarks.truth [--exchanges 100000] [--seed N] [--quick]

Three parts. The corpus (`benchmarks/corpus`): exchanges of 51 routes with 26
kinds of noise and 126 planted regressions, shown to this tool with a control, without
and with its self-probe only, to DeepDiff alone and to Diffy's published algorithm. Then
the error of a verdict that is looked at all the time. Then what a million names do to
the memory. Ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import NamedTuple

from benchmarks.contest.bounded import FLOODS, Flood, flood
from benchmarks.contest.diffy import Diffy
from benchmarks.contest.ours import WITH_CONTROL, WITHOUT, contest
from benchmarks.contest.plain import Plain
from benchmarks.contest.score import Row
from benchmarks.contest.sequence import Peeking, simulate
from benchmarks.corpus import REGRESSIONS, ROUTES, Traffic
from shadow_middleware.inference import clopper_pearson

DEVELOPMENT_SEEDS = (1, 2, 3, 4, 5)
"""What the comparer and the judge were mended with: every miss was looked into."""
TABLE_SEEDS = (20_261_121, 31_415_926)
"""What the published table is made with. Nobody tunes by these: whoever looks at the
single misses of a table seed moves it above and takes a new one."""

EXCHANGES = 100_000
SAMPLE = 10
"""DeepDiff sees one exchange of so many: it takes milliseconds for each."""
RUNS = 2_000
NAMES = 1_000_000
QUICK = 20
"""So much less of everything."""

RECALL_WITH, RECALL_WITHOUT = 1.0, 0.98
FALSE_GROUPS = 1.0
"""For each 10,000 exchanges, with a control."""
ERROR = 0.05
MOST_GROWN = 64.0
"""MiB that a flood may cost; the cap on cells stands for less."""


class Options(NamedTuple):
    """What was asked for."""

    exchanges: int
    seeds: tuple[int, ...]
    runs: int
    names: int


# --- one process each -----------------------------------------------------------------


def ours(seed: int, count: int) -> list[Row]:
    """Return the rows of this tool."""
    return [contestant.conclude()[0] for contestant in contest(Traffic(seed), count)]


def theirs(seed: int, count: int) -> list[Row]:
    """Return the rows of Diffy's algorithm and of DeepDiff."""
    diffy, plain = Diffy(), Plain()
    for number, sent in enumerate(Traffic(seed).exchanges(count)):
        diffy.look(sent)
        if number % SAMPLE == 0:
            plain.look(sent)
    return [diffy.conclude(), plain.conclude()]


# --- tables ---------------------------------------------------------------------------


def show_rows(seed: int, rows: Sequence[Row]) -> None:
    """Print one table of contestants."""
    print(f"\n### Seed {seed}: {len(ROUTES)} routes, {len(REGRESSIONS)} regressions\n")
    print(
        "| who | exchanges | flagged | of those wrongly | planted | found | recall "
        "| groups | mixed | false | false per 10,000 |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for row in rows:
        print(
            f"| {row.name} | {row.exchanges:,} | {row.flagged / row.exchanges:.1%} "
            f"| {row.wrongly:,} | {row.planted} | {row.found} | {row.recall:.1%} "
            f"| {row.groups:,} | {len(row.mixed_groups):,} | {len(row.false_groups):,} "
            f"| {row.false_per_10_000:.1f} |"
        )


def show_peeking(results: Sequence[Peeking]) -> None:
    """Print how often a run below the policy was promoted."""
    print("\n### Wrongly promoted, looked at after every 100 of 20,000 requests\n")
    print("| by | runs | true share | promoted | share | at most, with 95 % |")
    print("|---|--:|--:|--:|--:|--:|")
    for one in results:
        most = clopper_pearson(one.wrong, one.runs).high
        print(
            f"| {one.how} | {one.runs:,} | {one.true_share:.2%} | {one.wrong} "
            f"| {one.error:.1%} | {most:.1%} |"
        )


def show_floods(floods: Sequence[Flood]) -> None:
    """Print what was left of each flood."""
    print("\n### Memory of profiles and groups\n")
    print("| flood | names | cells | groups | overflow | MiB after a fifth | MiB |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for one in floods:
        print(
            f"| {one.what} | {one.names:,} | {one.cells:,} | {one.groups:,} "
            f"| {one.overflow:,} | {one.early:.1f} | {one.grown:.1f} |"
        )


# --- bars -----------------------------------------------------------------------------


def broken(rows: Sequence[Row]) -> list[str]:
    """Return every bar of the contest that is missed, in a sentence."""
    found = []
    for row in rows:
        least = {WITH_CONTROL: RECALL_WITH, WITHOUT: RECALL_WITHOUT}.get(row.name, 0)
        if row.recall < least:
            missed = ", ".join(row.missed)
            found.append(f"{row.name}: recall {row.recall:.1%}, missed: {missed}")
        if row.name == WITH_CONTROL and row.false_per_10_000 > FALSE_GROUPS:
            found.append(f"{row.name}: {row.false_per_10_000:.1f} false groups")
    return found


def broken_otherwise(peeking: Sequence[Peeking], floods: Sequence[Flood]) -> list[str]:
    """Return every other bar that is missed."""
    found = [
        f"{peeking[0].how}: promoted {peeking[0].error:.1%} wrongly"
        for _ in range(peeking[0].error > ERROR)
    ]
    return found + [
        f"{one.what}: {one.grown:.0f} MiB" for one in floods if one.grown > MOST_GROWN
    ]


# --- the program ----------------------------------------------------------------------


def options(arguments: Sequence[str] | None = None) -> Options:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth")
    parser.add_argument("--exchanges", type=int, default=EXCHANGES)
    parser.add_argument("--seed", type=int, action="append", help="may be repeated")
    parser.add_argument("--quick", action="store_true", help="a twentieth of it all")
    given = parser.parse_args(arguments)
    less = QUICK if given.quick else 1
    seeds = tuple(given.seed or TABLE_SEEDS[:1])
    return Options(given.exchanges // less, seeds, RUNS // less, NAMES // less)


def main() -> int:
    """Run all of it in two processes, print the tables, judge by the bars."""
    asked, started = options(), time.monotonic()
    # Each task has a process of its own, so that memory is measured from the start.
    with ProcessPoolExecutor(
        2, multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        tables = [
            (seed, [_start(pool, run, seed, asked.exchanges) for run in (ours, theirs)])
            for seed in asked.seeds
        ]
        runs = pool.submit(simulate, asked.seeds[0], asked.runs)
        floods = [pool.submit(flood, what, asked.names) for what in FLOODS]
        missed = []
        for seed, halves in tables:
            rows = [row for half in halves for row in half.result()]
            show_rows(seed, rows)
            missed += broken(rows)
        show_peeking(runs.result())
        done = [one.result() for one in floods]
        show_floods(done)
        missed += broken_otherwise(runs.result(), done)
    print(f"\n{time.monotonic() - started:.0f} s")
    for sentence in missed:
        print(f"MISSED {sentence}")
    return int(bool(missed))


def _start(
    pool: ProcessPoolExecutor,
    run: Callable[[int, int], list[Row]],
    seed: int,
    count: int,
) -> Future[list[Row]]:
    return pool.submit(run, seed, count)


if __name__ == "__main__":
    sys.exit(main())
