"""Which targets hold now: those of the settings, as the store has changed and added."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

import msgspec

from shadow_middleware.exchange import CALL_URL, CONTROL
from shadow_middleware.settings import Settings, Target
from shadow_middleware.targets.allowed import refusal_of
from shadow_middleware.targets.words import (
    FOLLOWED,
    Health,
    StoredTarget,
    TargetHealth,
    TargetsState,
)

__all__ = ["Held", "Origin", "Why", "holding"]


class Origin(enum.StrEnum):
    """Where a target comes from."""

    SETTINGS = "settings"
    CHANGED = "changed"
    """From the settings, and the store has something to say of it."""
    ADDED = "added"
    """From the store alone."""


class Why(enum.StrEnum):
    """Why a target gets no copies, the strongest reason first."""

    NOT_ALLOWED = "not_allowed"
    """`target_allow` has no place for its URL: it is never sent anything."""
    SWITCHED_OFF = "switched_off"
    DISABLED = "disabled"
    GONE = "gone"
    FAILING = "failing"
    """It gets one probe now and then."""
    NOTHING = ""
    """It gets its copies."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One target as it holds now."""

    target: Target
    """With all that the store says in place."""
    origin: Origin
    why: Why = Why.NOTHING
    problem: str = ""
    """What of the stored one does not hold here, in words: a URL that is not allowed."""
    stored: StoredTarget | None = None
    health: TargetHealth
    """Of its URL; where hosts differ, the worst of them."""

    @property
    def has_lane(self) -> bool:
        """Whether exchanges are counted for it, sent or not."""
        return self.why is not Why.NOT_ALLOWED

    @property
    def wants_copies(self) -> bool:
        """Whether live has to capture for it: no person has said otherwise."""
        stopped = (Why.NOT_ALLOWED, Why.SWITCHED_OFF, Why.DISABLED)
        return self.why not in stopped


def holding(settings: Settings, state: TargetsState) -> list[Held]:
    """
    Return every target of the settings, then those that the store adds, by name.

    What the store says of names that are neither is left out: it is meant for others.
    """
    rows = {row.name: row for row in state.targets}
    own = settings.all_targets
    held = [_held(settings, one, rows.get(one.name), state) for one in own]
    if any(one.url == CALL_URL for one in own):
        return held  # what calls a function has no requests to send anywhere
    names = {CONTROL, *(one.name for one in own)}
    added = [row for row in state.targets if row.url and row.name not in names]
    return held + [_added(settings, row, state) for row in added]


def _held(
    settings: Settings, own: Target, row: StoredTarget | None, state: TargetsState
) -> Held:
    target, problem = own, ""
    if row is not None:
        said = _said(row)
        if row.url and (problem := refusal_of(settings, row.url)):
            del said["url"]
        target = msgspec.structs.replace(own, **said)
    return _judged(
        target, state, Origin.CHANGED if row else Origin.SETTINGS, row, problem
    )


def _added(settings: Settings, row: StoredTarget, state: TargetsState) -> Held:
    target = Target(name=row.name, **_said(row))
    problem = refusal_of(settings, target.url)
    return _judged(target, state, Origin.ADDED, row, problem)


def _said(row: StoredTarget) -> dict[str, Any]:
    return {
        name: value for name in FOLLOWED if (value := getattr(row, name)) is not None
    }


def _judged(
    target: Target,
    state: TargetsState,
    origin: Origin,
    row: StoredTarget | None,
    problem: str,
) -> Held:
    health = _worst(target, state.health)
    why = Why.NOTHING
    if problem and origin is Origin.ADDED:
        why = Why.NOT_ALLOWED
    elif not state.switch.on:
        why = Why.SWITCHED_OFF
    elif not target.enabled:
        why = Why.DISABLED
    elif health.health is not Health.HEALTHY:
        why = Why(health.health.value)
    return Held(
        target=target,
        origin=origin,
        why=why,
        problem=problem,
        stored=row,
        health=health,
    )


_ORDER = (Health.HEALTHY, Health.FAILING, Health.GONE)


def _worst(target: Target, known: Iterable[TargetHealth]) -> TargetHealth:
    ours = [one for one in known if (one.target, one.url) == (target.name, target.url)]
    unknown = TargetHealth(target=target.name, url=target.url)
    return max(ours, key=lambda one: _ORDER.index(one.health), default=unknown)
