"""No input takes more than its budget, and a cut divergence is a divergence. W43"""

from __future__ import annotations

import itertools
import json
import threading
import time
from typing import Any

import pytest

from shadow_middleware.compare import Comparer
from shadow_middleware.settings import Rule, Settings
from tests.compare.making import answer, body, compare, compare_json, exchange

SIZE = 300_000
JSON = "application/json"


def filled(item: bytes) -> bytes:
    """A list of this item, as large as the test wants."""
    return b"[" + b",".join([item] * (SIZE // (len(item) + 1))) + b"]"


def members(count: int, by: int) -> bytes:
    """A wide object."""
    return json.dumps({f"k{n}": n + by for n in range(count)}).encode()


HOSTILE = {
    "empty lists": (JSON, filled(b"[]"), filled(b"[]")[:-1] + b",1]"),
    "nests": (JSON, filled(b"[[[[1]]]]"), filled(b"[[[[2]]]]")),
    "deep": (JSON, b"[" * SIZE, b"[" * (SIZE - 1)),
    "deep and long": (
        JSON,
        b'{"a":' * 190 + filled(b"1") + b"}" * 190,
        b'{"a":' * 190 + filled(b"1")[:-3] + b",true]" + b"}" * 190,
    ),
    "wide": (JSON, members(20_000, 0), members(20_000, 1)),
    "extreme floats": (
        JSON,
        filled(b"1.7976931348623157e308"),
        filled(b"1.7976931348623157e308")[:-1] + b",1]",
    ),
    "huge integers": (JSON, filled(b"7" * 4_200), filled(b"7" * 4_199 + b"8")),
    "one huge integer": (JSON, b"7" * SIZE, b"7" * (SIZE - 1) + b"8"),
    "NaN": (JSON, filled(b"NaN"), filled(b"Infinity")),
    "repeated members": (
        JSON,
        b"{" + b",".join([b'"a":1'] * 40_000) + b"}",
        b"{" + b",".join([b'"a":1'] * 40_001) + b"}",
    ),
    "1 and true": (JSON, filled(b"1"), filled(b"1").replace(b"1", b"true")),
    "numbers reversed": (
        JSON,
        json.dumps([*range(40_000)]).encode(),
        json.dumps([*range(40_000)][::-1]).encode(),
    ),
    "repetitive lines": ("text/plain", b"a\nb\n" * 9_000, b"b\na\nc\n" * 6_000),
    "too many numbers to align": (
        JSON,
        json.dumps([*range(40_000), 1]).encode(),
        json.dumps([*range(40_000)][::-1]).encode(),
    ),
    "large": (JSON, b'"' + b"a" * 6_000_000 + b'"', b'"' + b"a" * 6_000_001 + b'"'),
    "short lines": ("text/plain", b"\n" * SIZE, b"\n" * SIZE + b"a"),
    "fields": (
        "application/x-www-form-urlencoded",
        b"a=1&" * 60_000,
        b"a=1&" * 60_001,
    ),
    "bad lines": ("application/x-ndjson", b"NaN\n" * 60_000, b"NaN\n" * 60_001),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_input_takes_more_than_its_budget(name: str) -> None:
    """W43: with room for a busy machine; unbounded, these take up to minutes."""
    kind, live, shadow = HOSTILE[name]
    started = time.process_time()
    comparison = compare(
        answer(live, kind=kind), answer(shadow, kind=kind), clock=time.thread_time
    )

    assert "different" == comparison.result
    assert time.process_time() - started < 3


def test_a_comparison_ends_when_its_time_is_used_up() -> None:
    """The divergence stays one, and is marked as cut."""
    ticks = itertools.count()
    live, shadow = ([{"a": [n]} for n in range(100)] for n in (1, 2))
    comparison = compare_json(live, [{"a": [0]}] * 100)
    hurried = compare(
        answer(json.dumps(live).encode(), kind=JSON),
        answer(json.dumps([[0]] * 100).encode(), kind=JSON),
        Settings(compare_budget=2.0),
        clock=lambda: float(next(ticks)),
    )

    assert len(shadow) == 100
    assert "different" == comparison.result
    assert ("different", True) == (hurried.result, hurried.cut)
    assert "compare_budget" in hurried.differences[-1].note
    assert "raise compare_budget" in hurried.hint


def test_to_wait_for_a_processor_uses_nothing_up() -> None:
    """Else an agent that live keeps waiting would cut what it has ample time for."""
    values = [[*range(3_000)], [*range(1, 3_001)]]
    live, shadow = (answer(json.dumps(one).encode(), kind=JSON) for one in values)
    pair = exchange(live), shadow
    began = time.thread_time()
    alone = Comparer(Settings(compare_budget=60.0)).compare(pair[0], "shadow", pair[1])
    takes = time.thread_time() - began
    over = threading.Event()
    others = [threading.Thread(target=_spin, args=(over,)) for _ in range(6)]

    for one in others:
        one.start()
    began = time.monotonic()
    beside = Comparer(Settings(compare_budget=3 * takes)).compare(
        pair[0], "shadow", pair[1]
    )
    waited = time.monotonic() - began
    over.set()
    for one in others:
        one.join()

    assert waited > 3 * takes
    assert alone == beside


def _spin(over: threading.Event) -> None:
    while not over.is_set():
        pass


def test_of_one_sort_no_more_are_described_than_asked_for() -> None:
    """Everything was compared, so nothing was cut; the first says how many more."""
    live, shadow = ([n * 10 + 5_000 + by for n in range(100)] for by in (0, 1))
    pair = [[n] for n in live], [[n] for n in shadow]
    comparison = compare_json(*pair, max_differences=7)
    all_told = compare_json(*pair, max_differences=100)

    assert (7, False) == (len(comparison.differences), comparison.cut)
    assert comparison.differences[0].note.endswith("and 93 more like it")
    assert (100, False) == (len(all_told.differences), all_told.cut)


def test_sorts_beyond_twice_the_limit_are_cut() -> None:
    """The first of each further sort is told, up to as many again."""
    live, shadow = (
        {chr(97 + n): [n * 1000, by] for n in range(20)} for by in (1000, 1001)
    )
    comparison = compare_json(live, shadow, max_differences=7)
    all_told = compare_json(live, shadow, max_differences=10)

    assert (14, True) == (len(comparison.differences), comparison.cut)
    assert (20, False) == (len(all_told.differences), all_told.cut)


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        (5_000, Rule(action="tolerate", path="", unordered=True)),
        (5_000, Rule(action="tolerate", path="", keyed_by="id")),
    ],
)
def test_a_shuffled_list_shows_only_the_rows_that_changed(rows: Any, rule: Any) -> None:
    """5,000 rows in another order with 500 differences are 500 differences."""
    live = [{"id": n, "v": n} for n in range(rows)]
    shadow = [{**row, "v": -1} if row["id"] % 10 == 5 else row for row in live][::-1]
    comparison = compare_json(live, shadow, rules=(rule,), max_differences=1_000)

    assert rows // 10 == len(comparison.differences)
    assert {"changed"} == {str(d.kind) for d in comparison.differences}


def test_few_rows_without_a_name_are_paired_by_likeness() -> None:
    """DeepDiff finds the partners; our walk tells what changed, 1 and true apart."""
    live = [{"x": "aaaa", "y": "bbbb", "z": [1]}, {"x": "cc", "y": "dd", "z": [1]}]
    shadow = [{"x": "cc", "y": "dd", "z": [2]}, {"x": "aaaa", "y": "bbbb", "z": [True]}]
    rules = (Rule(action="tolerate", path="", unordered=True),)
    comparison = compare_json(live, shadow, rules=rules)

    assert {"/0/z/0", "/1/z/0"} == {d.path for d in comparison.differences}


@pytest.mark.parametrize(
    ("live", "shadow", "cheap"),
    [
        (answer(b"a" * 1_000), answer(b"b" * 1_000), True),
        (answer(b"a" * 9_000_000), answer(b"a" * 9_000_000), True),
        (answer(b"a" * 20_000), answer(b"b" * 20_000), False),
        (answer(body(b"a" * 20_000, 10)), answer(body(b"a" * 20_000, 10)), False),
        (
            answer(b"a", headers=((b"Content-Encoding", b"br"),)),
            answer(b"b"),
            False,
        ),
        (None, answer(b"b"), True),
    ],
)
def test_only_what_is_surely_quick_counts_as_cheap(
    live: Any, shadow: Any, cheap: bool
) -> None:
    """The event loop is spared everything that may take long."""
    assert cheap == Comparer(Settings()).is_cheap(exchange(live), shadow)
