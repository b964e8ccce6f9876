"""What the store knows of noise and groups, and what is to be held of it today."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Protocol

import msgspec

from shadow_middleware.evidence import Counted, Total
from shadow_middleware.judge import (
    FADED,
    Policy,
    Ruling,
    days_back,
    noise_among,
    rulings_of,
    weight,
)
from shadow_middleware.judge import Learned as Folded
from shadow_middleware.knowledge import DAY, Group, GroupFilter, Known, NoiseCount
from shadow_middleware.reading.remembering import remembered
from shadow_middleware.report.groups import GroupRow, group_rows
from shadow_middleware.report.noise import group_noise
from shadow_middleware.settings import Settings
from shadow_middleware.store.base import Reader

__all__ = [
    "Learned",
    "NoiseNow",
    "all_counted",
    "all_groups",
    "judged_at",
    "learned_of",
    "learned_of_one",
    "noise_now",
    "route_totals",
    "rows_of",
]

_PAGE = 1_000


class Learned(msgspec.Struct, frozen=True):
    """What the store knows, day by day, and what is to be held of it today."""

    known: Known
    rulings: Mapping[str, Ruling]
    """Without their numbers: see `numbers_of`."""
    at: float
    """Unix seconds."""
    policy: Policy
    """How it was judged."""
    facts: Folded
    """What is known, folded."""

    @property
    def cells(self) -> Sequence[NoiseCount]:
        """What was counted of noise."""
        return self.known.cells

    @property
    def whys(self) -> Mapping[str, str]:
        """Why groups are noise, by fingerprint: those that wholly are, and no other."""
        found = self.rulings.items()
        return {name: ruling.why for name, ruling in found if ruling.noise}

    def numbers_of(self) -> dict[str, Ruling]:
        """Return the rulings with the numbers that say so."""
        return rulings_of(self.facts, self.policy)


class NoiseNow(msgspec.Struct, frozen=True):
    """What is to be held of noise today: all that most pages ask, in few rows."""

    cells: Sequence[NoiseCount]
    """All days added up, each for what it is worth."""
    whys: Mapping[str, str]
    """Why groups are noise, by fingerprint: those that wholly are, and no other."""
    groups: Sequence[Group]
    """Every group, with what was counted of it."""
    probed: bool
    """Whether two answers of one version were ever compared."""
    policy: Policy
    """How it was judged."""
    at: float
    """Unix seconds."""


class Noise(Protocol):
    """What a row of a group says of noise is read from here."""

    @property
    def cells(self) -> Sequence[NoiseCount]:
        """What was counted of noise."""
        ...

    @property
    def whys(self) -> Mapping[str, str]:
        """Why groups are noise, by fingerprint."""
        ...


def learned_of(reader: Reader, settings: Settings) -> Learned:
    """Read what is known of noise, day by day, and judge it by the settings' rule."""
    now = time.time()
    policy = Policy.of(settings)
    today = int(now // DAY)

    def learned() -> Learned:
        known = reader.known(today - days_back(policy.half_life))
        return judged_at(known, policy, now)

    held = remembered(reader, ("learned", policy, today), learned)
    return msgspec.structs.replace(held, at=now)


def noise_now(reader: Reader, settings: Settings) -> NoiseNow:
    """Read what is held of noise by the settings' rule, without what says so."""
    now = time.time()
    policy = Policy.of(settings)
    today = int(now // DAY)

    def held() -> NoiseNow:
        found = reader.weighed(_worth(policy, today))
        known = Known(found.cells, found.bases, found.groups)
        facts = Folded.of(known, policy.half_life, today=0, latest=found.eras)
        return NoiseNow(
            cells=found.cells,
            whys=noise_among(facts, policy),
            groups=found.groups,
            probed=any(base.control or base.probe for base in found.bases),
            policy=policy,
            at=now,
        )

    known = remembered(reader, ("noise now", policy, today), held)
    return msgspec.structs.replace(known, at=now)


def learned_of_one(reader: Reader, settings: Settings, group: Group) -> Learned:
    """Return what is known of one group and its route alone, and judge it in full."""
    now, key = time.time(), group.key
    policy = Policy.of(settings)
    worth = _worth(policy, int(now // DAY))
    since = min(worth)
    everywhere = GroupFilter(target=key.target, route=key.route, with_noise=True)
    around = Known(
        cells=reader.noise(since, key.target, key.route),
        bases=reader.noise_bases(since, key.target, key.route),
        groups=[*_groups(reader, everywhere), group],
    )
    facts = Folded.of(
        around,
        policy.half_life,
        today=int(now // DAY),
        latest=reader.eras(since),
        tests={key.target: reader.cells_tested(worth, key.target, FADED)},
    )
    ours = Known(
        cells=[one for one in around.cells if one.group == group.fingerprint],
        bases=around.bases,
        groups=[group],
    )
    held = rulings_of(facts, policy, groups=[group.fingerprint])
    return Learned(ours, held, now, policy, facts)


def _worth(policy: Policy, today: int) -> dict[int, float]:
    """Return what a count of each day is worth that is worth reading."""
    days = range(today - days_back(policy.half_life), today + 1)
    return {day: weight(day, today, policy.half_life) for day in days}


def judged_at(known: Known, policy: Policy, at: float) -> Learned:
    """Return what is known with what is held of it at that time."""
    facts = Folded.of(known, policy.half_life, today=int(at // DAY))
    return Learned(known, rulings_of(facts, policy, numbers=False), at, policy, facts)


def all_groups(reader: Reader, where: GroupFilter) -> list[Group]:
    """Return every group that fits, those with the most divergences first."""
    return remembered(reader, ("groups", where), lambda: [*_groups(reader, where)])


def _groups(reader: Reader, where: GroupFilter) -> Iterator[Group]:
    for page in count():
        some = reader.groups(where, limit=_PAGE, offset=page * _PAGE)
        yield from some
        if len(some) < _PAGE:
            return


def all_counted(reader: Reader) -> Counted:
    """Return the counts of all times, and how far each session had come by then."""
    return remembered(reader, "counted", reader.counted)


def route_totals(reader: Reader) -> list[Total]:
    """Return the counts of all times by route, in few rows."""
    return remembered(reader, "route totals", reader.route_totals)


def rows_of(reader: Reader, groups: Sequence[Group], known: Noise) -> list[GroupRow]:
    """Return the groups as rows, with their share of all traffic that is counted."""
    wanted = {one.fingerprint for one in groups}
    noise = group_noise((one for one in known.cells if one.group in wanted), known.whys)
    routes = {one.key.route for one in groups}
    totals = (
        reader.totals(route=routes.pop()) if len(routes) == 1 else route_totals(reader)
    )
    return group_rows(groups, totals, noise)
