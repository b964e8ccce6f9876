"""
Which build the evidence is of: evidence of yesterday's is not counted for today's.

A build names itself in a header, or the settings name it. Replays that reached
nobody have no version: those that fell to the time of the judged one count where
they speak against it, so that a build which is down never looks unharmed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from shadow_middleware.evidence import LatencyTotal, Total
from shadow_middleware.knowledge import VersionSeen
from shadow_middleware.report.judgement import Says, says

__all__ = ["Stratum", "judged_versions", "latencies_of", "stratify", "version_at"]


class Stratum(msgspec.Struct, frozen=True):
    """Which version of one target is judged, and what was left out for that."""

    target: str
    version: str
    """'' where the target names none, or where all are judged together."""
    all_versions: bool = False
    others: dict[str, int] = {}
    """Replays of each other version, which do not count; '' is no version."""


def judged_versions(
    seen: Iterable[VersionSeen], asked: str | None = None
) -> dict[str, VersionSeen]:
    """
    Return the version to judge of each target: the one asked for, or seen last.

    A version with a name goes before none, however late that was seen. Targets
    that never had the version asked for are left out.
    """
    best: dict[str, VersionSeen] = {}
    for one in seen:
        if asked is not None and one.version != asked:
            continue
        held = best.get(one.target)
        if held is None or _rank(one) > _rank(held):
            best[one.target] = one
    return best


def _rank(one: VersionSeen) -> tuple[bool, int, int, str]:
    return bool(one.version), one.last_minute, one.first_minute, one.version


def stratify(
    totals: Iterable[Total],
    judged: Mapping[str, str],
    unnamed: Iterable[Total] = (),
) -> tuple[list[Total], list[Stratum]]:
    """
    Return the totals that count, and what was left out for each target.

    Args:
        totals: All there are.
        judged: The version to judge of each target; one that is not in it has no
            versions, and all its replays count.
        unnamed: Counts without a version, since the judged one was first seen.
    """
    rows = list(totals)
    versions: dict[str, str | None] = {**judged}
    kept = [row for row in rows if versions.get(row.target) in (None, row.version)]
    kept += [
        row
        for row in unnamed
        if judged.get(row.target) and not row.version and _speaks_against(row)
    ]
    targets = sorted({row.target for row in rows} | judged.keys())
    return kept, [_stratum(name, rows, kept, judged) for name in targets]


def _speaks_against(row: Total) -> bool:
    return says(row.outcome, row.reason) is not Says.AGREES


def _stratum(
    target: str, rows: Sequence[Total], kept: Sequence[Total], judged: Mapping[str, str]
) -> Stratum:
    if target not in judged:
        return Stratum(target, "", all_versions=True)
    others: dict[str, int] = {}
    for row in rows:
        if row.target == target and row.version != judged[target]:
            others[row.version] = others.get(row.version, 0) + row.count
    counted = sum(row.count for row in kept if row.target == target and not row.version)
    if judged[target] and counted:
        others[""] = max(0, others.get("", 0) - counted)
    shown = {version: count for version, count in sorted(others.items()) if count}
    return Stratum(target, judged[target], others=shown)


def latencies_of(
    rows: Iterable[LatencyTotal], judged: Mapping[str, str]
) -> list[LatencyTotal]:
    """Return the times that are of the judged version of their target."""
    return [row for row in rows if row.version == judged.get(row.target, row.version)]


def version_at(seen: Iterable[VersionSeen], at: float) -> str:
    """Return the version that had come last at a time; '' where none had a name."""
    minute = int(at // 60)
    come = [one for one in seen if one.version and one.first_minute <= minute]
    return max(come, key=lambda one: one.first_minute).version if come else ""
