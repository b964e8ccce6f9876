"""
Two texts beside each other: what differs stands out, what is the same is folded.

Faces only draw it. The work is bounded by lines, characters and edits, so a body that
was made to be slow costs no more than a long one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise, zip_longest
from typing import Literal

import msgspec

from shadow_middleware.evidence import DivergenceRecord
from shadow_middleware.exchange import Part
from shadow_middleware.report.alignment import aligned
from shadow_middleware.report.layout import MOST_LINES, Laid, bodies, headers

__all__ = ["Block", "Diff", "Line", "Piece", "Row", "diff_of", "sections"]

_AROUND = 3
"""Equal lines that stay in sight around a difference."""
_TOKENS = 600
"""Words of a line that are told apart; of longer ones the middle is marked whole."""
_WORD_EDITS = 60
_TOKEN = re.compile(r"[^\W_]+|\s+|.", re.DOTALL)
_HEAD = re.compile(r'\s*(?:"(?:[^"\\]|\\.)*"|[\w-]+)(?=: )')


class Piece(msgspec.Struct, frozen=True):
    """A part of a line."""

    text: str
    differs: bool = False


class Line(msgspec.Struct, frozen=True):
    """A line of one side."""

    number: int
    """From 1 on."""
    pieces: tuple[Piece, ...]


class Row(msgspec.Struct, frozen=True):
    """What stands in one row: the lines of both sides, or that of one."""

    live: Line | None
    shadow: Line | None
    same: bool


class Block(msgspec.Struct, frozen=True):
    """Rows in a run."""

    rows: tuple[Row, ...]
    folded: bool
    """Whether it is far from any difference."""

    @property
    def unified(self) -> Iterator[tuple[Literal["", "-", "+"], Line]]:
        """The same, one below the other: of each change live's lines first."""
        for same, run in groupby(self.rows, key=lambda row: row.same):
            rows = list(run)
            if same:
                yield from (("", row.shadow) for row in rows if row.shadow)
                continue
            yield from (("-", row.live) for row in rows if row.live)
            yield from (("+", row.shadow) for row in rows if row.shadow)


class Diff(msgspec.Struct, frozen=True):
    """One part of two answers, compared for the eye."""

    title: str
    blocks: tuple[Block, ...]
    note: str = ""
    """What a reader should know of it; '' mostly."""
    compared: bool = True
    """Whether a difference was found in this part, and not only other bytes."""

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return any(not row.same for block in self.blocks for row in block.rows)


def sections(record: DivergenceRecord) -> tuple[Diff, Diff, Diff]:
    """Return status, headers and bodies of a stored divergence, beside each other."""
    found = {one.part for one in record.differences}
    statuses = Laid(_status(record.live_status), _status(record.shadow_status))
    fields = headers(record.live_headers, record.shadow_headers)
    texts = bodies(record.live_body, record.shadow_body)
    return (
        diff_of("Status", statuses),
        diff_of("Headers", fields, compared=Part.HEADER in found),
        diff_of("Body", texts, compared=Part.BODY in found or not found),
    )


def _status(status: int | None) -> list[str]:
    return [] if status is None else [str(status)]


def diff_of(title: str, laid: Laid, *, compared: bool = True) -> Diff:
    """Return both sides row by row, in blocks."""
    live, shadow = _compared(laid.live, laid), _compared(laid.shadow, laid)
    pairs = aligned(live, shadow)
    note = _note(laid)
    if pairs is None:
        pairs = []
        note = "The two are too unlike to tell which lines belong together." + note
    rows = tuple(_rows(laid, pairs))
    return Diff(title, tuple(_blocks(rows)), note, compared)


def _compared(lines: Sequence[str], laid: Laid) -> list[str]:
    return [line.removesuffix(",") for line in lines] if laid.is_json else list(lines)


def _note(laid: Laid) -> str:
    longest = max(len(laid.live), len(laid.shadow))
    return f"Only the first {MOST_LINES:,} lines." if longest >= MOST_LINES else ""


# --- rows -----------------------------------------------------------------------------


def _rows(laid: Laid, pairs: Sequence[tuple[int, int]]) -> Iterator[Row]:
    ends = (len(laid.live), len(laid.shadow))
    for (x, y), (next_x, next_y) in pairwise([(-1, -1), *pairs, ends]):
        if x >= 0:
            yield Row(_line(x, laid.live[x]), _line(y, laid.shadow[y]), same=True)
        yield from _changed(laid, range(x + 1, next_x), range(y + 1, next_y))


def _line(at: int, text: str) -> Line:
    return Line(at + 1, (Piece(text),))


def _changed(laid: Laid, live: range, shadow: range) -> Iterator[Row]:
    """Return what changed between two equal lines, each beside what it became."""
    for x, y in _beside(laid, live, shadow):
        if x is None or y is None:
            one = None if x is None else _whole(x, laid.live[x])
            other = None if y is None else _whole(y, laid.shadow[y])
            yield Row(one, other, same=False)
            continue
        left, right = _pieces(laid.live[x], laid.shadow[y], laid.is_json)
        yield Row(Line(x + 1, left), Line(y + 1, right), same=False)


def _whole(at: int, text: str) -> Line:
    return Line(at + 1, (Piece(text, differs=True),))


def _beside(
    laid: Laid, live: range, shadow: range
) -> Iterator[tuple[int | None, int | None]]:
    """Return which lines stand beside each other: those that begin with one name."""
    heads = [_head(laid.live[x]) for x in live], [_head(laid.shadow[y]) for y in shadow]
    named = [
        (live[x], shadow[y])
        for x, y in aligned(*heads) or ()
        if heads[0][x] is not None
    ]
    ends = (live.stop, shadow.stop)
    for (x, y), (next_x, next_y) in pairwise(
        [(live.start - 1, shadow.start - 1), *named, ends]
    ):
        if x >= live.start:
            yield x, y
        yield from _unnamed(laid, range(x + 1, next_x), range(y + 1, next_y))


def _unnamed(
    laid: Laid, live: range, shadow: range
) -> Iterator[tuple[int | None, int | None]]:
    """Pair lines without a name by their order; what has one is alone by now."""
    some = [x for x in live if _head(laid.live[x]) is None]
    others = [y for y in shadow if _head(laid.shadow[y]) is None]
    if len(some) == len(live) and len(others) == len(shadow):
        yield from zip_longest(live, shadow)
        return
    yield from ((x, None) for x in live)
    yield from ((None, y) for y in shadow)


def _head(line: str) -> str | None:
    """Return the name that a line begins with, of a member or a header."""
    found = _HEAD.match(line)
    return found and found.group()


# --- within a line --------------------------------------------------------------------


def _pieces(
    live: str, shadow: str, is_json: bool
) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Return both lines with the words marked that differ."""
    ends = [","] if is_json and live.endswith(",") else []
    other_ends = [","] if is_json and shadow.endswith(",") else []
    one = _TOKEN.findall(live[: len(live) - len(ends)])
    other = _TOKEN.findall(shadow[: len(shadow) - len(other_ends)])
    pairs = _word_pairs(one, other)
    if is_json:
        pairs = _on_both(one, other, pairs)
    same, others_same = {x for x, _ in pairs}, {y for _, y in pairs}
    return (
        (*_joined(one, same), *map(Piece, ends)),
        (*_joined(other, others_same), *map(Piece, other_ends)),
    )


def _on_both(
    live: Sequence[str], shadow: Sequence[str], pairs: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return the pairs without the word after what only one side has: `1` and `"1"`."""
    if min(len(live), len(shadow)) > len(pairs):
        return pairs
    gap = next((at for at, (x, y) in enumerate(pairs) if x != y), len(pairs))
    return [pair for at, pair in enumerate(pairs) if at != gap]


def _word_pairs(live: Sequence[str], shadow: Sequence[str]) -> list[tuple[int, int]]:
    """Return the words that are the same; only both ends where the middle is unlike."""
    short = len(live) <= _TOKENS and len(shadow) <= _TOKENS
    pairs = aligned(live, shadow, _WORD_EDITS if short else 0)
    words = sum(live[x].isalnum() for x, _ in pairs or ())
    of = max(sum(map(str.isalnum, live)), sum(map(str.isalnum, shadow)))
    if pairs and 2 * words >= of:
        return pairs
    return _ends(live, shadow)


def _ends(live: Sequence[str], shadow: Sequence[str]) -> list[tuple[int, int]]:
    """Return what both begin and end with."""
    least = min(len(live), len(shadow))
    head = next((at for at in range(least) if live[at] != shadow[at]), least)
    rest = range(1, least - head + 1)
    tail = next((at - 1 for at in rest if live[-at] != shadow[-at]), least - head)
    return [
        *((at, at) for at in range(head)),
        *((len(live) - at, len(shadow) - at) for at in range(tail, 0, -1)),
    ]


def _joined(tokens: Sequence[str], same: set[int]) -> Iterator[Piece]:
    for differs, run in groupby(
        enumerate(tokens), key=lambda item: item[0] not in same
    ):
        yield Piece("".join(token for _, token in run), differs)


# --- blocks ---------------------------------------------------------------------------


def _blocks(rows: Sequence[Row]) -> Iterator[Block]:
    """Return the rows in blocks; what is far from any difference is folded."""
    near = _near(rows)
    for folded, run in groupby(enumerate(rows), key=lambda item: not near[item[0]]):
        block = tuple(row for _, row in run)
        # A fold of one or two lines takes as much room as they do.
        yield Block(block, folded and len(block) > 2)


def _near(rows: Sequence[Row]) -> list[bool]:
    near = [not row.same for row in rows]
    for order in (range(len(rows)), range(len(rows) - 1, -1, -1)):
        last = -_AROUND * len(rows) - _AROUND
        for at in order:
            if not rows[at].same:
                last = at
            near[at] = near[at] or abs(at - last) <= _AROUND
    return near
