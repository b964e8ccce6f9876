"""
The groups that count, with how often: what a person reads, and acts on.

Counted from the totals, so they are of the same time and version as everything
beside them, however few divergences are stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from shadow_middleware.evidence import DivergenceRecord, Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import Group, Signature
from shadow_middleware.report.effective import groups_of
from shadow_middleware.report.judgement import COMPARED
from shadow_middleware.report.wording import what_changed

__all__ = ["Finding", "findings_of", "first_findings", "in_words"]


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One group of divergences that count."""

    group: str
    """Its fingerprint, for `groups show`."""
    target: str
    route: str
    what: str
    """What changed, in words: `body /price: another number`."""
    divergences: int
    """Divergences that show it, of the time and versions in question."""
    share: float | None
    """Of the compared answers of its route; None where none are known."""
    state: str
    """`open`, `resolved` or `regressed`."""
    first_at: float
    last_at: float
    example: str
    """The exchange id of the newest one that is stored, for `divergences show`."""


def findings_of(
    totals: Iterable[Total],
    signatures: Iterable[Signature],
    groups: Iterable[Group],
    explained: Mapping[str, str],
    records: Iterable[DivergenceRecord] = (),
) -> list[Finding]:
    """
    Return the groups that count, those with the most divergences first.

    Args:
        totals: As they count today; divergences among them are all unexplained.
        signatures: What signatures of several groups stand for.
        groups: What is known of the groups.
        explained: Groups that do not count: they are left out.
        records: Stored divergences, the newest first, to take examples from.
    """
    return first_findings(totals, signatures, groups, explained, records)[0]


def first_findings(
    totals: Iterable[Total],
    signatures: Iterable[Signature],
    groups: Iterable[Group],
    explained: Mapping[str, str],
    records: Iterable[DivergenceRecord] = (),
    most: int | None = None,
) -> tuple[list[Finding], int]:
    """Return so many of those that `findings_of` returns, and how many there are."""
    rows = list(totals)
    counts = _counts(rows, signatures, explained)
    counted = [
        one
        for one in {group.fingerprint: group for group in groups}.values()
        if counts.get(one.fingerprint)
    ]
    counted.sort(
        key=lambda one: (-counts[one.fingerprint], one.key.route, one.fingerprint)
    )
    shown = counted[:most]
    compared = _compared(rows, {one.key.route for one in shown})
    examples = _examples(records)
    found = [
        _finding(one, counts[one.fingerprint], compared, examples) for one in shown
    ]
    return found, len(counted)


def _counts(
    rows: Iterable[Total],
    signatures: Iterable[Signature],
    explained: Mapping[str, str],
) -> Counter[str]:
    known = {one.signature: one.groups for one in signatures}
    reasons: dict[str, int] = {}
    divergence = Outcome.DIVERGENCE
    for row in rows:
        if row.outcome is divergence:
            reasons[row.reason] = reasons.get(row.reason, 0) + row.count
    counts: Counter[str] = Counter()
    for reason, count in reasons.items():
        for group in groups_of(reason, known):
            if group not in explained:
                counts[group] += count
    return counts


def _compared(rows: Iterable[Total], routes: set[str]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row.route in routes and row.outcome in COMPARED:
            counts[row.target, row.route] += row.count
    return counts


def _examples(records: Iterable[DivergenceRecord]) -> dict[str, str]:
    found: dict[str, str] = {}
    for record in records:
        for group in record.groups:
            found.setdefault(group, record.exchange_id)
    return found


def _finding(
    group: Group,
    count: int,
    compared: Counter[tuple[str, str]],
    examples: Mapping[str, str],
) -> Finding:
    key = group.key
    traffic = compared[key.target, key.route]
    return Finding(
        group=group.fingerprint,
        target=key.target,
        route=key.route,
        what=what_changed(key),
        divergences=count,
        share=count / traffic if traffic else None,
        state=group.current.value,
        first_at=group.first_at,
        last_at=group.last_at,
        example=examples.get(group.fingerprint, ""),
    )


def in_words(one: Finding) -> str:
    """Return a finding as a reason: `GET /a, body /price: … in 12 divergences (…)`."""
    times = (
        "1 divergence" if one.divergences == 1 else f"{one.divergences:,} divergences"
    )
    return f"{one.route}, {one.what}: {times} (group {one.group}, {one.state})"
