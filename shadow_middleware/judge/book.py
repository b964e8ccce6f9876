"""
One route of a profile: its groups, the cells of each, and how often it was looked at.

A book is built from what is known as far as it is asked for, and thrown away when more
is known; what was added lives in the accounts, which the profile keeps.
"""

from __future__ import annotations

from collections.abc import Iterator

from shadow_middleware.exchange import Difference, Kind, Part
from shadow_middleware.judge.account import Account
from shadow_middleware.knowledge import MANY, GroupKey, NoiseRuling

__all__ = ["Book", "Entry", "Finding", "finding_of"]

Finding = tuple[Part, str, Kind, str, str]
"""What makes a group within a route: part, path's shape, kind, and both values' shapes."""


def finding_of(difference: Difference) -> Finding:
    """Return what a difference is, wherever and whenever it is seen."""
    live_is, shadow_is = difference.live_is, difference.shadow_is
    if difference.part is Part.STATUS and not live_is:
        live_is, shadow_is = str(difference.live), str(difference.shadow)
    return (
        difference.part,
        difference.shape or difference.path,
        difference.kind,
        live_is,
        shadow_is,
    )


class Entry:
    """A group as the judge meets it."""

    __slots__ = ("announced", "cells", "fingerprint", "key", "ruling")

    def __init__(self, key: GroupKey, fingerprint: str) -> None:
        self.key = key
        self.fingerprint = fingerprint
        self.ruling = NoiseRuling.LEARNED
        self.announced = False
        """Whether the store is known to know its key."""
        self.cells: dict[tuple[int, str], Account] = {}
        """By status and size."""

    @property
    def is_many(self) -> bool:
        """Whether it stands for whatever there was no room for."""
        return self.key.path == MANY


class Book:
    """What is at hand about one route of one target."""

    __slots__ = ("_many", "bases", "entries", "route", "target")

    def __init__(self, target: str, route: str) -> None:
        self.target = target
        self.route = route
        self.entries: dict[Finding, Entry] = {}
        self.bases: dict[int, Account] = {}
        self._many: dict[tuple[Part, Kind], Entry] = {}

    def key(self, finding: Finding) -> GroupKey:
        """Return the group of a finding."""
        return GroupKey(self.target, self.route, *finding)

    def cells_of(self, part: Part, path: str) -> Iterator[Account]:
        """Return the accounts of all groups of one field."""
        for finding, entry in self.entries.items():
            if finding[:2] == (part, path):
                yield from entry.cells.values()

    def many(self, finding: Finding) -> Entry:
        """Return the entry of all findings of that part and kind without room."""
        part, _, kind, _, _ = finding
        entry = self._many.get((part, kind))
        if entry is None:
            key = self.key((part, MANY, kind, "", ""))
            entry = self._many[part, kind] = Entry(key, key.fingerprint)
        return entry
