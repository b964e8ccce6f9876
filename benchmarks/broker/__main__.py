"""
Runs the measurements of the broker's path and prints their tables.

    python -m benchmarks.broker order [--records 200000] [--keys 1000] [--workers 8]
    python -m benchmarks.broker speed [--count 30000] [--rounds 3]
"""

from __future__ import annotations

import argparse

import msgspec

from benchmarks.broker import order, speed


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["order", "speed"])
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--keys", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--count", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if asked.what == "order":
        found = order.run(asked.records, asked.keys, asked.workers)
        print("| what | number |\n|---|---:|")
        for name, value in msgspec.to_builtins(found).items():
            print(f"| {name.replace('_', ' ')} | {value:,} |")
        return
    cost = speed.run(asked.count, asked.rounds)
    print(
        "| role | CPU µs an exchange | exchanges a second and core |\n|---|---:|---:|"
    )
    for name, value in msgspec.to_builtins(cost).items():
        print(f"| {name} | {value:,.0f} | {1e6 / value:,.0f} |")
    both = cost.publisher + cost.worker
    print(f"\npublisher and worker cost {both / cost.agent:.2f} times the agent alone")


if __name__ == "__main__":
    main()
