"""
What was found, what was missed, and what was shown for nothing.

A planted regression is *found* when a group that is shown lies at its place, is of its
kind and was seen in an exchange that carries it. A group that is shown and was never
seen so is *false*. One that was, but mostly in exchanges that do not carry it, is
*mixed*: a noisy field that is shown with its noise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import NamedTuple

from benchmarks.corpus import REGRESSIONS, Regression
from shadow_middleware.exchange import Kind, Part

__all__ = ["Account", "Row", "Seen"]

BY_NAME = {regression.name: regression for regression in REGRESSIONS}


class Seen(NamedTuple):
    """One difference that a contestant did not explain."""

    group: Hashable
    """What the contestant would show it under."""
    part: Part
    path: str
    kind: Kind


class Row(NamedTuple):
    """One row of the table."""

    name: str
    exchanges: int
    flagged: int
    """Exchanges that are shown as different, in the end."""
    wrongly: int
    """Those of them that carry no regression."""
    planted: int
    """Regressions that occurred at least once."""
    found: int
    groups: int
    """Groups that are shown."""
    false_groups: tuple[Hashable, ...]
    mixed_groups: tuple[Hashable, ...]
    missed: tuple[str, ...]

    @property
    def recall(self) -> float:
        """The share of planted regressions that was found."""
        return self.found / self.planted if self.planted else 1.0

    @property
    def false_per_10_000(self) -> float:
        """False groups for each 10,000 exchanges."""
        return len(self.false_groups) / self.exchanges * 10_000


class Account:
    """All that one contestant saw."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._exchanges = 0
        self._planted: Counter[str] = Counter()
        self._true: dict[Hashable, Counter[str]] = {}
        self._false: Counter[Hashable] = Counter()
        self._shown: Counter[tuple[frozenset[Hashable], bool]] = Counter()

    def note(self, carries: Collection[str], seen: Iterable[Seen]) -> None:
        """Add one exchange: the regressions that it carries, and what was seen."""
        self._exchanges += 1
        self._planted.update(carries)
        regressions = [BY_NAME[name] for name in carries]
        groups = set()
        for one in set(seen):
            groups.add(one.group)
            names = [each.name for each in regressions if _is_of(one, each)]
            self._true.setdefault(one.group, Counter()).update(names)
            if not names:
                self._false[one.group] += 1
        if groups:
            self._shown[frozenset(groups), bool(carries)] += 1

    def row(self, is_noise: Callable[[Hashable], bool]) -> Row:
        """Return what is left where the groups that are noise are not shown."""
        shown = [group for group in self._true if not is_noise(group)]
        found = {name for group in shown for name in self._true[group]}
        counts = [(group, *self.sightings(group)) for group in shown]
        flagged = wrongly = 0
        for (groups, carries), count in self._shown.items():
            if any(not is_noise(group) for group in groups):
                flagged += count
                wrongly += 0 if carries else count
        return Row(
            self.name,
            self._exchanges,
            flagged,
            wrongly,
            len(self._planted),
            len(found),
            len(shown),
            tuple(group for group, true, _ in counts if not true),
            tuple(group for group, true, false in counts if 0 < true < false),
            tuple(sorted(set(self._planted) - found)),
        )

    def sightings(self, group: Hashable) -> tuple[int, int]:
        """Return how often a group was seen with and without a regression."""
        return sum(self._true.get(group, Counter()).values()), self._false[group]


def _is_of(seen: Seen, regression: Regression) -> bool:
    if regression.holds_also(seen.part, seen.path):
        return True
    return seen.kind in regression.kinds and regression.place.holds(
        seen.part, seen.path
    )
