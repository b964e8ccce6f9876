"""The first page: may it be promoted, how much agrees, and is mirroring harmless."""

from __future__ import annotations

import msgspec

from shadow_middleware.dashboard.curves import Curves, curves_of
from shadow_middleware.dashboard.screen import Screen, Shown, Visit
from shadow_middleware.report.summary import Summary, TargetSummary
from shadow_middleware.report.verdict import TargetVerdict

__all__ = ["SCREENS", "Card", "cards_of"]


class Card(msgspec.Struct, frozen=True):
    """All that is shown of one target."""

    summary: TargetSummary
    verdict: TargetVerdict | None
    series: Curves | None


def cards_of(visit: Visit, summary: Summary) -> list[Card]:
    """Return what there is to show of each target of the summary."""
    reading, filters = visit.reading, visit.filters
    judged = reading.verdict(
        since=filters.start, target=filters.target, route=filters.route
    )
    verdicts = {one.target: one for one in judged.targets}
    return [
        Card(
            one,
            verdicts.get(one.target),
            curves_of(
                reading.series(filters.start, target=one.target, route=filters.route)
            ),
        )
        for one in summary.targets
    ]


def _overview(visit: Visit) -> Shown:
    filters = visit.filters
    summary = visit.reading.summary(
        filters.start, target=filters.target, route=filters.route
    )
    values = {
        "cards": cards_of(visit, summary),
        "control": summary.control,
        "targets": visit.reading.names(),
    }
    return Shown(template="overview.html", values=values)


SCREENS = (
    Screen(
        name="overview", path="/", show=_overview, label="Overview", key="o", every=5
    ),
)
