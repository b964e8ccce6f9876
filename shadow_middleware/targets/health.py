"""
How a target comes to fail, to be gone and to recover: a state machine without a clock.

    healthy ──failed──▶ failing ──probe answered──▶ healthy
                          │  ▲ claim, probe failed
                          └──probe failed after `fail_after`──▶ gone ──revived──▶ healthy

Stores apply it under a lock of theirs, so any number of agents share one machine.
"""

from __future__ import annotations

import msgspec

from shadow_middleware.targets.words import (
    Happening,
    Health,
    HealthEvent,
    TargetHealth,
)

__all__ = ["after", "revival_of"]


def after(before: TargetHealth, event: HealthEvent, now: float) -> TargetHealth | None:
    """
    Return how a target fares after an event; None where the event changes nothing.

    None is also the answer to a claim that somebody else was faster with, and to the
    end of a probe that is no longer the one that counts.
    """
    match event.what:
        case Happening.FAILED:
            return _failed(before, event, now)
        case Happening.CLAIM:
            return _claimed(before, event, now)
        case Happening.PROBE_FAILED:
            return _probe_failed(before, event, now)
        case Happening.PROBE_ANSWERED:
            ours = _is_prober(before, event)
            return _healthy(before, now, "") if ours else None
        case Happening.REVIVED:
            well = before.health is Health.HEALTHY
            return None if well else _healthy(before, now, event.reason)


def _failed(
    before: TargetHealth, event: HealthEvent, now: float
) -> TargetHealth | None:
    if before.health is not Health.HEALTHY:
        return None
    return msgspec.structs.replace(
        before,
        health=Health.FAILING,
        reason=event.reason,
        since=now,
        failing_since=now,
        next_probe=now + event.wait,
        prober="",
        number=before.number + 1,
    )


def _claimed(
    before: TargetHealth, event: HealthEvent, now: float
) -> TargetHealth | None:
    """Give the probe to whoever asks first once it is due; it lapses after the wait."""
    if before.health is not Health.FAILING or now < before.next_probe:
        return None
    return msgspec.structs.replace(
        before,
        next_probe=now + event.wait,
        prober=event.by,
        number=before.number + 1,
    )


def _probe_failed(
    before: TargetHealth, event: HealthEvent, now: float
) -> TargetHealth | None:
    if not _is_prober(before, event):
        return None
    failed = msgspec.structs.replace(
        before,
        reason=event.reason,
        next_probe=now + event.wait,
        prober="",
        number=before.number + 1,
    )
    for_good = event.fail_after > 0 and not event.persistent
    if not for_good or now - before.failing_since < event.fail_after:
        return failed
    return msgspec.structs.replace(
        failed, health=Health.GONE, since=now, next_probe=0.0
    )


def _is_prober(before: TargetHealth, event: HealthEvent) -> bool:
    return before.health is Health.FAILING and before.prober == event.by


def _healthy(before: TargetHealth, now: float, reason: str) -> TargetHealth:
    return TargetHealth(
        target=before.target,
        url=before.url,
        host=before.host,
        reason=reason,
        since=now,
        number=before.number + 1,
    )


def revival_of(health: TargetHealth, by: str) -> HealthEvent:
    """Return what is said where a person has a target get copies again."""
    return HealthEvent(
        target=health.target,
        url=health.url,
        host=health.host,
        what=Happening.REVIVED,
        by=by,
        reason=f"enabled by {by}" if by else "enabled by hand",
    )
