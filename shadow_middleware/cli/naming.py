"""How commands name groups: by any beginning of a fingerprint that means one alone."""

from __future__ import annotations

import re

import typer

from shadow_middleware.knowledge import Group, GroupFilter
from shadow_middleware.store.base import Reader

__all__ = ["SHORT", "one_group"]

SHORT = 8
"""Digits of a fingerprint that lists show; any unambiguous beginning will do."""
_SHOWN = 4


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
