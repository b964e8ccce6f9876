"""Targets as they are known today: who replays to them, and whether they answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from shadow_middleware.evidence import Progress, Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import VersionSeen
from shadow_middleware.report.holdings import SILENT_AFTER
from shadow_middleware.report.judgement import COMPARED, FAILED, HELD_BACK
from shadow_middleware.report.standing import Standing
from shadow_middleware.settings import Settings
from shadow_middleware.target import Target

__all__ = ["Breaker", "Stated", "TargetState", "stated_in", "targets_of"]

_REACHED: Final = (*COMPARED, Outcome.INCOMPARABLE)


class Breaker(msgspec.Struct, frozen=True):
    """What the last minutes say of a target's circuit breaker."""

    state: str
    """`open` where replays were not sent because of it and none got an answer since,
    `opened` where both is so, `closed`, or `unknown` where nothing ended."""
    not_sent: int
    failed: int
    answered: int


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """What holds of a target: what the settings say, and what was set at run time."""

    address: str
    enabled: bool
    """False mirrors nothing to it."""
    rate: float
    """Share of keys, or of requests, that it gets: 0 to 1."""
    share: float = 1.0
    """The same of what is mirrored at all."""
    rate_limit: float = 0.0
    """Replays a second at most; 0 is no limit."""
    methods: tuple[str, ...]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    persistent: bool = False
    """Whether it is probed for ever, however long it fails."""
    concurrency: int
    """Replays in flight at once."""
    total_timeout: float
    """Seconds from start to last byte."""
    breaker_failures: int
    """Failures in a row that open the breaker; 0 never opens it."""
    breaker_retry_after: float
    """Seconds that an open breaker waits before one probe."""


class TargetState(msgspec.Struct, frozen=True, kw_only=True):
    """One target, as far as the evidence tells."""

    target: str
    address: str
    """Where it is; '' where the settings here do not name it."""
    stated: Stated | None = None
    """None where the settings here do not name it; other processes may have others."""
    standing: Standing | None = None
    """What was set at run time, and how it fares; None where neither is known."""
    breaker: Breaker
    """Of the last minutes."""
    sessions: int
    """Live processes that were heard of in the last minutes."""
    last_at: float | None
    """When any was last heard of, in Unix seconds."""
    in_flight: int
    versions: Sequence[VersionSeen]
    """The latest seen first."""


def stated_in(
    settings: Settings, targets: Iterable[Target] | None = None
) -> dict[str, Stated]:
    """Return what holds of each target; left out, those are the settings' own."""
    return {
        one.name: Stated(
            address=one.url,
            enabled=settings.enabled and one.enabled,
            rate=settings.rate * one.rate,
            share=one.rate,
            rate_limit=one.rate_limit,
            methods=one.methods or settings.methods,
            include=one.include,
            exclude=one.exclude,
            persistent=one.persistent,
            concurrency=one.concurrency or settings.concurrency,
            total_timeout=one.total_timeout or settings.total_timeout,
            breaker_failures=settings.breaker_failures,
            breaker_retry_after=settings.breaker_retry_after,
        )
        for one in (settings.all_targets if targets is None else targets)
    }


def targets_of(
    recent: Iterable[Total],
    progress: Iterable[Progress],
    versions: Iterable[VersionSeen],
    stated: Mapping[str, Stated],
    now: float,
    standings: Mapping[str, Standing] = {},
) -> list[TargetState]:
    """
    Return every target that is named anywhere, by name.

    Args:
        recent: What ended in the last minutes.
        progress: How far each live process has come.
        versions: Every version of each target.
        stated: What the settings say of those that they name.
        now: In Unix seconds.
        standings: What was set at run time, and how targets fare.
    """
    rows, sessions, seen = list(recent), list(progress), list(versions)
    names = (
        {row.target for row in rows}
        | {one.target for one in sessions}
        | {one.target for one in seen}
        | stated.keys()
        | standings.keys()
    )
    return [
        _state(
            name,
            stated.get(name),
            standings.get(name),
            _breaker(row for row in rows if row.target == name),
            [one for one in sessions if one.target == name],
            [one for one in seen if one.target == name],
            now,
        )
        for name in sorted(names)
    ]


def _state(
    name: str,
    stated: Stated | None,
    standing: Standing | None,
    breaker: Breaker,
    sessions: Sequence[Progress],
    versions: Sequence[VersionSeen],
    now: float,
) -> TargetState:
    alive = [one for one in sessions if now - one.at <= SILENT_AFTER]
    set_here = standing.stored if standing is not None else None
    return TargetState(
        target=name,
        address=stated.address if stated else (set_here and set_here.url) or "",
        stated=stated,
        standing=standing,
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
        elif row.outcome in FAILED:
            failed += row.count
        elif row.reason in HELD_BACK:
            not_sent += row.count
    state = "closed" if answered or failed else "unknown"
    if not_sent:
        state = "opened" if answered else "open"
    return Breaker(state, not_sent, failed, answered)
