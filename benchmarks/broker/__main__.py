"""
What publishing and replaying through a broker costs, and whether order holds.

    python -m benchmarks.broker       both
    python -m benchmarks.broker order [--records 200000] [--keys 1000] [--workers 8]
    python -m benchmarks.broker speed [--count 30000] [--rounds 3]
"""

from __future__ import annotations

import argparse

import msgspec

from benchmarks.broker import order, speed


def main() -> None:
    """Run what was asked for, or both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["order", "speed"])
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--keys", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--count", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if asked.what in (None, "order"):
        print_order(asked.records, asked.keys, asked.workers)
    if asked.what is None:
        print()
    if asked.what in (None, "speed"):
        print_speed(asked.count, asked.rounds)


def print_order(records: int, keys: int, workers: int) -> None:
    """Print what came, and in which order."""
    found = order.run(records, keys, workers)
    print("| what | number |\n|---|---:|")
    for name, value in msgspec.to_builtins(found).items():
        print(f"| {name.replace('_', ' ')} | {value:,} |")


def print_speed(count: int, rounds: int) -> None:
    """Print what each role costs."""
    cost = speed.run(count, rounds)
    print(
        "| role | CPU µs an exchange | exchanges a second and core |\n|---|---:|---:|"
    )
    for name, value in msgspec.to_builtins(cost).items():
        print(f"| {name} | {value:,.0f} | {1e6 / value:,.0f} |")
    both = cost.publisher + cost.worker
    print(f"\npublisher and worker cost {both / cost.agent:.2f} times the agent alone")


if __name__ == "__main__":
    main()
