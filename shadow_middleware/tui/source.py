"""Where the screens get what they show: one small port, the store's or another."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.knowledge import GroupState, NoiseRuling
from shadow_middleware.reading import Overview
from shadow_middleware.reading.knowing import GroupDetail
from shadow_middleware.reading.triage import Job
from shadow_middleware.report.groups import GroupRow
from shadow_middleware.report.noise import NoiseRow
from shadow_middleware.report.summary import RouteSummary
from shadow_middleware.report.targets import TargetState
from shadow_middleware.targets import Switch

__all__ = [
    "GroupQuery",
    "GroupWindow",
    "NoiseWindow",
    "Overview",
    "RouteRow",
    "RouteWindow",
    "Source",
    "TargetList",
]


class GroupQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which groups are meant."""

    states: tuple[str, ...]
    """Some of `report.groups.STATES`."""
    route: str | None = None
    """Only this one; None is any."""
    words: tuple[str, ...] = ()
    """All of them, in any case, in the id, the target, the route or what changed."""


class GroupWindow(msgspec.Struct, frozen=True):
    """Some of the groups that fit, those with the most divergences first."""

    rows: tuple[GroupRow, ...]
    total: int
    """All that fit."""


class NoiseWindow(msgspec.Struct, frozen=True):
    """Some rows of what was learned of noise."""

    rows: tuple[NoiseRow, ...]
    total: int
    compared: float
    """Exchanges that the whole profile rests on."""


class RouteRow(msgspec.Struct, frozen=True):
    """One route of one target."""

    target: str
    summary: RouteSummary


class RouteWindow(msgspec.Struct, frozen=True):
    """Some of the routes that fit, the busiest first."""

    rows: tuple[RouteRow, ...]
    total: int


class TargetList(msgspec.Struct, frozen=True):
    """Every target, and the switch over all of them."""

    items: tuple[TargetState, ...]
    switch: Switch


class Source(Protocol):
    """
    Evidence for the screens. Called on worker threads, several at once.

    `words` must all be found in a row, in any case. Every method raises
    ShadowMiddlewareError where the source is away, with the reason as its text.
    """

    def overview(self) -> Overview:
        """Return the totals and the verdict."""
        ...

    def groups(self, query: GroupQuery, limit: int, offset: int) -> GroupWindow:
        """Return the groups that fit, those with the most divergences first."""
        ...

    def group(self, fingerprint: str) -> GroupDetail | None:
        """Return one group; None where it is not there any more."""
        ...

    def divergence(self, number: int) -> StoredDivergence | None:
        """Return one divergence; None where it is not kept any more."""
        ...

    def routes(self, words: tuple[str, ...], limit: int, offset: int) -> RouteWindow:
        """Return the routes that fit, the busiest first."""
        ...

    def noise(self, words: tuple[str, ...], limit: int, offset: int) -> NoiseWindow:
        """Return what was learned of noise, by target, route and place."""
        ...

    def targets(self) -> TargetList:
        """Return how every target stands, and the switch over all of them."""
        ...

    def enable(self, name: str, enabled: bool, note: str) -> None:
        """
        Have a target get its copies, or none.

        Raises:
            ConfigurationError: no target has that name any more.
        """
        ...

    def turn(self, on: bool, reason: str) -> None:
        """Turn the switch over all targets."""
        ...

    def decide(self, fingerprint: str, state: GroupState, note: str) -> bool:
        """Decide about a group; False where it is not there any more."""
        ...

    def rule(self, fingerprint: str, ruling: NoiseRuling, note: str) -> bool:
        """Say whether a group is noise; False where it is not there any more."""
        ...

    def add_rules(self, toml: str, note: str) -> int:
        """Add the rules of a TOML text; return how many were not there before."""
        ...

    def obstacle(self, target: str) -> str:
        """Return why nothing of a target can be sent again; '' if it can, or who knows."""
        ...

    def recheck(self, fingerprint: str) -> None:
        """
        Begin to send the samples of a group to the shadow again.

        One that is fixed is resolved.

        Raises:
            ConfigurationError: no shadow is set where it would be sent from.
        """
        ...

    def job(self, fingerprint: str) -> Job | None:
        """Return the last recheck of a group; None where nobody asked for one."""
        ...
