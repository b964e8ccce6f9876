"""
What a replay leaves beside its count: which groups it stands for, which rules fired.

Held until the next batch, and bounded: what does not fit is counted under MANY.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Final

from shadow_middleware.evidence import DivergenceRecord
from shadow_middleware.exchange import Difference, Replay
from shadow_middleware.knowledge import (
    MANY,
    Group,
    GroupState,
    RuleHit,
    Sample,
)

__all__ = ["GroupsSeen", "RuleHits", "Samples", "Signatures", "unexplained"]

SLOTS: Final = 16
MAX_SIGNATURES: Final = 5_000
MAX_GROUPS: Final = 20_000
_MAX_HITS: Final = 1_000
_MAX_SAMPLES: Final = 5_000


def unexplained(differences: Iterable[Difference]) -> list[Difference]:
    """Return the differences that no noise explains."""
    return [one for one in differences if not one.noise]


class Signatures:
    """Which signatures are told apart; bounded over the life of a process."""

    def __init__(self, most: int = MAX_SIGNATURES) -> None:
        self._most = most
        self._known: set[str] = set()

    def name(self, signature: str) -> str:
        """Return what a divergence is counted under: its signature, or MANY."""
        if signature in self._known or not signature:
            return signature
        if len(self._known) >= self._most:
            return MANY
        self._known.add(signature)
        return signature


class GroupsSeen:
    """Which groups have been seen as a divergence; bounded, so that it cannot grow."""

    def __init__(self, most: int = MAX_GROUPS) -> None:
        self._most = most
        self._seen: set[str] = set()
        self._resolved: dict[str, float] = {}

    def learn(self, groups: Iterable[Group]) -> None:
        """
        Take in what the store knows: those groups are new to nobody.

        One that was resolved is to be told of when it comes back, once for each time
        that it was resolved.
        """
        for group in groups:
            if group.state is GroupState.RESOLVED and group.decided_at is not None:
                self._resolve(group.fingerprint, group.decided_at)
            elif group.count:
                self.first(group.fingerprint)

    def _resolve(self, fingerprint: str, decided_at: float) -> None:
        if self._resolved.get(fingerprint, 0.0) >= decided_at:
            return
        if fingerprint in self._resolved or len(self._resolved) < self._most:
            self._resolved[fingerprint] = decided_at
            self._seen.discard(fingerprint)

    def first(self, fingerprint: str) -> str:
        """Return its state if this is the first sight of a group, else ''."""
        if fingerprint in self._seen or len(self._seen) >= self._most:
            return ""
        self._seen.add(fingerprint)
        back = fingerprint in self._resolved
        return (GroupState.REGRESSED if back else GroupState.OPEN).value


class RuleHits:
    """How often each rule took which sort of difference away, since the last batch."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], tuple[int, float]] = {}

    def add(self, replay: Replay) -> None:
        """Count what rules took away in one replay."""
        at = replay.exchange.at
        for rule, hid in replay.hits:
            if rule.startswith("default:"):
                continue  # nobody stated it, so nobody asks whether it is of use
            key = rule, replay.target, hid
            if key not in self._counts and len(self._counts) >= _MAX_HITS:
                key = rule if len(self._counts) < 2 * _MAX_HITS else MANY, MANY, hid
            count, last = self._counts.get(key, (0, at))
            self._counts[key] = count + 1, max(last, at)

    def take(self) -> list[RuleHit]:
        """Return what was counted, and start at nothing."""
        counts, self._counts = self._counts, {}
        return [RuleHit(*key, count, at) for key, (count, at) in counts.items()]


class Samples:
    """Which records stand for which groups: one for each slot of a group."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], tuple[bool, Sample]] = {}

    def add(self, record: DivergenceRecord) -> None:
        """Let the record stand for its groups; one that can be sent again goes first."""
        whole = record.replayable and record.comparable
        for one in unexplained(record.differences):
            if not one.group:
                continue
            slot = one.group, slot_of(one)
            before = self._kept.get(slot)
            if before is None and len(self._kept) >= _MAX_SAMPLES:
                continue
            if before is None or whole or not before[0]:
                sample = Sample(*slot, record.exchange_id, record.target, record.at)
                self._kept[slot] = whole, sample

    def take(self) -> list[Sample]:
        """Return what was kept, and start at nothing."""
        kept, self._kept = self._kept, {}
        return [sample for _, sample in kept.values()]


def slot_of(difference: Difference) -> int:
    """Return the slot of a sample: what differs, and where, on every host the same."""
    shown = json.dumps(
        (difference.path, difference.live, difference.shadow),
        default=repr,
        sort_keys=True,
    )
    data = shown.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=1).digest()[0] % SLOTS
