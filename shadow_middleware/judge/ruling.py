"""
Whether what was counted of a difference makes it noise. One rule for judge and reports.

`learned` answers for one cell; `rulings` for every group of a store, as a report reads
it. Nothing here remembers anything.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Final, Literal

import msgspec

from shadow_middleware.inference import favours_first, log_paired_e
from shadow_middleware.judge import diffy
from shadow_middleware.judge.decay import FADED
from shadow_middleware.judge.learned import CellName, Learned
from shadow_middleware.judge.steps import never_agree
from shadow_middleware.judge.tally import (
    ALIKE,
    BASES,
    CELL,
    CONTROL_BOTH,
    CONTROL_ONLY,
    CONTROL_RAW,
    LOOKED_CONTROL,
    LOOKED_PROBE,
    PROBE_BOTH,
    PROBE_ONLY,
    PROBE_RAW,
    RAW,
    Tally,
    add,
    as_seen_from,
    twins,
)
from shadow_middleware.knowledge import MANY, GroupKey, Known, NoiseRuling
from shadow_middleware.settings import Settings

__all__ = [
    "ALPHA",
    "BY_CONTROL",
    "BY_PERSON",
    "BY_PROBE",
    "CHECKED",
    "Policy",
    "Ruling",
    "is_rare",
    "learned",
    "learned_by_diffy",
    "learned_by_steps",
    "noise_among",
    "rulings",
    "rulings_of",
]

ALPHA: Final = 0.01
"""The chance, for one target and all its fields, that mere noise is called a divergence."""

BY_PERSON: Final = "ruled"
"""Why something is noise that a person called so."""
BY_CONTROL: Final = "control"
BY_PROBE: Final = "self-probe"

CHECKED: Final = frozenset({"timestamp", "float", "host", "set-order"})
"""Likenesses that looked at the values and are sure; the others only may explain."""

RARE_FROM: Final = 200
"""Exchanges from which on it is said how rare something is."""
RARE_BELOW: Final = 0.02
"""A value that is generated anew differs always; what differs less often is not one."""

_ALIKE_ENOUGH: Final = 0.75
"""The share of sightings of a counter that must follow after it was known as one."""


class Policy(msgspec.Struct, frozen=True):
    """How noise is told from a divergence."""

    rule: Literal["test", "diffy"] = "test"
    half_life: float = 3.0
    """Days after which a count is worth half."""
    cells: int = 20_000
    """How many are told apart in memory."""

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """Return what the settings ask for."""
        return cls(settings.noise_rule, settings.noise_half_life, settings.noise_cells)


DEFAULT_POLICY: Final = Policy()


class Ruling(msgspec.Struct, frozen=True):
    """
    What is to be held of a group, with the numbers that say so.

    The counts are sums over the group's cells, weighed by age and by live version; 0
    where no numbers were asked for.
    """

    key: GroupKey
    noise: bool
    why: str
    """`ruled`, `control`, `self-probe` or a value shape; '' where it is not noise."""
    raw: float = 0.0
    """Exchanges that show it, live against shadow."""
    alike: float = 0.0
    """Those of them that are explained by what both values are."""
    looked: float = 0.0
    """Exchanges of its route (and statuses) that were compared at all."""
    twins: float = 0.0
    """Pairs of answers of one version that show it: with the control, or the probe."""
    twins_looked: float = 0.0
    """Pairs of answers of one version that were compared."""
    more: float = 0.0
    """Paired exchanges where only the shadow shows it."""
    less: float = 0.0
    """Paired exchanges where only the twins show it."""
    log_e: float = 0.0
    """Natural logarithm of the evidence that the shadow shows it more often; the largest
    of its cells."""
    log_e_needed: float = 0.0
    """From where on that evidence makes it a divergence, with all fields corrected for."""
    fields: tuple[str, ...] = ()
    """Cells that are not noise, as `status size`."""


def needed(tests: int) -> float:
    """Return the logarithm of the evidence that `tests` cells ask for: Bonferroni."""
    return math.log(max(1, tests) / ALPHA)


def spoken(tally: Tally) -> str:
    """Return which twins have anything to say of a cell; the control goes first."""
    if tally[CONTROL_BOTH] + tally[CONTROL_RAW] + tally[CONTROL_ONLY] >= FADED:
        return BY_CONTROL
    if tally[PROBE_BOTH] + tally[PROBE_RAW] + tally[PROBE_ONLY] >= FADED:
        return BY_PROBE
    return ""


def learned(tally: Tally, tests: int) -> str:
    """
    Return by what a cell is known as noise, `control` or `self-probe`; '' if it is not.

    Two answers of one version must have shown it, and the shadow must not show it more
    often than they do, by McNemar's test over the exchanges that tell them apart.
    """
    if spoken(tally) == BY_CONTROL:
        seen = tally[CONTROL_BOTH] + tally[CONTROL_ONLY] >= FADED
        more, less, why = tally[CONTROL_RAW], tally[CONTROL_ONLY], BY_CONTROL
    else:
        seen = tally[PROBE_BOTH] + tally[PROBE_ONLY] >= FADED
        more, less, why = tally[PROBE_RAW], tally[PROBE_ONLY], BY_PROBE
    if not seen or favours_first(more, less, needed(tests)):
        return ""
    return why


def learned_by_steps(sizes: Mapping[str, Tally], size: str, looked: Tally) -> str:
    """Return by what a number is known never to agree, by such a step; '' if not."""
    by_control = looked[LOOKED_CONTROL] >= FADED
    if never_agree(sizes, size, looked, by_control=by_control):
        return BY_CONTROL if by_control else BY_PROBE
    return ""


def learned_by_diffy(field: Tally, looked: Tally) -> str:
    """Return by what a whole field is noise, by Diffy's rule; '' if it is not."""
    if looked[LOOKED_CONTROL] > 0:
        both, raw, only, total = *field[2:5], looked[LOOKED_CONTROL]
        why = BY_CONTROL
    else:
        both, raw, only, total = *field[5:8], looked[LOOKED_PROBE]
        why = BY_PROBE
    if total <= 0 or diffy.is_divergence(both + raw, both + only, total):
        return ""
    return why


def is_rare(tally: Tally, looked: Tally) -> bool:
    """Return whether a cell differs too seldom for a value that is generated anew."""
    return looked[RAW] >= RARE_FROM and tally[RAW] < RARE_BELOW * looked[RAW]


def unwatched(looked: Tally) -> bool:
    """Return whether no two answers of one version were ever compared here."""
    return looked[LOOKED_CONTROL] + looked[LOOKED_PROBE] < FADED


# --- what a report asks -----------------------------------------------------------------


def rulings(
    known: Known,
    policy: Policy = DEFAULT_POLICY,
    *,
    today: int,
    eras: Mapping[str, str] | None = None,
) -> dict[str, Ruling]:
    """
    Return what is held of every group that is known, by fingerprint.

    A group is noise where every cell of it that was seen is.

    Args:
        known: As the store has it, from `days_back(policy.half_life)` days ago on.
        policy: How noise is told from a divergence.
        today: Days since the epoch.
        eras: The live version of each target that counts in full; the one that was
            seen last where a target is missing.
    """
    facts = Learned.of(known, policy.half_life, today=today)
    return rulings_of(facts, policy, eras=eras)


def rulings_of(
    facts: Learned,
    policy: Policy = DEFAULT_POLICY,
    *,
    eras: Mapping[str, str] | None = None,
    groups: Collection[str] | None = None,
    numbers: bool = True,
) -> dict[str, Ruling]:
    """
    Return the same of what was folded already.

    Args:
        facts: All that is known: each cell is judged with how many others there are.
        policy: How noise is told from a divergence.
        eras: As above.
        groups: Those that are asked for, by fingerprint; None is all.
        numbers: Whether the numbers are wanted that say so; they take half of the time.
    """
    now = {**facts.latest, **(eras or {})}
    wanted = facts.keys if groups is None else facts.keys.keys() & set(groups)
    found = {}
    for fingerprint in wanted:
        key = facts.keys[fingerprint]
        era = now.get(key.target, "")
        found[fingerprint] = _ruling(facts, fingerprint, policy, era, numbers)
    return found


def noise_among(facts: Learned, policy: Policy = DEFAULT_POLICY) -> dict[str, str]:
    """Return why groups are noise, by fingerprint: those that wholly are, and no other."""
    found = {}
    for fingerprint, key in facts.keys.items():
        said = facts.rulings.get(fingerprint, NoiseRuling.LEARNED)
        may_be = said is NoiseRuling.NOISE or (
            said is NoiseRuling.LEARNED
            and (
                policy.rule == "diffy" or _is_suspect(facts.cells.get(fingerprint, {}))
            )
        )
        if may_be:
            era = facts.latest.get(key.target, "")
            ruling = _ruling(facts, fingerprint, policy, era, numbers=False)
            if ruling.noise:
                found[fingerprint] = ruling.why
    return found


def _is_suspect(cells: Mapping[CellName, Mapping[str, Tally]]) -> bool:
    """Whether twins or likeness speak of any cell: else the test has nothing to say."""
    return any(
        sum(twins(tally) + tally[ALIKE] for tally in by_era.values()) >= FADED
        for by_era in cells.values()
    )


def _ruling(
    facts: Learned, fingerprint: str, policy: Policy, era: str, numbers: bool
) -> Ruling:
    key = facts.keys[fingerprint]
    cells = {
        cell: as_seen_from(era, by_era, CELL)
        for cell, by_era in facts.cells.get(fingerprint, {}).items()
    }
    bases = {
        status: as_seen_from(era, by_era, BASES)
        for status, by_era in facts.bases.get((key.target, key.route), {}).items()
    }
    tests = facts.tests.get(key.target, 0)
    sizes: dict[int, dict[str, Tally]] = {}
    for (status, size), tally in cells.items():
        sizes.setdefault(status, {})[size] = tally
    field = facts.field(key, era) if policy.rule == "diffy" else None
    shows = any(tally[RAW] > 0 for tally in cells.values())
    whys = {
        cell: _why(sizes[cell[0]], field, bases, cell, key, tests)
        for cell, tally in cells.items()
        if tally[RAW] > 0 or not shows
    }
    said = facts.rulings.get(fingerprint, NoiseRuling.LEARNED)
    noise = said is NoiseRuling.NOISE or (
        said is NoiseRuling.LEARNED and bool(whys) and all(whys.values())
    )
    return Ruling(
        key,
        noise,
        _named(said, whys) if noise else "",
        fields=tuple(
            f"{c[0]} {c[1]}".strip() for c, w in sorted(whys.items()) if not w
        ),
        log_e_needed=needed(tests),
        **(_numbers(cells, bases) if numbers else {}),
    )


def _named(said: NoiseRuling, whys: Mapping[CellName, str]) -> str:
    return BY_PERSON if said is NoiseRuling.NOISE else min(whys.values())


def _why(
    sizes: Mapping[str, Tally],
    field: Tally | None,
    bases: Mapping[int, Tally],
    cell: CellName,
    key: GroupKey,
    tests: int,
) -> str:
    """Return why a cell is noise, as far as counts can say; '' if it is not."""
    if key.path == MANY:
        return ""
    status, size = cell
    tally, looked = sizes[size], bases.get(status, [0.0] * BASES)
    if field is not None:
        total = [0.0] * BASES
        for base in bases.values():
            add(total, base)
        why = learned_by_diffy(field, total)
    else:
        why = learned(tally, tests) or learned_by_steps(sizes, size, looked)
    alike = size.partition(" ")[0]
    if why or tally[ALIKE] < max(FADED, _ALIKE_ENOUGH * tally[RAW]):
        return why
    likely = unwatched(looked) and not is_rare(tally, looked)
    return alike if alike in CHECKED or likely else ""


def _numbers(
    cells: Mapping[CellName, Tally], bases: Mapping[int, Tally]
) -> dict[str, float]:
    total = [0.0] * CELL
    for tally in cells.values():
        add(total, tally)
    looked = [0.0] * BASES
    for status in {status for status, _ in cells}:
        add(looked, bases.get(status, ()))
    first = CONTROL_BOTH if spoken(total) == BY_CONTROL else PROBE_BOTH
    index = LOOKED_CONTROL if looked[LOOKED_CONTROL] else LOOKED_PROBE
    both, more, less = total[first : first + 3]
    return {
        "raw": total[RAW],
        "alike": total[ALIKE],
        "looked": looked[RAW],
        "twins": both + less,
        "twins_looked": looked[index],
        "more": more,
        "less": less,
        "log_e": max((_log_e(tally) for tally in cells.values()), default=0.0),
    }


def _log_e(tally: Tally) -> float:
    if spoken(tally) == BY_CONTROL:
        return log_paired_e(tally[CONTROL_RAW], tally[CONTROL_ONLY])
    return log_paired_e(tally[PROBE_RAW], tally[PROBE_ONLY])
