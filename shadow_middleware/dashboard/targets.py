"""The page of targets: where they are, whether they answer, who replays to them."""

from __future__ import annotations

from shadow_middleware.dashboard.screen import Screen, Shown, Visit

__all__ = ["SCREENS"]


def _targets(visit: Visit) -> Shown:
    return Shown(template="targets.html", values={"rows": visit.reading.targets()})


SCREENS = (
    Screen(
        name="targets",
        path="/targets",
        show=_targets,
        label="Targets",
        key="t",
        every=5,
    ),
)
