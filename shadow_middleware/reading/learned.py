"""What the store knows of noise and groups, and what is to be held of it today."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import count

import msgspec

from shadow_middleware.judge import Policy, Ruling, days_back, rulings
from shadow_middleware.knowledge import DAY, Group, GroupFilter, Known
from shadow_middleware.report.groups import GroupRow, group_rows
from shadow_middleware.report.noise import group_noise
from shadow_middleware.settings import Settings
from shadow_middleware.store.base import Reader

__all__ = ["Learned", "all_groups", "learned_of", "rows_of"]

_PAGE = 1_000


class Learned(msgspec.Struct, frozen=True):
    """What the store knows, and what is to be held of it today."""

    known: Known
    rulings: Mapping[str, Ruling]
    at: float
    """Unix seconds."""


def learned_of(reader: Reader, settings: Settings) -> Learned:
    """Read what is known of noise, and judge it by the settings' rule."""
    now = time.time()
    policy = Policy.of(settings)
    today = int(now // DAY)
    known = reader.known(today - days_back(policy.half_life))
    return Learned(known, rulings(known, policy, today=today), now)


def all_groups(reader: Reader, where: GroupFilter) -> list[Group]:
    """Return every group that fits, those with the most divergences first."""
    found: list[Group] = []
    for page in count():
        some = reader.groups(where, limit=_PAGE, offset=page * _PAGE)
        found += some
        if len(some) < _PAGE:
            return found
    raise AssertionError  # count() never ends


def rows_of(
    reader: Reader, groups: Sequence[Group], learned: Learned
) -> list[GroupRow]:
    """Return the groups as rows, with their share of all traffic that is counted."""
    noise = group_noise(learned.known, learned.rulings)
    return group_rows(groups, reader.totals(), noise)
