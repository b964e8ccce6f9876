"""The page that shows what of the app was put to the test, and what was not."""

from __future__ import annotations

from shadow_middleware.dashboard.screen import Screen, Shown, Visit

__all__ = ["SCREENS"]

_SHOWN = 50


def _coverage(visit: Visit) -> Shown:
    found = visit.reading.coverage(visit.filters.start, target=visit.filters.target)
    values = {
        "coverage": found,
        "limit": visit.number("limit", _SHOWN, least=1),
        "targets": visit.reading.names(),
    }
    return Shown(template="coverage.html", values=values)


SCREENS = (
    Screen(
        name="coverage",
        path="/coverage",
        show=_coverage,
        label="Coverage",
        key="c",
        every=15,
    ),
)
