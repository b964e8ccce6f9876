"""
What was learned and waits to be written: merged and bounded. Pure.

Sums merge by key as their rows do in the store. Beyond the bound they go on under a
coarser key, whose number is bounded by itself; nothing that adds up is ever dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import add
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec.structs import astuple, replace

from shadow_middleware.evidence import OVERFLOW, Batch
from shadow_middleware.knowledge import (
    MANY,
    GroupKey,
    KnownRoute,
    NoiseBase,
    NoiseCount,
    RouteUse,
    RuleHit,
    Sighting,
    Signature,
)

__all__ = ["PendingKnowledge", "knowledge_in", "learned_of", "without_learned"]

T = TypeVar("T", bound=msgspec.Struct)
Key = tuple[Any, ...]
_Merge = Callable[[Any, Any], Any]

FIELDS: Final = (
    "sightings",
    "signatures",
    "noise",
    "noise_bases",
    "rule_hits",
    "routes",
    "uses",
)
"""The fields of a batch that hold what was learned."""


class Sums(Generic[T]):
    """
    Structs that add up: the first fields are their key, the others are merged.

    Args:
        kind: What is added, and what comes out.
        merges: How each field that is no part of the key merges.
        coarser: The key under which it goes on where there are too many.
        most: Distinct keys told apart.
    """

    def __init__(
        self,
        kind: Callable[..., T],
        merges: tuple[_Merge, ...],
        coarser: Callable[..., Key],
        most: int,
    ) -> None:
        self._kind = kind
        self._merges = merges
        self._coarser = coarser
        self._most = most
        self._sums: dict[Key, Key] = {}

    def __bool__(self) -> bool:
        return bool(self._sums)

    def add(self, one: T) -> None:
        """Merge one into what is there."""
        fields = astuple(one)
        end = len(fields) - len(self._merges)
        key, values = fields[:end], fields[end:]
        if key not in self._sums and len(self._sums) >= self._most:
            key = self._coarser(*key)
        there = self._sums.get(key)
        if there is not None:
            steps = zip(self._merges, there, values, strict=True)
            values = tuple(merge(old, new) for merge, old, new in steps)
        self._sums[key] = values

    def take(self) -> list[T]:
        """Hand out what is there, and forget it."""
        sums, self._sums = self._sums, {}
        return [self._kind(*key, *values) for key, values in sums.items()]


class PendingKnowledge:
    """
    What was learned, on its way to the store. Not safe on several threads by itself.

    Args:
        most: Distinct keys of each sort.
    """

    def __init__(self, most: int) -> None:
        # Signatures: what they stand for is unknown until they are sent again, and
        # their divergences count meanwhile.
        self.lost = 0
        self._most = most
        self._signatures: dict[str, Signature] = {}
        self._sums: dict[str, Sums[Any]] = {
            "sightings": Sums(Sighting, (add, min, max), _many_groups, most),
            "noise": Sums(NoiseCount, (add,) * 8, _many_cells, most),
            "noise_bases": Sums(NoiseBase, (add,) * 3, _many_bases, most),
            "rule_hits": Sums(RuleHit, (add, max), _many_hits, most),
            "routes": Sums(KnownRoute, (max,), _many_routes, most),
            "uses": Sums(RouteUse, (add, add), _many_uses, most),
        }

    def __bool__(self) -> bool:
        return bool(self._signatures) or any(self._sums.values())

    def add(self, batch: Batch) -> None:
        """Take in what the batch says was learned."""
        for name, sums in self._sums.items():
            for one in getattr(batch, name):
                sums.add(one)
        for signature in batch.signatures:
            known = signature.signature in self._signatures
            if known or len(self._signatures) < self._most:
                self._signatures[signature.signature] = signature
            else:
                self.lost += 1

    def take(self, batch: Batch) -> Batch:
        """Return the batch with all that was learned, and forget it."""
        if not self:
            return batch
        signatures, self._signatures = list(self._signatures.values()), {}
        taken = {name: sums.take() for name, sums in self._sums.items()}
        return replace(batch, signatures=signatures, **taken)


def _many_groups(key: GroupKey) -> Key:
    return (GroupKey(key.target, MANY, key.part, MANY, key.kind, "", ""),)


def _many_cells(day: int, *_: object) -> Key:
    return (day, MANY, MANY, 0, "")


def _many_bases(day: int, _era: str, target: str, *_: object) -> Key:
    return (day, MANY, target, OVERFLOW, 0)


def _many_hits(_rule: str, target: str, _hid: str) -> Key:
    return (MANY, target, MANY)


def _many_routes(_route: str) -> Key:
    return (OVERFLOW,)


def _many_uses(day: int, _route: str, status_class: int) -> Key:
    return (day, OVERFLOW, status_class)


def knowledge_in(batch: Batch) -> int:
    """Return how many things the batch says were learned."""
    return sum(len(getattr(batch, name)) for name in FIELDS)


def learned_of(batch: Batch) -> Batch:
    """Return only what the batch says was learned."""
    learned = {name: getattr(batch, name) for name in FIELDS}
    return Batch(writer=batch.writer, number=batch.number, **learned)


def without_learned(batch: Batch) -> Batch:
    """Return the batch without what it says was learned."""
    return replace(batch, **dict.fromkeys(FIELDS, ()))
