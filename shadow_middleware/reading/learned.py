"""What the store knows of noise and groups, and what is to be held of it today."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

import msgspec

from shadow_middleware.evidence import Total
from shadow_middleware.judge import Learned as Folded
from shadow_middleware.judge import Policy, Ruling, days_back, rulings_of
from shadow_middleware.knowledge import DAY, Group, GroupFilter, Known
from shadow_middleware.reading.remembering import remembered
from shadow_middleware.report.groups import GroupRow, group_rows
from shadow_middleware.report.noise import group_noise
from shadow_middleware.settings import Settings
from shadow_middleware.store.base import Reader

__all__ = [
    "Learned",
    "all_groups",
    "all_totals",
    "judged_at",
    "learned_of",
    "learned_of_one",
    "route_totals",
    "rows_of",
]

_PAGE = 1_000


class Learned(msgspec.Struct, frozen=True):
    """What the store knows, and what is to be held of it today."""

    known: Known
    rulings: Mapping[str, Ruling]
    """Without their numbers: see `numbers_of`."""
    at: float
    """Unix seconds."""
    policy: Policy
    """How it was judged."""
    facts: Folded
    """What is known, folded."""

    def numbers_of(self) -> dict[str, Ruling]:
        """Return the rulings with the numbers that say so."""
        return rulings_of(self.facts, self.policy)


def learned_of(reader: Reader, settings: Settings) -> Learned:
    """Read what is known of noise, and judge it by the settings' rule."""
    now = time.time()
    policy = Policy.of(settings)

    def learned() -> Learned:
        return _held(*_folded(reader, policy, now), policy, now)

    held = remembered(reader, ("learned", policy, int(now // DAY)), learned)
    return msgspec.structs.replace(held, at=now)


def learned_of_one(reader: Reader, settings: Settings, group: Group) -> Learned:
    """Return what is known of one group and its route alone, and judge it in full."""
    now, key = time.time(), group.key
    policy = Policy.of(settings)
    known, facts = _folded(reader, policy, now)
    ours = Known(
        cells=[one for one in known.cells if one.group == group.fingerprint],
        bases=[
            one
            for one in known.bases
            if one.target == key.target and one.route == key.route
        ],
        groups=[one for one in known.groups if one.fingerprint == group.fingerprint],
    )
    held = rulings_of(facts, policy, groups=[group.fingerprint])
    return Learned(ours, held, now, policy, facts)


def _folded(reader: Reader, policy: Policy, at: float) -> tuple[Known, Folded]:
    today = int(at // DAY)

    def folded() -> tuple[Known, Folded]:
        known = reader.known(today - days_back(policy.half_life))
        return known, Folded.of(known, policy.half_life, today=today)

    return remembered(reader, ("folded", policy, today), folded)


def judged_at(known: Known, policy: Policy, at: float) -> Learned:
    """Return what is known with what is held of it at that time."""
    facts = Folded.of(known, policy.half_life, today=int(at // DAY))
    return _held(known, facts, policy, at)


def _held(known: Known, facts: Folded, policy: Policy, at: float) -> Learned:
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


def all_totals(reader: Reader) -> list[Total]:
    """Return the counts of all times."""
    return remembered(reader, "totals", reader.totals)


def route_totals(reader: Reader) -> list[Total]:
    """Return the counts of all times by route, in few rows."""
    return remembered(reader, "route totals", reader.route_totals)


def rows_of(
    reader: Reader, groups: Sequence[Group], learned: Learned
) -> list[GroupRow]:
    """Return the groups as rows, with their share of all traffic that is counted."""
    noise = group_noise(learned.known, learned.rulings)
    routes = {one.key.route for one in groups}
    totals = (
        reader.totals(route=routes.pop()) if len(routes) == 1 else route_totals(reader)
    )
    return group_rows(groups, totals, noise)
