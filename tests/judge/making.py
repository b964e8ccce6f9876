"""Differences, comparisons and cases as tests need them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shadow_middleware.compare import Comparison
from shadow_middleware.exchange import Difference, Kind, Part
from shadow_middleware.judge import Case, Judge, Policy, Profile, Taken
from shadow_middleware.knowledge import (
    DAY,
    Group,
    Known,
    NoiseBase,
    NoiseCount,
    NoiseRuling,
    Sighting,
)
from shadow_middleware.settings import Settings

TODAY = 20_000
EQUAL = Comparison("equal")


def changed(path: str = "/total", **more: Any) -> Difference:
    """A field whose text changed."""
    fields: dict[str, Any] = {
        "live": "a",
        "shadow": "b",
        "live_is": "word",
        "shadow_is": "word",
        "shape": path,
    }
    kind = more.pop("kind", Kind.CHANGED)
    part = more.pop("part", Part.BODY)
    return Difference(part, path, kind, **(fields | more))


def made(path: str = "/id", alike: str = "uuid", **more: Any) -> Difference:
    """A field where both sides have a value of one sort."""
    return changed(path, alike=alike, live_is=alike, shadow_is=alike, **more)


def number(size: str, path: str = "/score") -> Difference:
    """A number that is another one."""
    return changed(path, size=size, live_is="integer", shadow_is="integer")


def comparison(*differences: Difference, cut: bool = False) -> Comparison:
    """A comparison that found these."""
    if not differences:
        return EQUAL
    return Comparison("different", differences, cut=cut)


def case(*differences: Difference, **more: Any) -> Case:
    """An exchange whose two answers differ so."""
    fields: dict[str, Any] = {
        "target": "shadow",
        "route": "GET /orders",
        "status": 200,
        "at": TODAY * DAY + 1.0,
        "found": comparison(*differences),
    }
    return Case(**(fields | more))


def on(day: int) -> float:
    """A time on a day."""
    return day * DAY + 1.0


def judge(profile: Profile | None = None, **more: Any) -> Judge:
    """A judge with these settings."""
    settings = Settings(shadow_url="http://127.0.0.1:1", **more)
    return Judge(settings, profile or Profile(Policy.of(settings)))


class Shop:
    """What a store would make of what profiles hand over."""

    def __init__(self) -> None:
        self.rulings: dict[str, NoiseRuling] = {}
        self._noise: dict[tuple[Any, ...], list[float]] = {}
        self._bases: dict[tuple[Any, ...], list[float]] = {}
        self._groups: dict[str, list[Sighting]] = {}

    def write(self, taken: Taken) -> None:
        """Add what was taken."""
        for cell in taken.noise:
            name = (cell.day, cell.era, cell.group, cell.status, cell.size)
            numbers = (
                *(cell.raw, cell.alike),
                *(cell.control_both, cell.control_raw, cell.control_only),
                *(cell.probe_both, cell.probe_raw, cell.probe_only),
            )
            _add(self._noise, name, numbers)
        for base in taken.noise_bases:
            at = (base.day, base.era, base.target, base.route, base.status)
            _add(self._bases, at, (base.raw, base.control, base.probe))
        for sighting in taken.sightings:
            self._groups.setdefault(sighting.key.fingerprint, []).append(sighting)

    def known(self) -> Known:
        """Return what it has."""
        return Known(
            cells=[NoiseCount(*name, *sums) for name, sums in self._noise.items()],
            bases=[NoiseBase(*name, *sums) for name, sums in self._bases.items()],
            groups=[self._group(name, some) for name, some in self._groups.items()],
        )

    def _group(self, fingerprint: str, seen: list[Sighting]) -> Group:
        return Group(
            fingerprint,
            seen[0].key,
            sum(one.count for one in seen),
            min(one.first_at for one in seen),
            max(one.last_at for one in seen),
            ruling=self.rulings.get(fingerprint, NoiseRuling.LEARNED),
        )


def _add(
    sums: dict[tuple[Any, ...], list[float]],
    name: tuple[Any, ...],
    numbers: Iterable[float],
) -> None:
    more = list(numbers)
    have = sums.setdefault(name, [0.0] * len(more))
    sums[name] = [one + two for one, two in zip(have, more, strict=True)]
