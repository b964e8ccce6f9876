"""Two answers side by side: what differs is marked, the same is folded, hostile is cheap."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.report.alignment import aligned
from shadow_middleware.report.diff import Diff, Line, diff_of, sections
from shadow_middleware.report.layout import MOST_LINES, bodies, headers
from tests.report.records import record

SHORT = st.text("ab\n", max_size=14)
SIZE = 16 * 1024
HOSTILE = {
    "brackets": "[" * SIZE,
    "braces": '{"a":' * 3_000,
    "empty lines": "\n" * SIZE,
    "alternating": "a\nb\n" * 4_096,
    "one long line": "a " * (SIZE // 2),
    "quotes": '"' * SIZE,
    "backslashes": "\\" * SIZE,
    "one name": '"a": 1\n' * 2_300,
    "twins": "{" + ",".join('"a":1' for _ in range(2_500)) + "}",
    "numbers": "[" + "1," * 8_000 + "1]",
    "surrogates": "\ud800\n" * 4_000,
}


def shown(line: Line | None) -> str:
    """Return a line with what differs between « and »."""
    if line is None:
        return ""
    return "".join(f"«{p.text}»" if p.differs else p.text for p in line.pieces)


def changes(diff: Diff) -> list[tuple[str, str]]:
    """Return both sides of the rows that differ."""
    rows = [row for block in diff.blocks for row in block.rows if not row.same]
    return [(shown(row.live).strip(), shown(row.shadow).strip()) for row in rows]


def of_bodies(live: str, shadow: str) -> Diff:
    """Return the difference of two bodies."""
    return diff_of("Body", bodies(live, shadow))


@given(SHORT, SHORT)
def test_the_alignment_is_a_longest_one(live: str, shadow: str) -> None:
    """No way has more in common, and what it pairs is the same and in order."""
    pairs = aligned(live, shadow)

    assert pairs is not None
    assert all(live[x] == shadow[y] for x, y in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(pairs))
    table = [[0] * (len(shadow) + 1) for _ in range(len(live) + 1)]
    for x, y in itertools.product(range(len(live)), range(len(shadow))):
        same = table[x][y] + 1 if live[x] == shadow[y] else 0
        table[x + 1][y + 1] = max(same, table[x][y + 1], table[x + 1][y])
    assert table[-1][-1] == len(pairs)


def test_beyond_the_edits_nothing_is_aligned() -> None:
    """A bound on the work, not a guess."""
    assert aligned("aaaa", "bbbb", most=7) is None
    assert [] == aligned("aaaa", "bbbb", most=8)


def test_the_word_that_differs_is_marked_and_no_other() -> None:
    """A member that changed stands beside what it became."""
    found = of_bodies(
        '{"id": 1, "name": "Ada Lovelace"}', '{"id": 1, "name": "Ada King"}'
    )

    assert [('"name": "Ada «Lovelace»",', '"name": "Ada «King»"')] == [
        (a + ",", b) for a, b in changes(found)
    ]


def test_the_order_of_members_and_commas_say_nothing() -> None:
    """The shadow's members stand as live's do; the last one has no comma."""
    found = of_bodies(
        '{"a": 1, "b": [2, {"c": 3, "d": 4}]}', '{"b": [2, {"d": 4, "c": 3}], "a": 1}'
    )

    assert not found.differs


def test_numbers_and_twins_are_shown_as_they_were_sent() -> None:
    """`1.0` is not `1.00`, and a member that is there twice is there twice."""
    found = of_bodies('{"n": 1.00, "a": 1}', '{"n": 1.0, "a": 1, "a": 2}')

    assert [('"n": 1.«00»,', '"n": 1.«0»,'), ("", '«  "a": 2»')] == changes(found)


def test_a_number_that_became_text_is_marked_on_both_sides() -> None:
    """Not the quotes alone."""
    found = of_bodies('{"n": 1}', '{"n": "1"}')

    assert [('"n": «1»', '"n": «"1"»')] == changes(found)


def test_other_bytes_where_nothing_was_found_are_told_apart() -> None:
    """A date in the headers is no finding, and must not look like one."""
    stored = record("a-1", shadow_headers=[("Date", "now")])

    assert [True, False, True] == [part.compared for part in sections(stored)]


def test_a_member_that_is_gone_stands_alone() -> None:
    """What comes after it is not shifted against it."""
    found = of_bodies('{"a": 1, "b": 2, "c": 3}', '{"a": 1, "c": 4}')

    assert [('«  "b": 2,»', ""), ('"c": «3»', '"c": «4»')] == changes(found)


def test_what_is_far_from_a_difference_is_folded() -> None:
    """Three equal lines around it stay in sight."""
    live = "\n".join(f"line {n}" for n in range(30))
    found = of_bodies(live, live.replace("line 15", "line x"))

    assert [(True, 12), (False, 7), (True, 11)] == [
        (block.folded, len(block.rows)) for block in found.blocks
    ]


def test_unified_has_lives_lines_before_the_shadows() -> None:
    """As `diff -u` has them."""
    found = of_bodies("same\nold one\nold two\nend", "same\nnew one\nnew two\nend")

    lines = [(mark, shown(line)) for b in found.blocks for mark, line in b.unified]
    assert [
        ("", "same"),
        ("-", "«old» one"),
        ("-", "«old» two"),
        ("+", "«new» one"),
        ("+", "«new» two"),
        ("", "end"),
    ] == lines


def test_headers_stand_by_name() -> None:
    """The value that changed is beside its own, whatever else came or went."""
    found = diff_of(
        "Headers",
        headers([("B", "1"), ("A", "x")], [("c", "3"), ("a", "x"), ("b", "2")]),
    )

    assert [("b: «1»", "b: «2»"), ("", "«c: 3»")] == changes(found)


def test_a_record_has_status_headers_and_body() -> None:
    """Where there was no answer, there is no status."""
    parts = sections(record("a-1", shadow_status=None, live_status=404))

    assert ["Status", "Headers", "Body"] == [part.title for part in parts]
    assert [("«404»", "")] == changes(parts[0])


def test_json_that_was_cut_is_laid_out_all_the_same() -> None:
    """A body at its cap is no document any more, and a person still has to read it."""
    found = of_bodies('{"a":1,"b":{"c":2,"d":"x', '{"a":1,"b":{"c":3,"d":"x')

    assert [('"c": «2»,', '"c": «3»,')] == changes(found)


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("other", ["alternating", "one name", "numbers"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_cheap_and_bounded(name: str, other: str) -> None:
    """Whatever was sent: seconds of a processor cannot be had for it."""
    began = time.process_time()
    found = of_bodies(HOSTILE[name], HOSTILE[other])
    rows = sum(len(block.rows) for block in found.blocks)

    assert time.process_time() - began < 4
    assert rows <= 2 * MOST_LINES


@given(st.text(max_size=200), st.text(max_size=200))
def test_nothing_is_lost_and_only_equal_texts_are_equal(live: str, shadow: str) -> None:
    """Every line of both is there; a difference that is there is shown."""
    laid = bodies(live, shadow)
    found = diff_of("Body", laid)
    rows = [row for block in found.blocks for row in block.rows]

    assert laid.live == [plain(row.live) for row in rows if row.live]
    assert laid.shadow == [plain(row.shadow) for row in rows if row.shadow]
    if not laid.is_json:
        assert found.differs == (laid.live != laid.shadow)


def plain(line: Line) -> str:
    """Return a line without its marks."""
    return "".join(piece.text for piece in line.pieces)
