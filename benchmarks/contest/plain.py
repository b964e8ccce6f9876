"""
DeepDiff alone: what it says of two answers, folded by field, with nothing explained.

Folding is ours, and generous: indexes and keys with digits stand as `*`, and only the
kind of report and the path make a group.
"""

from __future__ import annotations

from collections.abc import Iterator

from deepdiff import DeepDiff

from benchmarks.contest.diffy import lifted
from benchmarks.contest.score import Account, Row, Seen
from benchmarks.corpus import Sent
from shadow_middleware.exchange import Kind, Part

__all__ = ["Plain"]

KINDS = {
    "values_changed": Kind.CHANGED,
    "type_changes": Kind.TYPE,
    "dictionary_item_added": Kind.ADDED,
    "dictionary_item_removed": Kind.MISSING,
    "iterable_item_added": Kind.ADDED,
    "iterable_item_removed": Kind.MISSING,
}


class Plain:
    """Shows whatever DeepDiff reports."""

    def __init__(self) -> None:
        self.account = Account("DeepDiff alone")

    def look(self, sent: Sent) -> None:
        """Compare one exchange."""
        live, shadow = lifted(sent.live.response), lifted(sent.shadow.response)
        seen = _seen(sent.exchange.endpoint, DeepDiff(live, shadow, view="tree"))
        self.account.note(sent.carries, seen)

    def conclude(self) -> Row:
        """Return the row: nothing is noise."""
        return self.account.row(lambda group: False)


def _seen(endpoint: str, found: DeepDiff) -> Iterator[Seen]:
    for report, levels in found.items():
        kind = KINDS.get(report, Kind.CHANGED)
        for level in levels:
            first, *rest = map(_segment, level.path(output_format="list"))
            part, path = _place(first, rest)
            yield Seen((endpoint, part, path, kind), part, path, kind)


def _place(first: str, rest: list[str]) -> tuple[Part, str]:
    if first == "status":
        return Part.STATUS, ""
    if first == "headers":
        return Part.HEADER, rest[0]
    return Part.BODY, "".join(f"/{name}" for name in rest)


def _segment(key: object) -> str:
    text = str(key)
    return "*" if any(map(str.isdigit, text)) else text
