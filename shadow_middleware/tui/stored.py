"""Evidence for the screens, straight from a store."""

from __future__ import annotations

from collections.abc import Callable

from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.knowledge import GroupFilter, GroupState, NoiseRuling
from shadow_middleware.reading import Overview, Reading, Steering, Triage
from shadow_middleware.reading.knowing import GroupDetail
from shadow_middleware.reading.triage import Job
from shadow_middleware.report.search import in_group, in_noise, in_route
from shadow_middleware.tui.source import (
    GroupQuery,
    GroupWindow,
    NoiseWindow,
    RouteRow,
    RouteWindow,
    TargetList,
)

__all__ = ["StoreSource"]

_BY = "watch"


class StoreSource:
    """
    A source over what is read of a store.

    Args:
        reading: What is read.
        triage: Where decisions go.
        since: Returns from when on evidence counts, in Unix seconds, or None.
    """

    def __init__(
        self,
        reading: Reading,
        triage: Triage,
        since: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._reading = reading
        self._triage = triage
        self._since = since
        self._steering = Steering(reading.reader, reading.settings)

    def overview(self) -> Overview:
        """Return the totals and the verdict."""
        since = self._since()
        return self._reading.overview(since)

    def groups(self, query: GroupQuery, limit: int, offset: int) -> GroupWindow:
        """Return the groups that fit, those with the most divergences first."""
        where = GroupFilter(route=query.route, since=self._since(), with_noise=True)
        rows = [
            row
            for row in self._reading.groups(where)
            if row.state in query.states and in_group(query.words, row)
        ]
        return GroupWindow(tuple(rows[offset : offset + limit]), len(rows))

    def group(self, fingerprint: str) -> GroupDetail | None:
        """Return one group; None where it is not there any more."""
        return self._reading.group(fingerprint)

    def divergence(self, number: int) -> StoredDivergence | None:
        """Return one divergence; None where it is not kept any more."""
        found = self._reading.divergence(str(number))
        return found[0] if found and found[0].id == number else None

    def routes(self, words: tuple[str, ...], limit: int, offset: int) -> RouteWindow:
        """Return the routes that fit, the busiest first."""
        rows = [
            RouteRow(target.target, route)
            for target in self._reading.summary(self._since()).targets
            for route in target.routes
            if in_route(words, target.target, route.route)
        ]
        rows.sort(key=lambda row: -row.summary.count)
        return RouteWindow(tuple(rows[offset : offset + limit]), len(rows))

    def noise(self, words: tuple[str, ...], limit: int, offset: int) -> NoiseWindow:
        """Return what was learned of noise, by target, route and place."""
        summary = self._reading.noise()
        rows = [row for row in summary.rows if in_noise(words, row)]
        some = tuple(rows[offset : offset + limit])
        return NoiseWindow(some, len(rows), summary.compared)

    def targets(self) -> TargetList:
        """Return how every target stands, and the switch over all of them."""
        return TargetList(tuple(self._reading.targets()), self._reading.switch())

    def enable(self, name: str, enabled: bool, note: str) -> None:
        """Have a target get its copies, or none."""
        said = {"note": note} if note else {}
        self._steering.change({"name": name, "enabled": enabled, **said}, by=_BY)

    def turn(self, on: bool, reason: str) -> None:
        """Turn the switch over all targets."""
        self._steering.turn(on=on, reason=reason, by=_BY)

    def decide(self, fingerprint: str, state: GroupState, note: str) -> bool:
        """Decide about a group; False where it is not there any more."""
        return self._triage.decide(fingerprint, state=state, note=note or None)

    def rule(self, fingerprint: str, ruling: NoiseRuling, note: str) -> bool:
        """Say whether a group is noise; False where it is not there any more."""
        return self._triage.decide(fingerprint, ruling=ruling, note=note or None)

    def add_rules(self, toml: str, note: str) -> int:
        """Add the rules of a TOML text; return how many were not there before."""
        return self._triage.add_rules(toml, note=note)

    def obstacle(self, target: str) -> str:
        """Return why nothing of a target can be sent again from here; '' if it can."""
        return self._triage.obstacle(target)

    def recheck(self, fingerprint: str) -> None:
        """Begin to send the samples of a group to the shadow again."""
        self._triage.recheck(fingerprint, resolve=True)

    def job(self, fingerprint: str) -> Job | None:
        """Return the last recheck of a group; None where nobody asked for one."""
        return self._triage.job(fingerprint)
