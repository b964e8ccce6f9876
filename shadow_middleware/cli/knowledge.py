"""What several commands ask of the store: groups by a beginning, and what is noise by now."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from itertools import count

import msgspec
import typer

from shadow_middleware.judge import Policy, Ruling, days_back, rulings
from shadow_middleware.knowledge import DAY, Group, GroupFilter, Known
from shadow_middleware.report.groups import GroupRow, group_rows
from shadow_middleware.report.noise import group_noise
from shadow_middleware.settings import Settings
from shadow_middleware.store.base import Reader

__all__ = ["SHORT", "Learned", "all_groups", "learned_of", "one_group", "rows_of"]

SHORT = 8
"""Digits of a fingerprint that lists show; any unambiguous beginning will do."""
_PAGE = 1_000
_SHOWN = 4


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


def one_group(reader: Reader, beginning: str) -> Group:
    """Return the one group whose fingerprint begins so; refuse none and several."""
    wanted = beginning.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{1,16}", wanted):
        raise _refused(
            f"{beginning!r} is not the beginning of a fingerprint, "
            "which is up to 16 digits of 0-9 and a-f"
        )
    where = GroupFilter(fingerprint=wanted, with_noise=True)
    found = reader.groups(where, limit=_SHOWN)
    if len(found) == 1:
        return found[0]
    if not found:
        raise _refused(f"no group begins with {wanted!r}")
    names = ", ".join(group.fingerprint for group in found)
    more = reader.count_groups(where) - len(found)
    others = f" and {more} more" if more > 0 else ""
    raise _refused(
        f"{wanted!r} is the beginning of several groups: {names}{others}; "
        "give more digits"
    )


def _refused(problem: str) -> typer.BadParameter:
    return typer.BadParameter(
        f"{problem}. See: shadow-middleware groups list --state all", param_hint="GROUP"
    )
