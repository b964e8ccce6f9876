"""
Targets at run time: what a person changes without a deploy, and how each target fares.

`words` is what the store keeps, `health` how a target comes to fail and to recover,
`holding` joins the settings with what is stored, and `allowed` says which addresses may
be added at all. Pure, all of it.
"""

from __future__ import annotations

from shadow_middleware.targets.allowed import refusal_of
from shadow_middleware.targets.health import after, revival_of
from shadow_middleware.targets.holding import Held, Origin, Why, holding
from shadow_middleware.targets.stating import change_of
from shadow_middleware.targets.words import (
    FOLLOWED,
    Happening,
    Health,
    HealthEvent,
    StoredTarget,
    Switch,
    TargetChange,
    TargetHealth,
    TargetsState,
)

__all__ = [
    "FOLLOWED",
    "Happening",
    "Health",
    "HealthEvent",
    "Held",
    "Origin",
    "StoredTarget",
    "Switch",
    "TargetChange",
    "TargetHealth",
    "TargetsState",
    "Why",
    "after",
    "change_of",
    "holding",
    "refusal_of",
    "revival_of",
]
