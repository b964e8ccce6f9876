"""The first page: may it be promoted, how much agrees, and is mirroring harmless."""

from __future__ import annotations

import msgspec

from shadow_middleware.dashboard.curves import Curves, curves_of
from shadow_middleware.dashboard.screen import Screen, Shown, Visit
from shadow_middleware.reading import Overview
from shadow_middleware.report.summary import TargetSummary
from shadow_middleware.report.verdict import TargetVerdict

__all__ = ["SCREENS", "Card", "cards_of"]


class Card(msgspec.Struct, frozen=True):
    """All that is shown of one target."""

    summary: TargetSummary
    verdict: TargetVerdict | None
    series: Curves | None


def cards_of(visit: Visit, found: Overview) -> list[Card]:
    """Return what there is to show of each target."""
    reading, filters = visit.reading, visit.filters
    verdicts = {one.target: one for one in found.verdict.targets}
    return [
        Card(
            one,
            verdicts.get(one.target),
            curves_of(
                reading.series(filters.start, target=one.target, route=filters.route)
            ),
        )
        for one in found.summary.targets
    ]


def _overview(visit: Visit) -> Shown:
    filters = visit.filters
    found = visit.reading.overview(
        filters.start, target=filters.target, route=filters.route, whole=False
    )
    cards = cards_of(visit, found)
    values = {
        # A target of which nothing ended in this time would be a page of dashes.
        "cards": [one for one in cards if one.summary.selected],
        "control": found.summary.control,
        "targets": visit.reading.names(),
    }
    return Shown(template="overview.html", values=values)


SCREENS = (
    Screen(
        name="overview",
        path="/",
        show=_overview,
        label="Overview",
        key="o",
        every=5,
        ready=True,
    ),
)
