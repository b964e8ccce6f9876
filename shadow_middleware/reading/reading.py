"""
Everything that faces show of a store, each as the value that `report` makes of it.

Times are Unix seconds; None is from the beginning. A target or route that was never
seen reads as one of which nothing is held. Every method raises StoreError where the
store cannot be read, and may be called from any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

import msgspec

from shadow_middleware.evidence import (
    NO_ROUTE,
    DivergenceFilter,
    StoredDivergence,
)
from shadow_middleware.judge import Policy as NoisePolicy
from shadow_middleware.knowledge import CONTROL, DAY, MANY, GroupFilter
from shadow_middleware.reading.held import holdings, judged
from shadow_middleware.reading.knowing import (
    GroupDetail,
    group_detail,
    groups_fitting,
    noise_known,
    rules_known,
    suggestion,
)
from shadow_middleware.reading.learned import noise_now, route_totals, rows_of
from shadow_middleware.reading.over_time import Series, series_of
from shadow_middleware.reading.remembering import Look, looking, remembered
from shadow_middleware.report.coverage import Coverage, coverage_of
from shadow_middleware.report.examples import Example, example_of
from shadow_middleware.report.groups import GroupRow
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.report.noise import NoiseSummary
from shadow_middleware.report.policy import Policy
from shadow_middleware.report.rule_list import RuleRow
from shadow_middleware.report.standing import standings_of
from shadow_middleware.report.stats import Stats, stats_of
from shadow_middleware.report.suggest import Suggestion
from shadow_middleware.report.summary import Summary, summarise
from shadow_middleware.report.targets import TargetState, stated_in, targets_of
from shadow_middleware.report.verdict import Verdict
from shadow_middleware.report.verdict import verdict as judge
from shadow_middleware.settings import Settings
from shadow_middleware.store.base import Reader, Targets
from shadow_middleware.targets import Switch, TargetsState, holding

__all__ = ["DivergencePage", "Overview", "Reading", "Series"]

T = TypeVar("T")

_STEPS = 60
_REMEMBERED = 10.0
"""Seconds for which what has the time of day in it is not made again."""
_DAY_LONG = 3_600.0
"""The same, where only the day is."""
_RECENT = 5
"""Minutes in which a breaker or a session is looked for."""


class Overview(msgspec.Struct, frozen=True):
    """What became of all replays, and what to do about it."""

    summary: Summary
    verdict: Verdict


class DivergencePage(msgspec.Struct, frozen=True):
    """Some stored divergences, the newest first."""

    rows: list[StoredDivergence]
    total: int
    """All that fit."""


class Source(Reader, Targets, Protocol):
    """A store that is read: evidence, and what was set of targets."""


class Reading:
    """
    Reads one store for any number of faces.

    Args:
        reader: The store. It stays the caller's to close.
        settings: How noise is told, and which targets have which address.
        policy: What is asked of a shadow where nothing else is said.
        now: The clock.
    """

    def __init__(
        self,
        reader: Source,
        settings: Settings | None = None,
        policy: Policy | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.reader = reader
        self.settings = settings or Settings()
        self.policy = policy or Policy()
        self._now = now

    def look(self) -> AbstractContextManager[Look]:
        """Have all that this thread reads meanwhile be of one look; see `looking`."""
        return looking(self.reader)

    def summary(
        self,
        since: float | None = None,
        *,
        target: str | None = None,
        route: str | None = None,
        top: int = 10,
        whole: bool = True,
    ) -> Summary:
        """
        Return what became of all replays, with `top` groups for each target.

        Unless it is to be `whole`, routes and what stored divergences show are left out:
        that is most of the work.
        """
        return self._kept(
            ("summary", _minute(since), target, route, top, whole),
            lambda: summarise(
                self._held(since, target, route, whole=whole),
                top,
                routes=whole or route is not None,
            ),
        )

    def overview(
        self,
        since: float | None = None,
        *,
        target: str | None = None,
        route: str | None = None,
        whole: bool = True,
    ) -> Overview:
        """Return the summary and the verdict; `whole` is as for both."""
        return Overview(
            self.summary(since, target=target, route=route, whole=whole),
            self.verdict(since=since, target=target, route=route, whole=whole),
        )

    def verdict(
        self,
        policy: Policy | None = None,
        *,
        since: float | None = None,
        target: str | None = None,
        route: str | None = None,
        whole: bool = True,
    ) -> Verdict:
        """
        Return what to do about each target, by its latest version.

        Unless it is to be `whole`, the latency of routes is looked at only where the
        policy asks something of it, routes have no intervals for one look, and groups no
        examples.
        """
        asked = policy or self.policy
        start, read = self._fresh(since, asked), whole or asked.times_routes
        return self._kept(
            ("verdict", _minute(start), target, route, asked, whole),
            lambda: judge(
                judged(
                    self.reader, self._held(start, target, route, whole=read), start
                ),
                asked,
                one_look=whole,
            ),
        )

    def _held(
        self,
        since: float | None,
        target: str | None,
        route: str | None,
        *,
        whole: bool = True,
    ) -> Holdings:
        return holdings(self.reader, since, target, route, self.settings, whole=whole)

    def _kept(
        self, key: Hashable, make: Callable[[], T], seconds: float = _REMEMBERED
    ) -> T:
        """Return what was made before, unless something was written since."""
        key = (key, NoisePolicy.of(self.settings))
        return remembered(self.reader, key, make, seconds)

    def _fresh(self, since: float | None, policy: Policy) -> float | None:
        if policy.freshness_seconds is None:
            return since
        return max(since or 0.0, self._now() - policy.freshness_seconds)

    def stats(
        self,
        since: float | None = None,
        *,
        target: str | None = None,
        route: str | None = None,
        recent: int = 10,
    ) -> Stats:
        """Return the few figures of scripts and status pages."""
        return self._kept(
            ("stats", _minute(since), target, route, recent),
            lambda: self._stats(since, target, route, recent),
        )

    def _stats(
        self, since: float | None, target: str | None, route: str | None, recent: int
    ) -> Stats:
        held = self._held(since, target, route, whole=False)
        where = DivergenceFilter(target=target, route=route, since=since)
        newest = [
            one
            for one in self.reader.divergences(where, limit=recent, whole=False)
            if one.record.target != CONTROL
        ]
        span = self.reader.span()
        first = None if span is None else max(span[0], _minute(since) or 0)
        return stats_of(held, newest, first)

    def coverage(
        self,
        since: float | None = None,
        *,
        target: str | None = None,
        enough: int = 1,
    ) -> Coverage:
        """Return what of the app was put to the test; uses count by whole days."""
        return self._kept(
            ("coverage", _minute(since), target, enough),
            lambda: self._coverage(since, target, enough),
            _DAY_LONG,
        )

    def _coverage(
        self, since: float | None, target: str | None, enough: int
    ) -> Coverage:
        return coverage_of(
            self.reader.routes(),
            self.reader.uses(None if since is None else int(since // DAY)),
            self.reader.route_totals(_minute(since), target),
            enough=enough,
        )

    def series(
        self,
        since: float | None = None,
        *,
        target: str | None = None,
        route: str | None = None,
        steps: int = _STEPS,
    ) -> Series:
        """Return a target over time in at most so many steps, up to the last minute."""
        return self._kept(
            ("series", _minute(since), target, route, steps),
            lambda: self._series(since, target, route, steps),
            _DAY_LONG,
        )

    def _series(
        self, since: float | None, target: str | None, route: str | None, steps: int
    ) -> Series:
        span = self.reader.span()
        if span is None:
            return Series([], [])
        minutes = range(max(span[0], _minute(since) or 0), span[1] + 1)
        if not minutes:
            return Series([], [])
        return series_of(self.reader, self.settings, minutes, target, route, steps)

    def targets(self) -> list[TargetState]:
        """Return every target as it is known now."""
        now = self._now()
        state = self._set()
        held = holding(self.settings, state)
        recent = self.reader.totals(int(now // 60) - _RECENT)
        progress = [one for one in self.reader.progress() if one.target != CONTROL]
        return targets_of(
            [row for row in recent if row.target != CONTROL],
            progress,
            [one for one in self.reader.versions() if one.target != CONTROL],
            stated_in(self.settings, [one.target for one in held]),
            now,
            standings_of(held, state),
        )

    def switch(self) -> Switch:
        """Return the switch over all targets."""
        return self._set().switch

    def _set(self) -> TargetsState:
        return self.reader.targets_state()

    def addresses(self) -> Mapping[str, str]:
        """Return where each target is, as far as settings and store name it."""
        held = holding(self.settings, self._set())
        return {one.target.name: one.target.url for one in held if one.has_lane}

    def names(self) -> list[str]:
        """Return the names of all targets that anything is held of."""
        return self._kept("names", self._names, _DAY_LONG)

    def _names(self) -> list[str]:
        found = {one.target for one in self.reader.progress()}
        found |= {one.target for one in self.reader.versions()}
        return sorted(found - {CONTROL})

    def route_names(self) -> list[str]:
        """Return the routes that anything is held of, by name."""
        names = {row.route for row in route_totals(self.reader)}
        return sorted(names - {NO_ROUTE, MANY})

    def groups(self, where: GroupFilter | None = None) -> list[GroupRow]:
        """Return the groups that fit, those with the most divergences first."""
        return groups_fitting(self.reader, self.settings, where or GroupFilter())

    def group_page(
        self, where: GroupFilter, *, limit: int = 50, offset: int = 0
    ) -> tuple[list[GroupRow], int]:
        """Return some of the groups that fit, whatever their state, and how many do."""
        some = self.reader.groups(where, limit=limit, offset=offset)
        rows = rows_of(self.reader, some, noise_now(self.reader, self.settings))
        return rows, self.reader.count_groups(where)

    def group(self, fingerprint: str) -> GroupDetail | None:
        """Return the group of that whole fingerprint; None where there is none."""
        return self._kept(
            ("group", fingerprint),
            lambda: group_detail(self.reader, self.settings, fingerprint),
            _DAY_LONG,
        )

    def examples(self, fingerprints: Iterable[str]) -> dict[str, Example]:
        """Return what both sides said once, by group; one without samples is not in it."""
        names = tuple(fingerprints)
        key = ("examples", names)
        return self._kept(key, lambda: self._examples(names), _DAY_LONG)

    def _examples(self, fingerprints: Collection[str]) -> dict[str, Example]:
        newest = self.reader.newest_samples(fingerprints)
        found = ((name, example_of([one], name)) for name, one in newest.items())
        return {name: one for name, one in found if one is not None}

    def noise(self) -> NoiseSummary:
        """Return what was learned of noise, and how it is held today."""
        return noise_known(self.reader, self.settings)

    def rules(self) -> list[RuleRow]:
        """Return every rule with what it took away so far."""
        return rules_known(self.reader, self.settings)

    def suggestions(self, target: str | None = None) -> Suggestion:
        """Return the fewest rules that would explain the noise seen so far."""
        return self._kept(
            ("suggestions", target),
            lambda: suggestion(self.reader, self.settings, target),
            _DAY_LONG,
        )

    def divergences(
        self, where: DivergenceFilter, *, limit: int = 50, offset: int = 0
    ) -> DivergencePage:
        """Return some of the divergences that fit."""
        rows = self.reader.divergences(where, limit=limit, offset=offset)
        return DivergencePage(rows, self.reader.count_divergences(where))

    def divergence(self, key: str) -> list[StoredDivergence]:
        """Return the divergences of a number or an exchange id; [] where none is."""
        return self.reader.find(key)


def _minute(since: float | None) -> int | None:
    return None if since is None else int(since // 60)
