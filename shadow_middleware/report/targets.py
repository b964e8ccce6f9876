"""Targets as they are known today: who replays to them, and whether they answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from shadow_middleware.evidence import Progress, Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import VersionSeen
from shadow_middleware.report.judgement import BREAKER_OPEN

__all__ = ["Breaker", "TargetState", "targets_of"]

_SILENT_AFTER: Final = 120.0
_REACHED: Final = (
    Outcome.MATCH,
    Outcome.NOISE,
    Outcome.DIVERGENCE,
    Outcome.INCOMPARABLE,
)
_FAILED: Final = (Outcome.SHADOW_ERROR, Outcome.TIMEOUT)


class Breaker(msgspec.Struct, frozen=True):
    """What the last minutes say of a target's circuit breaker."""

    state: str
    """`open` where replays were not sent because of it and none got an answer since,
    `opened` where both is so, `closed`, or `unknown` where nothing ended."""
    not_sent: int
    failed: int
    answered: int


class TargetState(msgspec.Struct, frozen=True, kw_only=True):
    """One target, as far as the evidence tells."""

    target: str
    address: str
    """Where it is; '' where the settings here do not name it."""
    breaker: Breaker
    """Of the last minutes."""
    sessions: int
    """Live processes that were heard of in the last minutes."""
    last_at: float | None
    """When any was last heard of, in Unix seconds."""
    in_flight: int
    versions: Sequence[VersionSeen]
    """The latest seen first."""


def targets_of(
    recent: Iterable[Total],
    progress: Iterable[Progress],
    versions: Iterable[VersionSeen],
    addresses: Mapping[str, str],
    now: float,
) -> list[TargetState]:
    """
    Return every target that is named anywhere, by name.

    Args:
        recent: What ended in the last minutes.
        progress: How far each live process has come.
        versions: Every version of each target.
        addresses: Those that the settings name.
        now: In Unix seconds.
    """
    rows, sessions, seen = list(recent), list(progress), list(versions)
    names = (
        {row.target for row in rows}
        | {one.target for one in sessions}
        | {one.target for one in seen}
        | addresses.keys()
    )
    return [
        _state(
            name,
            addresses.get(name, ""),
            _breaker(row for row in rows if row.target == name),
            [one for one in sessions if one.target == name],
            [one for one in seen if one.target == name],
            now,
        )
        for name in sorted(names)
    ]


def _state(
    name: str,
    address: str,
    breaker: Breaker,
    sessions: Sequence[Progress],
    versions: Sequence[VersionSeen],
    now: float,
) -> TargetState:
    alive = [one for one in sessions if now - one.at <= _SILENT_AFTER]
    return TargetState(
        target=name,
        address=address,
        breaker=breaker,
        sessions=len(alive),
        last_at=max((one.at for one in sessions), default=None),
        in_flight=sum(max(0, one.selected - one.ended) for one in alive),
        versions=versions,
    )


def _breaker(rows: Iterable[Total]) -> Breaker:
    not_sent = failed = answered = 0
    for row in rows:
        if row.outcome in _REACHED:
            answered += row.count
        elif row.outcome in _FAILED:
            failed += row.count
        elif row.reason == BREAKER_OPEN:
            not_sent += row.count
    state = "closed" if answered or failed else "unknown"
    if not_sent:
        state = "opened" if answered else "open"
    return Breaker(state, not_sent, failed, answered)
