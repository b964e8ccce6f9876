"""How two rows of one key become one: said once, for memory and for databases. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

__all__ = [
    "CELL",
    "NOISE",
    "NOISE_BASE",
    "PROGRESS",
    "ROUTE",
    "RULE_HIT",
    "SAMPLE",
    "SIGHTING",
    "SIGNATURE",
    "USE",
    "Merge",
    "Row",
    "merge_into",
    "merged",
]

Row = dict[str, Any]


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """How rows merge. A column that is not named stays as it is in the first."""

    keys: tuple[str, ...]
    adds: tuple[str, ...] = ()
    """Columns that add up."""
    least: tuple[str, ...] = ()
    """Columns of which the smallest stands."""
    most: tuple[str, ...] = ()
    """Columns of which the largest stands."""
    newest: tuple[str, ...] = ()
    """Where given, the whole row stands whose columns of these names are larger."""

    def key(self, row: Row) -> tuple[Any, ...]:
        """Return the row's key."""
        return tuple(row[name] for name in self.keys)

    def into(self, there: Row, new: Row) -> None:
        """Merge a row into the one that is there."""
        if self.newest:
            if self._place(new) > self._place(there):
                there.update(new)
            return
        for name in self.adds:
            there[name] += new[name]
        for name in self.least:
            there[name] = min(there[name], new[name])
        for name in self.most:
            there[name] = max(there[name], new[name])

    def _place(self, row: Row) -> tuple[Any, ...]:
        return tuple(row[name] for name in self.newest)


CELL = (
    "raw",
    "alike",
    "control_both",
    "control_raw",
    "control_only",
    "probe_both",
    "probe_raw",
    "probe_only",
)

PROGRESS = Merge(keys=("session", "target"), adds=("ended",), most=("selected", "at"))
SIGHTING = Merge(
    keys=("fingerprint",), adds=("count",), least=("first_at",), most=("last_at",)
)
SIGNATURE = Merge(keys=("signature",), most=("at",))
SAMPLE = Merge(keys=("fingerprint", "slot"), newest=("at", "exchange_id"))
NOISE = Merge(keys=("day", "era", "fingerprint", "status", "size"), adds=CELL)
NOISE_BASE = Merge(
    keys=("day", "era", "target", "route", "status"), adds=("raw", "control", "probe")
)
RULE_HIT = Merge(keys=("rule", "target", "hid"), adds=("count",), most=("last_at",))
ROUTE = Merge(keys=("route",), most=("at",))
USE = Merge(keys=("day", "route", "status_class"), adds=("seen", "mirrored"))


def merge_into(
    table: dict[tuple[Any, ...], Row], rows: Iterable[Row], how: Merge
) -> None:
    """Merge rows into a table by their keys. The table may keep the rows as they are."""
    for row in rows:
        there = table.setdefault(how.key(row), row)
        if there is not row:
            how.into(there, row)


def merged(rows: Iterable[Row], how: Merge) -> list[Row]:
    """
    Return one row for each key, sorted.

    Sorted, because two transactions that lock rows in different orders deadlock.
    """
    table: dict[tuple[Any, ...], Row] = {}
    merge_into(table, rows, how)
    return [table[key] for key in sorted(table)]
