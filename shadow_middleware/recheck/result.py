"""What came of a recheck: for each sample, and of a group's samples together. Pure."""

from __future__ import annotations

import enum
from collections import Counter

import msgspec

from shadow_middleware.exchange import Difference, Part
from shadow_middleware.knowledge import Group, GroupKey
from shadow_middleware.recheck.again import Again

__all__ = ["Fate", "GroupResult", "SampleResult", "result_of"]


class Fate(enum.StrEnum):
    """What became of a finding."""

    FIXED = "fixed"
    DIVERGING = "still diverging"
    UNKNOWN = "cannot tell"


class SampleResult(msgspec.Struct, frozen=True):
    """What came of one stored sample."""

    id: int
    """The number of the stored divergence."""
    fate: Fate
    reason: str = ""
    """Why it cannot be told, or what diverges now."""
    passing: bool = False
    """Whether trying again later may tell."""


class GroupResult(msgspec.Struct, frozen=True):
    """What came of a group."""

    group: Group
    samples: tuple[SampleResult, ...]

    @property
    def fate(self) -> Fate:
        """
        Return what the samples say together.

        One that still diverges decides. A group is fixed where a sample says so, and
        no other might say the opposite once the shadow answers.
        """
        fates = {sample.fate for sample in self.samples}
        if Fate.DIVERGING in fates:
            return Fate.DIVERGING
        waiting = any(sample.passing for sample in self.samples)
        return Fate.FIXED if Fate.FIXED in fates and not waiting else Fate.UNKNOWN

    @property
    def counts(self) -> dict[str, int]:
        """Return how many samples had each fate, by its name."""
        seen = Counter(sample.fate for sample in self.samples)
        return {fate.value: seen[fate] for fate in Fate}

    @property
    def reasons(self) -> dict[str, int]:
        """Return how often each reason stands, the most frequent first."""
        if not self.samples:
            return {"no sample is stored": 1}
        seen = Counter(sample.reason for sample in self.samples if sample.reason)
        return dict(sorted(seen.items(), key=lambda item: (-item[1], item[0])))


def result_of(group: Group, number: int, again: Again) -> SampleResult:
    """
    Return what the new answer to one sample says of the group.

    The group's own difference decides; where it is gone, nothing else may stand at its
    place or hide it.
    """
    fate, reason = _told(group, again)
    return SampleResult(number, fate, reason, again.passing)


def _told(group: Group, again: Again) -> tuple[Fate, str]:
    if again.reason:
        return Fate.UNKNOWN, again.reason
    if group.key.part is Part.LATENCY:
        return Fate.UNKNOWN, "a single answer says nothing about latency"
    if group.fingerprint not in again.before:
        return Fate.UNKNOWN, _not_shown(again)
    return _shown(group, again)


def _shown(group: Group, again: Again) -> tuple[Fate, str]:
    """Return what a new answer says of a group that the stored one shows."""
    if any(one.group == group.fingerprint for one in again.open):
        return Fate.DIVERGING, ""
    for one in again.open:
        if _is_at(one, group.key):
            return Fate.DIVERGING, "differs in another way now"
        if _hides(one, group.key):
            where = f"{one.part.value} {one.shape}".rstrip()
            return Fate.UNKNOWN, f"hidden by another divergence: {where}"
    if group.fingerprint in again.noise:
        return Fate.UNKNOWN, "only noise is left"
    if again.cut:
        return Fate.UNKNOWN, "the new answer could not be compared whole"
    return Fate.FIXED, ""


def _not_shown(again: Again) -> str:
    if again.rules:
        return f"explained by now, as it seems by {', '.join(again.rules)}"
    return "what was kept does not show it: it was redacted or cut"


def _is_at(difference: Difference, key: GroupKey) -> bool:
    return difference.part is key.part and difference.shape == key.path


def _hides(difference: Difference, key: GroupKey) -> bool:
    """Whether nothing can be said of the group's place because of the difference."""
    if difference.part is Part.STATUS:
        return True
    above = f"{difference.shape}/" if difference.shape else ""
    return difference.part is key.part is Part.BODY and key.path.startswith(above)
