"""Targets at run time, in memory: the same contract as in a database."""

from __future__ import annotations

from collections.abc import Callable

from shadow_middleware.store import target_rows as rows
from shadow_middleware.store.memory_knowledge import MemoryKnowledge
from shadow_middleware.store.rows import fit
from shadow_middleware.targets import (
    HealthEvent,
    StoredTarget,
    Switch,
    TargetChange,
    TargetHealth,
    TargetsState,
    after,
    revival_of,
)

__all__ = ["MemoryTargets"]


class MemoryTargets(MemoryKnowledge):
    """The part of `MemoryStore` that knows targets; live and all runs share it."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        super().__init__(most, clock)
        self._targets: dict[str, StoredTarget] = {}
        self._health: dict[tuple[str, ...], TargetHealth] = {}
        self._switches: dict[str, Switch] = {}

    def targets_state(self) -> TargetsState:
        """Return all that is known of targets, in one reading."""
        with self._lock:
            return TargetsState(
                targets=tuple(self._targets[name] for name in sorted(self._targets)),
                health=tuple(self._health[key] for key in sorted(self._health)),
                switch=self._switches.get("all", Switch()),
                now=self._clock(),
            )

    def change_target(self, change: TargetChange) -> StoredTarget:
        """Make the change, whoever else changes the target now; return what it is."""
        name = fit(change.name)
        with self._lock:
            self._moved["decided"] += 1
            before = self._targets.get(name, StoredTarget(name=name))
            target = rows.to_target(rows.target_row(change.of(before)))
            self._targets[name] = target
            if change.enabled is True or isinstance(change.url, str):
                self._revive(name, change.by)
        return target

    def _revive(self, name: str, by: str) -> None:
        for one in [one for one in self._health.values() if one.target == name]:
            self._happen(revival_of(one, by))

    def remove_target(self, name: str) -> bool:
        """Forget what was set of a target and how it fares; False where nothing was."""
        with self._lock:
            self._moved["decided"] += 1
            for key in [key for key in self._health if key[0] == fit(name)]:
                del self._health[key]
            return self._targets.pop(fit(name), None) is not None

    def turn_switch(self, switch: Switch) -> None:
        """Turn the switch over all targets."""
        with self._lock:
            self._moved["decided"] += 1
            self._switches["all"] = rows.to_switch(rows.switch_row(switch))

    def health_event(self, event: HealthEvent) -> TargetHealth | None:
        """Take in an event; return how the target fares now, None if nothing changed."""
        with self._lock:
            return self._happen(event)

    def _happen(self, event: HealthEvent) -> TargetHealth | None:
        key = rows.health_key(event)
        at = tuple(key.values())
        before = self._health.get(at) or TargetHealth(**key)
        fares = after(before, event, self._clock())
        if fares is not None:
            self._moved["decided"] += 1
            self._health[at] = rows.to_health(rows.health_row(fares))
        return fares
