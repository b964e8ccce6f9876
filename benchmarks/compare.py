"""
What one comparison costs, beside parsing alone and beside DeepDiff alone.

    python -m benchmarks.compare [--rounds 7] [--skip-deepdiff]

First ordinary pairs, each against its budget; then hostile ones, none of which may
take much longer than `compare_budget` or hold the interpreter for over 50 ms: a
thread that should wake every millisecond tells how long it had to wait.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from shadow_middleware.compare import Comparer, Comparison
from shadow_middleware.exchange import Body, Exchange, Request, Response, Timing
from shadow_middleware.settings import Rule, Settings

MIB = 1024 * 1024
HEADERS = [
    (b"content-type", b"application/json"),
    (b"date", b"Sat, 21 Nov 2026 07:46:15 GMT"),
    (b"server", b"uvicorn"),
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
    (b"vary", b"Accept"),
    (b"etag", b'"5f3a"'),
    (b"content-length", b"1024"),
]
LATER = [(n, b"a second later" if n == b"date" else value) for n, value in HEADERS]


class Case(NamedTuple):
    """One pair of bodies, and what comparing them may cost."""

    name: str
    live: bytes
    shadow: bytes
    budget_us: float = 0.0
    rules: tuple[Rule, ...] = ()
    headers: list[tuple[bytes, bytes]] = LATER
    deepdiff: bool = True


def row(number: int) -> dict[str, Any]:
    """A row as an API would list it, about 120 bytes."""
    return {
        "id": number,
        "name": f"name {number}",
        "price": round(number * 1.1, 2),
        "tags": ["a", "b"],
        "active": True,
        "nested": {"x": number, "y": None},
    }


def rows(size: int) -> list[dict[str, Any]]:
    """Rows that make a body of about `size` bytes."""
    return [row(number) for number in range(size // 119)]


def written(value: Any) -> bytes:
    """The value as JSON."""
    return json.dumps(value).encode()


def one_changed(size: int) -> tuple[bytes, bytes]:
    """A body, and the same with one value changed in the middle."""
    live, shadow = rows(size), rows(size)
    shadow[len(shadow) // 2]["price"] = -1
    return written(live), written(shadow)


def shuffled() -> tuple[bytes, bytes]:
    """5,000 rows, and the same in another order with 500 of them changed."""
    live, shadow = ([row(number) for number in range(5_000)] for _ in (1, 2))
    chosen = random.Random(1)
    for number in chosen.sample(range(5_000), 500):
        shadow[number]["price"] = -1
    chosen.shuffle(shadow)
    return written(live), written(shadow)


def ordinary() -> Iterator[Case]:
    """The pairs that budgets are stated for."""
    small = rows(1024)
    other_order = [dict(reversed(item.items())) for item in small]
    yield Case("1 KB, same bytes, same headers", *_twice(small), 3, (), HEADERS, False)
    yield Case("1 KB, same bytes, another Date", *_twice(small), 15, deepdiff=False)
    yield Case("1 KB, other key order", written(small), written(other_order), 60)
    yield Case("50 KB, one value changed", *one_changed(50_000), 1_000)
    ignore = (Rule(path="/*/nested/x"),)
    yield Case("50 KB, the same, a path ignored", *one_changed(50_000), 0, ignore)
    yield Case("1 MB, one value changed", *one_changed(1_000_000), 60_000)
    front = written([row(-1), *rows(1_000_000)])
    yield Case("1 MB, one row put in front", written(rows(1_000_000)), front, 60_000)
    unordered = (Rule(action="tolerate", path="", unordered=True),)
    keyed = (Rule(action="tolerate", path="", keyed_by="id"),)
    pair = shuffled()
    for name, rules in (("unordered", unordered), ("keyed", keyed), ("no rule", ())):
        title = f"5,000 rows shuffled, 500 differ, {name}"
        yield Case(title, *pair, 150_000, rules, deepdiff=False)


def _twice(value: Any) -> tuple[bytes, bytes]:
    # Not the same object, as no two responses are.
    return written(value), written(value)


def filled(item: bytes, size: int = MIB) -> bytes:
    """A list of nothing but this item."""
    return b"[" + b",".join([item] * (size // (len(item) + 1))) + b"]"


def hostile() -> Iterator[Case]:
    """Bodies made to hurt."""
    for name, one, other in (
        ("empty lists", b"[]", b"[ ]"),
        ("nests", b"[[[[1]]]]", b"[[[[2]]]]"),
        ("extreme floats", b"1.7976931348623157e308", b"1.7976931348623157e307"),
        ("integers of 4,200 digits", b"7" * 4_200, b"8" * 4_200),
        ("NaN", b"NaN", b"Infinity"),
        ("1 against 1.0", b"1", b"1.0"),
        ("1 against true", b"1", b"true"),
        ("escaped quotes", rb'"\u0022"', rb'"\""'),
    ):
        yield Case(name, filled(one), filled(other))
    yield Case("100,000 levels", b"[" * 100_000, b"[" * 99_999)
    deep, end = b'{"a":' * 190, b"}" * 190
    long, other = filled(b"1"), b"[true" + filled(b"1")[2:]
    yield Case("190 levels over a long list", deep + long + end, deep + other + end)
    wide, wider = (written({f"k{n}": n + by for n in range(70_000)}) for by in (0, 1))
    yield Case("70,000 members, all differ", wide, wider)
    often = b"{" + b",".join([b'"a":1'] * 100_000) + b"}"
    yield Case("one member 100,000 times", often, often[:-7] + b"}")
    numbers = list(range(150_000))
    yield Case("150,000 numbers reversed", written(numbers), written(numbers[::-1]))
    pattern = (Rule(path="/**", matches="(x+x+)+y|(a?){50}a{50}b"),)
    yield Case("pattern", filled(b'"%s"' % (b"a" * 900)), filled(b'"a"'), 0, pattern)
    globs = tuple(Rule(path=f"/**/a/**/b{n}*/**/c") for n in range(20))
    yield Case(
        "20 globs", filled(b'{"a":{"a":1}}'), filled(b'{"a":{"b1":1}}'), 0, globs
    )


def prepared(case: Case) -> Callable[[], Comparison]:
    """The comparison of a case, ready to run."""
    comparer = Comparer(Settings(rules=case.rules))
    request = Request("GET", b"/items")
    live = Response(200, HEADERS, Body(case.live, len(case.live)))
    exchange = Exchange("1-1", 0.0, request, live, Timing(0, 0, 0), "/items")
    shadow = Response(200, list(case.headers), Body(case.shadow, len(case.shadow)))
    return lambda: comparer.compare(exchange, "shadow", shadow)


def microseconds(run: Callable[[], object], rounds: int) -> float:
    """The median over rounds of the CPU time of one call."""
    started = time.perf_counter()
    run()
    calls = max(1, int(0.02 / (time.perf_counter() - started + 1e-9)))
    costs = []
    for _ in range(rounds):
        gc.collect()
        started = time.thread_time()
        for _ in range(calls):
            run()
        costs.append((time.thread_time() - started) / calls * 1e6)
    return statistics.median(costs)


def parse_alone(case: Case) -> Callable[[], object]:
    """Parsing both and `==`, which is wrong about 1 and true, as a floor."""
    import msgspec

    decode = msgspec.json.decode
    return lambda: decode(case.live) == decode(case.shadow)


def deepdiff_alone(case: Case, ignore_order: bool) -> float:
    """What DeepDiff takes for the same, once, in microseconds."""
    from deepdiff import DeepDiff

    live, shadow = json.loads(case.live), json.loads(case.shadow)
    started = time.thread_time()
    DeepDiff(live, shadow, ignore_order=ignore_order)
    return (time.thread_time() - started) * 1e6


class Waiting(threading.Thread):
    """Wakes every millisecond and keeps the longest wait."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.longest = 0.0
        self._ended = threading.Event()

    def run(self) -> None:
        last = time.perf_counter()
        while not self._ended.wait(0.001):
            now = time.perf_counter()
            self.longest = max(self.longest, now - last)
            last = now

    def end(self) -> float:
        """Stop, and return the longest wait in milliseconds."""
        self._ended.set()
        self.join()
        return self.longest * 1e3


def print_ordinary(rounds: int, skip_deepdiff: bool) -> None:
    """One line for each ordinary pair."""
    head = f"{'pair':44}{'ours us':>10}{'budget':>9}{'':5}{'parse,==':>10}{'x':>6}"
    print(f"{head}{'DeepDiff us':>13}{'x':>7}  result")
    for case in ordinary():
        run = prepared(case)
        ours = microseconds(run, rounds)
        result = run()
        floor = microseconds(parse_alone(case), rounds)
        verdict = (
            "" if not case.budget_us else "ok" if ours <= case.budget_us else "OVER"
        )
        line = f"{case.name:44}{ours:10.1f}{case.budget_us:9.0f} {verdict:4}"
        line += f"{floor:10.1f}{ours / floor:6.2f}"
        if case.deepdiff and not skip_deepdiff:
            theirs = deepdiff_alone(case, bool(case.rules) and case.rules[0].unordered)
            line += f"{theirs:13.0f}{theirs / ours:7.0f}"
        else:
            line += f"{'-':>13}{'':7}"
        print(f"{line}  {result.result}, {len(result.differences)} differences")


def print_hostile() -> None:
    """One line for each hostile pair: the time it took, the longest wait."""
    budget = Settings().compare_budget
    print(f"\n{'hostile pair, 1 MiB':44}{'ms':>8}{'wait ms':>9}  (budget {budget} s)")
    for case in hostile():
        run = prepared(case)
        waiting = Waiting()
        waiting.start()
        started = time.perf_counter()
        result = run()
        taken = (time.perf_counter() - started) * 1e3
        cut = ", cut" if result.cut else ""
        print(f"{case.name:44}{taken:8.1f}{waiting.end():9.1f}  {result.result}{cut}")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--skip-deepdiff", action="store_true")
    options = parser.parse_args()
    print_ordinary(options.rounds, options.skip_deepdiff)
    print_hostile()


if __name__ == "__main__":
    main()
