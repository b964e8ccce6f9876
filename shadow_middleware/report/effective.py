"""
What counts now: the totals as they are judged by what is known today.

A divergence is counted under the groups that it belongs to, and that is never
rewritten. Whether it counts is read from what people have decided and what was
learned since: so a decision moves every report, and can be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import (
    CONTROL,
    Group,
    GroupState,
    NoiseRuling,
    Signature,
)

__all__ = [
    "IGNORED",
    "NOISE",
    "effective",
    "explained_groups",
    "explained_reasons",
    "groups_of",
    "without_control",
]

IGNORED = "ignored"
"""The reason of divergences whose groups somebody decided to ignore, all of them."""
NOISE = "noise"
"""The reason of divergences whose groups are noise as we know by now."""


def explained_groups(
    groups: Iterable[Group], learned: Mapping[str, str]
) -> dict[str, str]:
    """
    Return the groups that do not count, by fingerprint, with `ignored` or `noise`.

    A person's word comes first: an ignored group is ignored, a ruling stands above
    what was learned, either way.

    Args:
        groups: Those with a decision or a ruling, at least.
        learned: Why a group is noise as far as is known today, by fingerprint; the
            groups that are not, or not wholly, are not in it or have ''.
    """
    found = {name: NOISE for name, why in learned.items() if why}
    for group in groups:
        if group.state is GroupState.IGNORED:
            found[group.fingerprint] = IGNORED
        elif group.ruling is NoiseRuling.NOISE:
            found[group.fingerprint] = NOISE
        elif group.ruling is NoiseRuling.SIGNAL:
            found.pop(group.fingerprint, None)
    return found


def groups_of(
    reason: str, signatures: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Return the groups that a divergence counted so belongs to; () if unknown."""
    if reason in signatures:
        return signatures[reason]
    return (reason,) if len(reason) == 16 and not reason.startswith("+") else ()


def explained_reasons(
    signatures: Iterable[Signature], explained: Mapping[str, str]
) -> dict[str, str]:
    """Return what divergences are counted under of which nothing counts by now, and why."""
    known = {one.signature: one.groups for one in signatures}
    whys = {name: _why(name, known, explained) for name in (*explained, *known)}
    return {reason: why for reason, why in whys.items() if why}


def effective(
    totals: Iterable[Total],
    signatures: Iterable[Signature] = (),
    explained: Mapping[str, str] | None = None,
) -> list[Total]:
    """
    Return the totals with divergences that are explained by now counted as noise.

    A divergence of several groups is explained where all of them are. One whose
    groups nobody knows stays what it is. The sum stays the same, for each target,
    route and version; the rows are sorted.
    """
    known = {one.signature: one.groups for one in signatures}
    whys: dict[str, str] = {}
    sums: dict[tuple[str, str, Outcome, str, str], int] = {}
    # Members are looked up once: this is asked of tens of thousands of rows.
    divergence, noise = Outcome.DIVERGENCE, Outcome.NOISE
    for row in totals:
        outcome, reason = row.outcome, row.reason
        if outcome is divergence and explained:
            why = whys.get(reason)
            if why is None:
                why = whys[reason] = _why(reason, known, explained)
            if why:
                outcome, reason = noise, why
        key = (row.target, row.route, outcome, reason, row.version)
        sums[key] = sums.get(key, 0) + row.count
    return [
        Total(target, route, outcome, reason, count, version)
        for (target, route, outcome, reason, version), count in sorted(sums.items())
    ]


def _why(
    reason: str, known: Mapping[str, tuple[str, ...]], explained: Mapping[str, str]
) -> str:
    """Return why nothing counts of what is counted so; '' where something does."""
    whys = {explained.get(one, "") for one in groups_of(reason, known)}
    if not whys or "" in whys:
        return ""
    return IGNORED if whys == {IGNORED} else NOISE


def without_control(totals: Iterable[Total]) -> tuple[list[Total], list[Total]]:
    """Return the totals of the shadows, and those of the control."""
    rows = list(totals)
    return (
        [row for row in rows if row.target != CONTROL],
        [row for row in rows if row.target == CONTROL],
    )
