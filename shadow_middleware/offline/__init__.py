"""
Offline replay: traffic from files through the very pipeline of live mirroring.

    files ─▶ picking ─▶ pace ─▶ Bench (lanes, comparing, judging, groups, store)

Nothing here sends, compares or judges. It reads, keeps time, waits where the lanes are
full, and knows how far it has come.
"""

from __future__ import annotations

from shadow_middleware.offline.pace import Pace
from shadow_middleware.offline.picking import Picked, Picks
from shadow_middleware.offline.reading import recorded_in
from shadow_middleware.offline.replay import Offline, Plan, Progress
from shadow_middleware.offline.survey import Survey, survey

__all__ = [
    "Offline",
    "Pace",
    "Picked",
    "Picks",
    "Plan",
    "Progress",
    "Survey",
    "recorded_in",
    "survey",
]
