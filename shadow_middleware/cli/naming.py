"""How commands name groups and runs: by any beginning of an id that means one alone."""

from __future__ import annotations

import re

import typer

from shadow_middleware.evidence import Run
from shadow_middleware.knowledge import Group, GroupFilter
from shadow_middleware.store.base import Reader, Runs

__all__ = ["SHORT", "one_group", "one_run"]

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


def one_run(runs: Runs, beginning: str) -> Run:
    """
    Return the latest run of that name, or the one whose id begins so.

    Refuse what is neither, and what is the beginning of several.
    """
    every = runs.runs()
    named = [run for run in every if run.name == beginning][:1]
    found = named or [run for run in every if run.id.startswith(beginning.lower())]
    if len(found) == 1:
        return found[0]
    problem = f"no run begins with {beginning!r}, and none is called so"
    if found:
        names = ", ".join(run.id for run in found[:_SHOWN])
        problem = f"{beginning!r} could be any of these runs: {names}"
    raise typer.BadParameter(
        f"{problem}. See: shadow-middleware runs list", param_hint="RUN"
    )
