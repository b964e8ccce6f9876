"""
Where in two texts they differ, and what stands at each of these places.

So that what is noise in one place of a line hides no change in another. A place within
a page is named by what does not change: the tag, the attribute, the words before it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from shadow_middleware.compare.align import align
from shadow_middleware.compare.path_shape import key_shape

__all__ = ["Span", "label_of", "label_of_line", "name_before", "spans_of"]

MAX_SPANS = 24
"""Places beyond which two texts are simply other texts."""
MAX_TEXT = 256 * 1024
NEAR = 160
"""Characters around a place that may name it."""
MAX_LABEL = 48
MAX_WORDS = 3

TIME = (
    r"\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?"
    r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?)?(?![\w-])"
    r"|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})"
    r"|\d{8}T\d{6}(?:\.\d+)?Z?|\d\d:\d\d:\d\d(?:\.\d+)?"
)
UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
URL = r"https?://[^\s\"'<>]+"
QUOTED = r"(?<=\")[^\s\"<>]{8,}(?=\")|(?<=')[^\s'<>]{8,}(?=')"
JWT = r"eyJ[\w-]+\.[\w-]+\.[\w-]*"
WORDS = rf"{TIME}|{UUID}|{JWT}|\d+\.\d+|[\w-]{{16,}}={{0,2}}|\w+|."
OUTER = re.compile(f"{URL}|{QUOTED}|{WORDS}", re.DOTALL)
INNER = re.compile(WORDS, re.DOTALL)

TAG = re.compile(r"<([A-Za-z][\w:-]{0,23})")
ATTRIBUTE = re.compile(r"([A-Za-z][\w:-]{0,31})\s*=\s*[\"']?[^\"'<>=]*$")
OPENING = re.compile(r"<([A-Za-z][\w:-]{0,23})[^<>]*>")
NAMED = re.compile(r"""\b(?:name|id|property|http-equiv)\s*=\s*["']?([\w.:-]{1,40})""")
CLASSED = re.compile(r"""\bclass\s*=\s*["']?([A-Za-z][\w-]{0,39})""")
KEYED = re.compile(r"([A-Za-z_][\w.-]{1,39})\s*[:={]")
SERIES = re.compile(r"[A-Za-z_:][\w:]*\{[^{}]{1,200}\}")
"""A metric in the text format of Prometheus: its labels are part of its name."""
BEFORE = re.compile(r"([A-Za-z_][\w-]*)[\"']?\s*[:=/-]?\s*[\"']?$")
LABEL = re.compile(r"[A-Za-z][A-Za-z_-]+")


class Span(NamedTuple):
    """One place where two texts differ."""

    live: str
    shadow: str
    live_at: int
    shadow_at: int


def spans_of(live: str, shadow: str, *, within: bool = False) -> list[Span]:
    """
    Return where the texts differ, or nothing where that is nearly everywhere.

    `within` looks into URLs and quoted values instead of taking each as one.
    """
    if max(len(live), len(shadow)) > MAX_TEXT:
        return []
    pattern = INNER if within else OUTER
    left, right = pattern.findall(live), pattern.findall(shadow)
    blocks = _beside(left, right) if len(left) == len(right) else _between(left, right)
    if not 0 < len(blocks) <= MAX_SPANS:
        return []
    starts = _starts(left), _starts(right)
    return [
        Span("".join(left[a:b]), "".join(right[c:d]), starts[0][a], starts[1][c])
        for a, b, c, d in blocks
    ]


def label_of(line: str, at: int) -> str:
    """Return what names the place `at` in a line, on every page of the same sort."""
    series = SERIES.match(line)
    if series is not None and at >= series.end():
        return series.group()[: 2 * MAX_LABEL]
    before = line[max(at - NEAR, 0) : at]
    opened, closed = before.rfind("<"), before.rfind(">")
    if opened > closed:
        return _within_tag(before[opened:], line[at : at + NEAR])
    words = LABEL.findall(before[closed + 1 :])
    if len(words) > MAX_WORDS:
        words = []  # In the midst of what somebody wrote, nothing names a place.
    tags = [_named_tag(tag.group()) for tag in OPENING.finditer(before)]
    label = " ".join([*(f"{tag}>" for tag in tags[-1:]), *words[-2:]])
    return label[:MAX_LABEL]


def label_of_line(line: str) -> str:
    """Return what names a line as a whole: its first tag, or the key that it begins with."""
    text = line.strip()
    opening = OPENING.match(text)
    if opening is not None:
        return f"{_named_tag(opening.group())}>"[:MAX_LABEL]
    series = SERIES.match(text) or KEYED.match(text)
    return series.group().rstrip(" :={")[: 2 * MAX_LABEL] if series else ""


def name_before(line: str, at: int) -> str:
    """Return the name that the value at `at` seems to have: `csrf` in `csrf=…`."""
    before = line[max(at - NEAR, 0) : at]
    opened = before.rfind("<")
    if opened > before.rfind(">"):
        tag = before[opened:] + line[at : at + NEAR].partition(">")[0]
        named = NAMED.search(tag)
        if named is not None:
            return named.group(1)
    found = BEFORE.search(before[-MAX_LABEL:])
    return found.group(1) if found else ""


def _within_tag(before: str, after: str) -> str:
    attribute = ATTRIBUTE.search(before)
    named = _named_tag(before + after.partition(">")[0])
    return f"{named} {attribute.group(1)}="[:MAX_LABEL] if attribute else named


def _named_tag(tag: str) -> str:
    """Return a tag with its name or class, if that is the same on every page."""
    kind = TAG.match(tag)
    named = NAMED.search(tag) or CLASSED.search(tag)
    own = key_shape(named.group(1)) if named else "*"
    name = "" if own == "*" else f" {own}"
    return f"<{kind.group(1) if kind else ''}{name}"[:MAX_LABEL]


Block = tuple[int, int, int, int]


def _beside(left: Sequence[str], right: Sequence[str]) -> list[Block]:
    pairs = zip(left, right, strict=True)
    return [(i, i + 1, i, i + 1) for i, (a, b) in enumerate(pairs) if a != b]


def _between(left: Sequence[str], right: Sequence[str]) -> list[Block]:
    """Return what lies between the pieces that both texts have in the same order."""
    stop = len(left), len(right)
    found = align(left, right, lambda: None)
    blocks, a, c = [], 0, 0
    for b, d in [*found.kept, stop]:
        if b > a or d > c:
            blocks.append((a, b, c, d))
        a, c = b + 1, d + 1
    return blocks


def _starts(pieces: Sequence[str]) -> list[int]:
    starts = [0]
    for piece in pieces:
        starts.append(starts[-1] + len(piece))
    return starts
