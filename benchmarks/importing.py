"""
How many lines a second an importer reads, and how many it makes ready to be written.

    python -m benchmarks.importing [--lines 100000]

The lines are those that real servers wrote for the tests, again and again. Times are of
the process's own CPU, as an import waits for nothing else.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from shadow_middleware.settings import load
from shadow_middleware.traffic.importers.cleaning import Cleaner, Credentials
from shadow_middleware.traffic.importers.formats import reader_of
from shadow_middleware.traffic.importers.options import Options
from shadow_middleware.traffic.ndjson import encode
from shadow_middleware.traffic.recorded import Recorded

FIXTURES = Path("tests/traffic/importers/fixtures")
SOURCES = {
    "combined": "nginx_combined.log",
    "nginx": "nginx_recommended.log",
    "apache": "apache_recommended.log",
    "haproxy": "haproxy.log",
    "tshark": "packets.ek",
}
PIECE = 64 * 1024


def main() -> None:
    """Print a line for each format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    lines = parser.parse_args().lines
    print(f"{'format':<10} {'read/s':>9} {'MB/s':>7} {'read, masked, encoded/s':>24}")
    for form, name in SOURCES.items():
        print(measured(form, name, lines))


def measured(form: str, name: str, lines: int) -> str:
    """Return the rates of one format."""
    some = (FIXTURES / name).read_bytes().splitlines(keepends=True)[:6]
    data = b"".join(some) * max(1, lines // len(some))
    read_in, found = timed(read(form, data))
    cleaner = Cleaner(
        load({}, environ={}, require_target=False), Credentials.DROP, bytes(32)
    )
    part = b"".join(some) * max(1, lines // len(some) // 10)
    ready_in, ready = timed(encode(cleaner(each)) for each in read(form, part))
    size = len(data) / read_in / 1e6
    return (
        f"{form:<10} {found / read_in:>9,.0f} {size:>7.1f} {ready / ready_in:>24,.0f}"
    )


def read(form: str, data: bytes) -> Iterator[Recorded]:
    """Return the exchanges in the data, which comes in pieces as from a disk."""
    options = Options(source="log")
    pieces = (data[at : at + PIECE] for at in range(0, len(data), PIECE))
    found = reader_of(form, options)(pieces, options)
    return (each for each in found if isinstance(each, Recorded))


def timed(each: Iterable[object]) -> tuple[float, int]:
    """Return the seconds of CPU that it takes to go through all, and how many."""
    begun = time.process_time()
    count = sum(1 for _ in each)
    return time.process_time() - begun, count


if __name__ == "__main__":
    main()
