"""
What a capture takes in a second: exchanges and bytes written, and read back.

    python -m benchmarks.capture [--exchanges 20000] [--rounds 3]

Both go the way they go in an agent and in a command: through `CaptureWriter`, with
secrets masked, and through `open_capture`, with every checksum looked at. The writer is
a thread of the agent, so what it spends the agent's core has less: all rates are by CPU
time, so they are of one core that does nothing else. `MB/s` are bytes of JSON before they are packed, `ratio` is how
many of them become one byte on disk. No two exchanges are alike, as no two are in life.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator

from shadow_middleware.exchange import Body, Exchange, Request, Response, Timing
from shadow_middleware.settings import Settings
from shadow_middleware.traffic.files import open_capture
from shadow_middleware.traffic.ndjson import encode
from shadow_middleware.traffic.recorded import Recorded
from shadow_middleware.traffic.writer import CaptureWriter

__all__ = ["main", "measured"]

_WORDS = ["tea", "pot", "cup", "kettle", "green", "black", "oolong", "leaf", "kyoto"]
_HEADERS = [
    (b"Host", b"shop.example"),
    (b"User-Agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101"),
    (b"Accept", b"application/json, text/html;q=0.9"),
    (b"Accept-Encoding", b"gzip, deflate, br"),
    (b"Accept-Language", b"en-GB,en;q=0.7"),
]

Made = Callable[[random.Random], tuple[bytes, bytes]]
"""Returns a body and its type."""


def rows(number: int) -> Made:
    """Return what makes JSON of so many rows."""

    def made(chance: random.Random) -> tuple[bytes, bytes]:
        listed = [
            {
                "id": chance.randrange(10**6),
                "name": " ".join(chance.choices(_WORDS, k=3)),
                "price": chance.randrange(10_000) / 100,
                "url": f"https://shop.example/items/{chance.randrange(10**6)}",
                "sold": chance.random() < 0.5,
            }
            for _ in range(number)
        ]
        return json.dumps(listed).encode(), b"application/json"

    return made


def page(chance: random.Random) -> tuple[bytes, bytes]:
    """Return a page of 4 KiB with a form in it."""
    words = " ".join(chance.choices(_WORDS, k=600))
    token = chance.randbytes(16).hex()
    field = f'<input type="hidden" name="csrf_token" value="{token}">'
    text = f"<html><body><form>{field}</form><p>{words}</p></body></html>"
    return text.encode(), b"text/html"


def image(chance: random.Random) -> tuple[bytes, bytes]:
    """Return 16 KiB that nothing packs any smaller."""
    return chance.randbytes(16 * 1024), b"image/png"


BODIES: dict[str, Made] = {
    "JSON, 1 row": rows(1),
    "JSON, 10 rows": rows(10),
    "JSON, 100 rows": rows(100),
    "HTML, 4 KiB": page,
    "image, 16 KiB": image,
}


def exchanges(made: Made, count: int) -> list[Exchange]:
    """Return exchanges whose answers have such bodies."""
    chance = random.Random(11)
    return [_exchange(number, *made(chance)) for number in range(count)]


def _exchange(number: int, body: bytes, kind: bytes) -> Exchange:
    began = number * 1_000_000
    head = [(b"Content-Type", kind), (b"Content-Length", b"%d" % len(body))]
    return Exchange(
        f"00c357fa69f8056b-{number:x}",
        1.7e9 + number / 1000,
        Request("GET", b"/items/%d" % number, b"page=%d" % (number % 9), _HEADERS),
        Response(200, head, Body(body, len(body))),
        Timing(began, began + 800_000, began + 900_000),
        "/items/{id}",
        key=f"user-{number % 50}",
    )


def measured(name: str, count: int) -> dict[str, float]:
    """Return exchanges and megabytes a second, and the ratio, of one round."""
    made = exchanges(BODIES[name], count)
    text = sum(len(encode(Recorded(one))) for one in made)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(capture_to=folder, queue_count=count, queue_bytes=1 << 40)
        writer = CaptureWriter(settings)
        begun = time.process_time()
        for one in made:
            writer.add(one, 1000)
        tally = writer.close(600.0)
        wrote = time.process_time() - begun
        assert tally.written == count, tally
        begun = time.process_time()
        assert count == sum(isinstance(one, Recorded) for one in open_capture(folder))
        read = time.process_time() - begun
    return {
        "write": count / wrote,
        "MB/s": text / wrote / 1e6,
        "ratio": text / tally.bytes,
        "read": count / read,
    }


def _table(rounds: int, count: int) -> Iterator[str]:
    yield "| body | write/s | MB/s | ratio | read/s |"
    yield "|---|--:|--:|--:|--:|"
    for name in BODIES:
        found = [measured(name, count) for _ in range(rounds)]
        write, size, ratio, read = (
            statistics.median(one[what] for one in found)
            for what in ("write", "MB/s", "ratio", "read")
        )
        yield f"| {name} | {write:,.0f} | {size:.1f} | {ratio:.1f} | {read:,.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    for line in _table(given.rounds, given.exchanges):
        print(line, flush=True)


if __name__ == "__main__":
    main()
