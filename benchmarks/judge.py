"""
What judging costs beyond comparing, and how often the verdict's bound is wrong.

    python -m benchmarks.judge [--rounds 7] [--runs 2000] [--look-every 100]

First the cost of `Judge.judge` alone: both comparisons are made beforehand. Then runs of
simulated traffic at a true rate just below the policy, looked at again and again: how
many of them were called "promote" at any look, by the bound that we use and by others.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from shadow_middleware.compare import Comparison
from shadow_middleware.exchange import Difference, Kind, Part
from shadow_middleware.inference import (
    Interval,
    clopper_pearson,
    confidence_sequence,
    wilson,
)
from shadow_middleware.judge import Case, Judge, Policy, Profile, rulings
from shadow_middleware.knowledge import DAY, Group, Known
from shadow_middleware.settings import Settings

Result = TypeVar("Result")

BUDGET_US = 60.0
TODAY = 20_000
CASES = 2_000
EQUAL = Comparison("equal")


class Cost(NamedTuple):
    """What is judged, and whether the budget speaks of it."""

    name: str
    case: Case
    budgeted: bool = True
    learning: tuple[Case, ...] = ()


def changed(number: int, alike: str = "") -> Difference:
    """One of the noisy fields."""
    path = f"/field-{number}"
    shape = alike or "word"
    return Difference(
        *(Part.BODY, path, Kind.CHANGED, "one", "two"),
        shape=path,
        live_is=shape,
        shadow_is=shape,
        alike=alike,
    )


def case(
    found: Comparison, control: Comparison | None, probe: Comparison | None = None
) -> Case:
    """An exchange on one route, today."""
    return Case(
        target="shadow",
        route="GET /orders/{id}",
        status=200,
        at=TODAY * DAY + 1.0,
        found=found,
        control=control,
        probe=probe,
        live_ms=12.0,
        shadow_ms=14.0,
        control_ms=13.0,
    )


def costs() -> list[Cost]:
    """What an agent meets most, and what is dearest."""
    noisy = Comparison("different", tuple(changed(n) for n in range(5)))
    shaped = Comparison("different", tuple(changed(n, "uuid") for n in range(5)))
    taught = (case(noisy, noisy),)
    return [
        Cost("byte-equal, with control", case(EQUAL, EQUAL)),
        Cost("5 noisy fields, control shows them too", case(noisy, noisy)),
        Cost(
            "5 noisy fields, learned, no control here", case(noisy, None), True, taught
        ),
        Cost("5 ids, by their shape alone", case(shaped, None)),
        Cost("5 noisy fields, probe shows them too", case(noisy, None, noisy)),
        Cost(
            "5 fields, control shows none (a divergence)",
            case(noisy, EQUAL),
            False,
            taught * 20,
        ),
    ]


def measured(cost: Cost, rounds: int) -> float:
    """Return the microseconds of one judgement: the median of the rounds."""
    times = []
    for _ in range(rounds):
        judge = Judge(
            Settings(shadow_url="http://127.0.0.1:1", latency_ratio=3.0),
            Profile(Policy()),
        )
        for one in (*cost.learning, *[cost.case] * 50):
            judge.judge(one)
        start = time.perf_counter()
        for _ in range(CASES):
            judge.judge(cost.case)
        times.append((time.perf_counter() - start) / CASES * 1e6)
    return statistics.median(times)


def print_costs(rounds: int) -> None:
    """Print what a judgement costs."""
    print(f"{'judging one exchange':44} {'µs':>8}  budget {BUDGET_US:.0f} µs")
    for cost in costs():
        took = measured(cost, rounds)
        held = "" if not cost.budgeted else "held" if took < BUDGET_US else "BROKEN"
        print(f"{cost.name:44} {took:8.1f}  {held}")


def print_learning() -> None:
    """Print what it costs to read 20,000 cells anew, and to take 20,000 rows."""
    profile = Profile(Policy(cells=20_000))
    judge = Judge(Settings(shadow_url="http://127.0.0.1:1"), profile)
    for route in range(400):
        found = Comparison("different", tuple(changed(n) for n in range(50)))
        one = case(found, found)
        judge.judge(_at(one, f"GET /{route}"))
    rows, took = _timed(profile.take)
    groups = [
        Group(one.key.fingerprint, one.key, one.count, one.first_at, one.last_at)
        for one in rows.sightings
    ]
    known = Known(rows.noise, rows.noise_bases, groups)
    learned, digested = _timed(lambda: profile.digest(known, TODAY))
    _, adopted = _timed(lambda: profile.adopt(learned, TODAY))
    _, ruled = _timed(lambda: rulings(known, today=TODAY))
    print(f"\n{len(rows.noise):,} cells, each once")
    print(f"{'take (once a flush, only what changed)':44} {took:8.1f} ms")
    print(f"{'digest (any thread, every 30 s)':44} {digested:8.1f} ms")
    print(f"{'adopt (the agent loop, every 30 s)':44} {adopted:8.1f} ms")
    print(f"{'rulings (a report)':44} {ruled:8.1f} ms")


def _at(one: Case, route: str) -> Case:
    return Case(
        target=one.target,
        route=route,
        status=one.status,
        at=one.at,
        found=one.found,
        control=one.control,
    )


def _timed(call: Callable[[], Result]) -> tuple[Result, float]:
    start = time.perf_counter()
    result = call()
    return result, (time.perf_counter() - start) * 1e3


# --- how often it is wrong ---------------------------------------------------------------

GOAL, TRUE_RATE = 0.99, 0.9899
REQUESTS = 10_000
SEED = 1_970
BOUNDS: dict[str, Callable[[int, int, float], Interval]] = {
    "confidence sequence": confidence_sequence,
    "Wilson": wilson,
    "Clopper-Pearson": clopper_pearson,
}


def print_errors(runs: int, every: int) -> None:
    """Print how many runs were ever called "promote", wrongly, by each bound."""
    chance = random.Random(SEED)
    wrong = dict.fromkeys(BOUNDS, 0)
    reach = {name: least_that_promotes(bound, every) for name, bound in BOUNDS.items()}
    for _ in range(runs):
        counts = looks(chance, every)
        for name, least in reach.items():
            wrong[name] += any(k >= m for k, m in zip(counts, least, strict=True))
    print(
        f"\n{runs:,} runs of {REQUESTS:,} requests at a true rate of {TRUE_RATE:.2%}, "
        f"{GOAL:.0%} asked, looked at every {every}"
    )
    for name, number in wrong.items():
        print(f'{name:44} {number / runs:8.2%}  wrong "promote" at 95 %')


def looks(chance: random.Random, every: int) -> list[int]:
    """Return how many agree at each look. Failures are rare, so they are drawn by gaps."""
    failures, at = [0] * (REQUESTS // every), 0
    rate = -1.0 / math.log(TRUE_RATE)
    while True:
        at += 1 + int(chance.expovariate(1.0) * rate)
        if at > (REQUESTS // every) * every:
            break
        failures[(at - 1) // every] += 1
    agrees, counts = 0, []
    for number in failures:
        agrees += every - number
        counts.append(agrees)
    return counts


def least_that_promotes(
    bound: Callable[[int, int, float], Interval], every: int
) -> list[int]:
    """Return for each look how many have to agree for a promotion."""
    return [
        next(
            (k for k in range(int(n * GOAL), n + 1) if bound(k, n, 0.95).low >= GOAL),
            n + 1,
        )
        for n in range(every, REQUESTS + 1, every)
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--look-every", type=int, default=100)
    asked = parser.parse_args()
    print_costs(asked.rounds)
    print_learning()
    print_errors(asked.runs, asked.look_every)


if __name__ == "__main__":
    main()
