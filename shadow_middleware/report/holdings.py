"""What a store holds for the time that was asked for, as it counts today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from shadow_middleware.evidence import (
    DivergenceRecord,
    Hinted,
    LatencyTotal,
    Loss,
    Progress,
    Total,
)
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import (
    CONTROL,
    Group,
    KnownRoute,
    RouteUse,
    Signature,
    VersionSeen,
)
from shadow_middleware.report.effective import effective, without_control
from shadow_middleware.report.versions import Stratum, latencies_of, stratify

__all__ = ["SILENT_AFTER", "Holdings", "Insight", "as_it_counts", "of_versions"]

SILENT_AFTER = 120.0
"""Seconds without a word after which a session is taken for dead."""


class Insight(msgspec.Struct, frozen=True, kw_only=True):
    """What is known by now of the groups that divergences are counted under."""

    signatures: Sequence[Signature] = ()
    groups: Sequence[Group] = ()
    explained: Mapping[str, str] = {}
    """Groups that do not count, by fingerprint, with the reason: see `effective`."""


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What a store holds for the time that was asked for, as it counts today."""

    totals: Sequence[Total]
    """Of the shadows."""
    control: Sequence[Total] = ()
    """Of the control, which is no shadow."""
    turned: Mapping[str, int] = {}
    """For each target, how many divergences count as noise since they were counted."""
    insight: Insight = Insight()
    latencies: Sequence[LatencyTotal] = ()
    divergences: Sequence[DivergenceRecord] = ()
    """The newest first; a sample where the store holds more."""
    hinted: Sequence[Hinted] = ()
    """Hints of those divergences, where they themselves are not held."""
    losses: Sequence[Loss] = ()
    stored: int = 0
    """How many divergences the store holds for the time; 0 where that is unknown."""
    progress: Sequence[Progress] = ()
    """Of every session, whatever the time that was asked for."""
    versions: Sequence[VersionSeen] = ()
    """Of every target, whatever the time that was asked for."""
    strata: Sequence[Stratum] = ()
    """Which version of each target is held, where that is one alone."""
    newest: int | None = None
    """The last minute with a count, whatever the time that was asked for."""
    routes: Sequence[KnownRoute] = ()
    """What the app's router lists."""
    uses: Sequence[RouteUse] = ()
    """What live traffic used."""
    probed: bool = True
    """Whether noise was measured at all: by a control, or by asking a shadow twice."""
    now: float = 0.0
    """When all this was read, in Unix seconds."""

    def open_accounts(self, target: str) -> tuple[int, int]:
        """Return what is in flight, and what silent sessions leave unaccounted for."""
        in_flight = unaccounted = 0
        for session in self.progress:
            if session.target == target:
                still_open = max(0, session.selected - session.ended)
                if self.now - session.at > SILENT_AFTER:
                    unaccounted += still_open
                else:
                    in_flight += still_open
        return in_flight, unaccounted


def as_it_counts(held: Holdings) -> Holdings:
    """Return the holdings with the counts as they count today, the control apart."""
    insight = held.insight
    shadows, control = without_control(held.totals)
    totals = effective(shadows, insight.signatures, insight.explained)
    return msgspec.structs.replace(
        held,
        totals=totals,
        control=control,
        turned=_turned(shadows, totals),
        latencies=[row for row in held.latencies if row.target != CONTROL],
        divergences=[row for row in held.divergences if row.target != CONTROL],
        losses=[row for row in held.losses if row.target != CONTROL],
        progress=[row for row in held.progress if row.target != CONTROL],
        versions=[row for row in held.versions if row.target != CONTROL],
    )


def _turned(before: Iterable[Total], after: Iterable[Total]) -> dict[str, int]:
    turned = _divergences(before)
    for target, count in _divergences(after).items():
        turned[target] -= count
    return {target: count for target, count in turned.items() if count}


def _divergences(totals: Iterable[Total]) -> dict[str, int]:
    counts: dict[str, int] = {}
    divergence = Outcome.DIVERGENCE
    for row in totals:
        if row.outcome is divergence:
            counts[row.target] = counts.get(row.target, 0) + row.count
    return counts


def of_versions(
    held: Holdings, judged: Mapping[str, str], unnamed: Sequence[Total] = ()
) -> Holdings:
    """
    Return the holdings of the versions to judge alone.

    Args:
        held: All there is, as it counts.
        judged: The version of each target; see `stratify`.
        unnamed: Counts without a version since the judged one was first seen.
    """
    insight = held.insight
    late = effective(unnamed, insight.signatures, insight.explained)
    totals, strata = stratify(held.totals, judged, late)
    return msgspec.structs.replace(
        held,
        totals=totals,
        strata=strata,
        latencies=latencies_of(held.latencies, judged),
    )
