"""The words of what the store keeps of targets: what a person set, and how they fare."""

from __future__ import annotations

import enum
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

__all__ = [
    "FOLLOWED",
    "Happening",
    "Health",
    "HealthEvent",
    "StoredTarget",
    "Switch",
    "TargetChange",
    "TargetHealth",
    "TargetsState",
]

Texts = tuple[str, ...]


class StoredTarget(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a person set of one target. A field that is None follows the settings.

    A name that the settings have too stands for their target, and what is said here wins.
    Any other name is a target that only the store knows; it has a `url`.
    """

    name: str
    url: str | None = None
    enabled: bool | None = None
    rate: float | None = None
    """Share of the mirrored exchanges that it gets, 0 to 1."""
    methods: Texts | None = None
    include: Texts | None = None
    exclude: Texts | None = None
    concurrency: int | None = None
    rate_limit: float | None = None
    """Replays a second at most; 0 is no limit."""
    persistent: bool | None = None
    """Whether it is probed for ever, however long it fails."""
    by: str = ""
    """Who changed it last, in their own words."""
    at: float = 0.0
    """When, in Unix seconds."""
    note: str = ""
    """Why, in their own words."""


FOLLOWED: Final = (
    *("url", "enabled", "rate", "methods", "include", "exclude"),
    *("concurrency", "rate_limit", "persistent"),
)
"""The fields that follow the settings where they are None."""


class TargetChange(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a person changes of one target: UNSET stays, None follows the settings again.

    The target is made where the store has none of that name.
    """

    name: str
    url: str | UnsetType | None = UNSET
    enabled: bool | UnsetType | None = UNSET
    """True also forgets that the target has failed or is gone."""
    rate: float | UnsetType | None = UNSET
    methods: Texts | UnsetType | None = UNSET
    include: Texts | UnsetType | None = UNSET
    exclude: Texts | UnsetType | None = UNSET
    concurrency: int | UnsetType | None = UNSET
    rate_limit: float | UnsetType | None = UNSET
    persistent: bool | UnsetType | None = UNSET
    by: str = ""
    at: float = 0.0
    note: str | UnsetType = UNSET

    def of(self, before: StoredTarget) -> StoredTarget:
        """Return the target as it is after the change."""
        said = {
            name: value
            for name in (*FOLLOWED, "note")
            if (value := getattr(self, name)) is not UNSET
        }
        return msgspec.structs.replace(before, **said, by=self.by, at=self.at)


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """The one switch over all targets. Off, nothing is captured and no copy is sent."""

    on: bool = True
    """Whether copies are made."""
    reason: str = ""
    by: str = ""
    at: float = 0.0
    """When it was last turned, in Unix seconds; 0: never."""


class Health(enum.StrEnum):
    """How a target fares."""

    HEALTHY = "healthy"
    FAILING = "failing"
    """It gets no copies but one probe now and then."""
    GONE = "gone"
    """It has failed for so long that it gets none at all, until a person enables it."""


class TargetHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How one address of a target fares, as all agents know it. Times: Unix seconds."""

    target: str
    url: str
    host: str = ""
    """Whose address it is, where the address means another server on each host."""
    health: Health = Health.HEALTHY
    reason: str = ""
    """Of the last failure; of a target that was enabled by hand, who did that."""
    since: float = 0.0
    """When it came to be as it is; 0: it always was."""
    failing_since: float = 0.0
    """When it began to fail; 0 while it is healthy."""
    next_probe: float = 0.0
    """When a probe may be claimed next; 0 where none is due."""
    prober: str = ""
    """Who has claimed the probe that is under way."""
    number: int = 0
    """How often any of this has changed."""


class Happening(enum.StrEnum):
    """What an agent, or a person, has to say of a target's health."""

    FAILED = "failed"
    """It failed so often in a row that it is left alone."""
    CLAIM = "claim"
    """Somebody would send the probe that is due."""
    PROBE_FAILED = "probe_failed"
    PROBE_ANSWERED = "probe_answered"
    REVIVED = "revived"
    """A person enabled it."""


class HealthEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One happening, with all that is needed to say what follows from it."""

    target: str
    url: str
    host: str = ""
    what: Happening
    by: str
    """Who says so: an agent's own name, or a person's."""
    reason: str = ""
    wait: float = 60.0
    """Seconds until the next probe, jitter included."""
    fail_after: float = 1_800.0
    """Seconds of failing after which it is gone; 0: never."""
    persistent: bool = False


class TargetsState(msgspec.Struct, frozen=True, kw_only=True):
    """All that the store knows of targets, in one reading."""

    targets: tuple[StoredTarget, ...] = ()
    """By name."""
    health: tuple[TargetHealth, ...] = ()
    """By name, URL and host."""
    switch: Switch = Switch()
    now: float = 0.0
    """The store's own time of this reading: times in it are told by the same clock."""
