"""
What a store knows of noise, folded for looking things up.

Days are weighed away here; eras stay apart, because which one is now is asked later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from shadow_middleware.judge.decay import FADED, weight
from shadow_middleware.judge.tally import (
    BASES,
    CELL,
    Tally,
    add,
    add_count,
    as_seen_from,
    of_base,
    twins,
)
from shadow_middleware.knowledge import (
    MANY,
    Group,
    GroupKey,
    Known,
    NoiseBase,
    NoiseRuling,
    latest_eras,
)

__all__ = ["NOTHING", "CellName", "Learned", "Route", "is_tested"]

CellName = tuple[int, str]
"""Live's status, and the size of the step."""
Route = tuple[str, str]
"""Target and route."""

ByEra = dict[str, Tally]


class Learned(msgspec.Struct, frozen=True):
    """What is known, by fingerprint and by route. Nobody changes it."""

    keys: Mapping[str, GroupKey]
    rulings: Mapping[str, NoiseRuling]
    """What people said, where they said something."""
    cells: Mapping[str, Mapping[CellName, ByEra]]
    bases: Mapping[Route, Mapping[int, ByEra]]
    tests: Mapping[str, int]
    """By target: how many cells two answers of one version have shown."""
    latest: Mapping[str, str]
    """By target: the live version that was seen last."""
    fields: Mapping[tuple[str, str, str, str], tuple[str, ...]]
    """By target, route, part and path: the groups that speak of that field."""
    used: Mapping[Route, int]
    """How many cells each route has."""
    size: int
    """How many cells there are."""

    @classmethod
    def of(
        cls,
        known: Known,
        half_life: float,
        *,
        today: int,
        most: int | None = None,
        latest: Mapping[str, str] | None = None,
        tests: Mapping[str, int] | None = None,
    ) -> Learned:
        """
        Fold what a store knows, as it counts today.

        Args:
            known: What the store says.
            half_life: Days after which a count is worth half.
            today: Days since the epoch.
            most: How many cells are kept, those with the most behind them; None is all.
            latest: By target, the live version that was seen last; None is as `known`
                says, which then has to be all there is.
            tests: By target, how many cells two answers of one version have shown; None
                is as for `latest`.
        """
        keys = {group.fingerprint: group.key for group in known.groups}
        cells = _cells(known, keys, half_life, today)
        if most is not None:
            cells = _largest(cells, most)
        if latest is None:
            looked = ((one.target, one.day, one.era, one.raw) for one in known.bases)
            latest = latest_eras(looked)
        return cls(
            keys=keys,
            rulings=_rulings(known.groups),
            cells=cells,
            bases=_bases(known.bases, half_life, today),
            tests=_tests(cells, keys) if tests is None else tests,
            latest=latest,
            fields=_fields(cells, keys),
            used=_used(cells, keys),
            size=sum(map(len, cells.values())),
        )

    def field(self, key: GroupKey, era: str) -> Tally:
        """Return the sum over all cells of a group's field, seen from one era."""
        total = [0.0] * CELL
        name = (key.target, key.route, key.part, key.path)
        for fingerprint in self.fields.get(name, ()):
            for by_era in self.cells[fingerprint].values():
                add(total, as_seen_from(era, by_era, CELL))
        return total


def _cells(
    known: Known, keys: Mapping[str, GroupKey], half_life: float, today: int
) -> dict[str, dict[CellName, ByEra]]:
    """Fold the cells whose group is known; without its key, a cell says nothing."""
    cells: dict[str, dict[CellName, ByEra]] = {}
    worths = {
        day: weight(day, today, half_life) for day in {one.day for one in known.cells}
    }
    for count in known.cells:
        names = cells.get(count.group)
        if names is None:
            if count.group not in keys:
                continue
            names = cells[count.group] = {}
        name = (count.status, count.size)
        by_era = names.get(name)
        if by_era is None:
            by_era = names[name] = {}
        tally = by_era.get(count.era)
        if tally is None:
            tally = by_era[count.era] = [0.0] * CELL
        add_count(tally, count, worths[count.day])
    return cells


def _largest(
    cells: dict[str, dict[CellName, ByEra]], most: int
) -> dict[str, dict[CellName, ByEra]]:
    ranked = sorted(
        (-sum(map(sum, by_era.values())), fingerprint, name)
        for fingerprint, names in cells.items()
        for name, by_era in names.items()
    )
    kept: dict[str, dict[CellName, ByEra]] = {}
    for _, fingerprint, name in ranked[:most]:
        kept.setdefault(fingerprint, {})[name] = cells[fingerprint][name]
    return kept


def _bases(
    bases: Iterable[NoiseBase], half_life: float, today: int
) -> dict[Route, dict[int, ByEra]]:
    folded: dict[Route, dict[int, ByEra]] = {}
    for base in bases:
        by_era = folded.setdefault((base.target, base.route), {}).setdefault(
            base.status, {}
        )
        tally = by_era.setdefault(base.era, [0.0] * BASES)
        add(tally, of_base(base), weight(base.day, today, half_life))
    return folded


def _tests(
    cells: Mapping[str, Mapping[CellName, ByEra]], keys: Mapping[str, GroupKey]
) -> dict[str, int]:
    tests: dict[str, int] = {}
    for fingerprint, names in cells.items():
        target = keys[fingerprint].target
        seen = sum(1 for by_era in names.values() if is_tested(by_era))
        tests[target] = tests.get(target, 0) + seen
    return tests


def is_tested(by_era: Mapping[str, Tally]) -> bool:
    """Return whether two answers of one version have shown a cell."""
    return sum(map(twins, by_era.values())) >= FADED


def _rulings(groups: Iterable[Group]) -> dict[str, NoiseRuling]:
    return {
        group.fingerprint: group.ruling
        for group in groups
        if group.ruling is not NoiseRuling.LEARNED
    }


def _fields(
    cells: Iterable[str], keys: Mapping[str, GroupKey]
) -> dict[tuple[str, str, str, str], tuple[str, ...]]:
    fields: dict[tuple[str, str, str, str], list[str]] = {}
    for fingerprint in cells:
        key = keys[fingerprint]
        if key.path != MANY:
            name = (key.target, key.route, key.part, key.path)
            fields.setdefault(name, []).append(fingerprint)
    return {name: tuple(sorted(some)) for name, some in fields.items()}


def _used(
    cells: Mapping[str, Mapping[CellName, ByEra]], keys: Mapping[str, GroupKey]
) -> dict[Route, int]:
    used: dict[Route, int] = {}
    for fingerprint, names in cells.items():
        route = (keys[fingerprint].target, keys[fingerprint].route)
        used[route] = used.get(route, 0) + len(names)
    return used


NOTHING = Learned.of(Known(), 1.0, today=0)
"""What is known where nothing was read."""
