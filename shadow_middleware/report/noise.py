"""
The learned profile as faces show it: rates, what is held of each field, and why.

From what the store counted and what `judge` holds of it to rows, and to a document that
can be kept and read again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from shadow_middleware.errors import DecodeError
from shadow_middleware.evidence import OVERFLOW
from shadow_middleware.judge import Ruling
from shadow_middleware.knowledge import (
    MANY,
    Group,
    GroupKey,
    Known,
    NoiseBase,
    NoiseCount,
)
from shadow_middleware.report.coverings import Cell
from shadow_middleware.report.groups import GroupNoise
from shadow_middleware.report.suggest import NoisyCell
from shadow_middleware.report.wording import SIZES, what_changed

__all__ = [
    "NoiseRow",
    "NoiseSummary",
    "Sightings",
    "group_noise",
    "known_of",
    "noise_cells",
    "noise_summary",
    "profile_of",
]

FORMAT = "shadow-middleware/noise-profile/1"
"""What an exported profile says that it is."""


_LARGEST = 700.0
"""The logarithm of about the largest number that a float holds."""


class Sightings(msgspec.Struct, frozen=True):
    """How often a comparison showed a difference, of how many."""

    seen: float
    of: float

    @property
    def rate(self) -> float | None:
        """The share; None where nothing was compared."""
        return self.seen / self.of if self.of else None


class NoiseRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned of one group, and what is held of it."""

    fingerprint: str
    key: GroupKey
    what: str
    noise: bool
    why: str
    """`ruled`, `control`, `self-probe` or a value shape; '' where it is no noise."""
    ruled: str
    """What a person said, `noise` or `signal`; '' where nobody did."""
    raw: Sightings
    """Live against shadow, as counted."""
    control: Sightings
    """Live against its control."""
    probe: Sightings
    """The shadow against itself."""
    more: float
    """Paired exchanges where only the shadow shows it; old ones count less."""
    less: float
    """Paired exchanges where only the two of one version show it."""
    e_value: float
    """The evidence that the shadow shows it more often than one version does itself."""
    e_needed: float
    """From where on that makes it a divergence."""
    not_noise: tuple[str, ...]
    """Cells of it that are no noise, as `status size`."""
    days: int
    """Days on which it was seen."""
    first_day: int | None
    """Days since the epoch."""
    last_day: int | None

    @property
    def twins(self) -> bool:
        """Whether two answers of one version ever showed it."""
        return self.control.seen + self.probe.seen > 0


class NoiseSummary(msgspec.Struct, frozen=True):
    """The whole profile."""

    rows: tuple[NoiseRow, ...]
    """By target, route and place."""
    compared: float
    """Exchanges that it rests on."""
    overflow: float
    """Sightings that found no place of their own because a bound was reached."""


def noise_summary(known: Known, rulings: Mapping[str, Ruling]) -> NoiseSummary:
    """Return what is known of noise, a row for each group that was seen."""
    keys = {group.fingerprint: group for group in known.groups}
    cells: dict[str, list[NoiseCount]] = {}
    for cell in known.cells:
        cells.setdefault(cell.group, []).append(cell)
    looked = _Looked(known.bases)
    rows = [
        _row(keys[name].key, cells.get(name, []), looked, ruling, keys[name].ruling)
        for name, ruling in rulings.items()
        if name in keys and (name in cells or keys[name].ruling)
    ]
    overflow = sum(
        cell.raw
        for name, group in keys.items()
        if MANY in (group.key.path, group.key.route) or group.key.route == OVERFLOW
        for cell in cells.get(name, ())
    )
    # Of what was noise without a room of its own, only the count is stored.
    overflow += sum(
        cell.raw for cell in known.cells if cell.group not in keys and not cell.status
    )
    compared = sum(base.raw for base in known.bases)
    return NoiseSummary(tuple(sorted(rows, key=_place)), compared, overflow)


def group_noise(
    cells: Iterable[NoiseCount], whys: Mapping[str, str]
) -> dict[str, GroupNoise]:
    """
    Return why groups are noise, and how far their numbers were apart.

    Args:
        cells: What was counted of them.
        whys: Why those that wholly are noise are, by fingerprint.
    """
    sizes: dict[str, set[str]] = {}
    for cell in cells:
        if cell.raw:
            sizes.setdefault(cell.group, set()).add(_size(cell))
    return {
        name: GroupNoise(whys.get(name, ""), _sorted(sizes.get(name, set())))
        for name in sizes.keys() | whys.keys()
    }


def noise_cells(
    known: Known, rulings: Mapping[str, Ruling]
) -> tuple[list[NoisyCell], list[Cell]]:
    """
    Return the cells that are noise, and those that were seen and are not.

    A size that is noise at one status of live and not at another is not.
    """
    counts: dict[tuple[str, str], float] = {}
    signal: set[tuple[str, str]] = set()
    for cell in known.cells:
        if cell.raw <= 0 or cell.group not in rulings:
            continue
        place = (cell.group, cell.size)
        counts[place] = counts.get(place, 0.0) + cell.raw
        ruling = rulings[cell.group]
        if not ruling.noise and f"{cell.status} {cell.size}".strip() in ruling.fields:
            signal.add(place)
    noisy = []
    for (name, size), count in counts.items():
        ruling = rulings[name]
        if (name, size) not in signal:
            why = ruling.why or "learned"
            noisy.append(NoisyCell(Cell.of(ruling.key, size), why, count))
    return noisy, [Cell.of(rulings[name].key, size) for name, size in sorted(signal)]


class _Exported(msgspec.Struct, forbid_unknown_fields=False):
    """An exported profile: counts by day, and the groups that they are about."""

    format: str
    at: float
    cells: list[NoiseCount]
    bases: list[NoiseBase]
    groups: list[Group]


def profile_of(known: Known) -> dict[str, Any]:
    """Return a profile as JSON can hold it; `known_of` reads it again."""
    document: dict[str, Any] = msgspec.to_builtins(known)
    return {name: document[name] for name in ("cells", "bases", "groups")}


def known_of(document: object) -> tuple[Known, float]:
    """
    Return the profile that an exported document holds, and when it was exported.

    Raises:
        DecodeError: it is no such document.
    """
    try:
        found = msgspec.convert(document, _Exported)
    except msgspec.ValidationError as error:
        raise DecodeError(f"this is no exported noise profile: {error}") from None
    if found.format != FORMAT:
        raise DecodeError(
            f"this is {found.format!r}, and only {FORMAT!r} can be read: "
            "shadow-middleware noise export"
        )
    return Known(found.cells, found.bases, found.groups), found.at


class _Looked:
    """How many exchanges were compared, by target, route and status."""

    def __init__(self, bases: Iterable[NoiseBase]) -> None:
        self._sums: dict[tuple[str, str, int], list[float]] = {}
        for base in bases:
            place = (base.target, base.route, base.status)
            sums = self._sums.setdefault(place, [0.0, 0.0, 0.0])
            for index, number in enumerate((base.raw, base.control, base.probe)):
                sums[index] += number

    def at(self, key: GroupKey, statuses: Iterable[int]) -> tuple[float, float, float]:
        """Return how many were compared with the shadow, the control, the probe."""
        rows = [
            self._sums.get((key.target, key.route, status), (0.0, 0.0, 0.0))
            for status in set(statuses)
        ]
        raw, control, probe = (sum(column) for column in zip(*rows, strict=True))
        return raw, control, probe


def _row(
    key: GroupKey,
    cells: Sequence[NoiseCount],
    looked: _Looked,
    ruling: Ruling,
    ruled: str,
) -> NoiseRow:
    days = sorted({cell.day for cell in cells})
    raw, control, probe = (
        looked.at(key, (cell.status for cell in cells)) if cells else (0.0, 0.0, 0.0)
    )
    return NoiseRow(
        fingerprint=key.fingerprint,
        key=key,
        what=what_changed(key, _sorted({_size(cell) for cell in cells if cell.raw})),
        noise=ruling.noise,
        why=ruling.why,
        ruled=str(ruled),
        raw=Sightings(sum(cell.raw for cell in cells), raw),
        control=Sightings(sum(c.control_both + c.control_only for c in cells), control),
        probe=Sightings(sum(c.probe_both + c.probe_only for c in cells), probe),
        more=ruling.more,
        less=ruling.less,
        e_value=_exp(ruling.log_e),
        e_needed=_exp(ruling.log_e_needed),
        not_noise=ruling.fields,
        days=len(days),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
    )


def _exp(logarithm: float) -> float:
    return math.exp(min(logarithm, _LARGEST))


def _size(cell: NoiseCount) -> str:
    return cell.size.rpartition(" ")[2]


def _sorted(sizes: set[str]) -> tuple[str, ...]:
    return tuple(size for size in SIZES if size in sizes)


def _place(row: NoiseRow) -> tuple[str, ...]:
    key = row.key
    return (key.target, key.route, key.part.value, key.path, row.fingerprint)
