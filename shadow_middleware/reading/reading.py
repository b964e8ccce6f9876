"""
Everything that faces show of a store, each as the value that `report` makes of it.

Times are Unix seconds; None is from the beginning. A target or route that was never
seen reads as one of which nothing is held. Every method raises StoreError where the
store cannot be read, and may be called from any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from shadow_middleware.evidence import (
    LATENCY_WINDOW,
    DivergenceFilter,
    StoredDivergence,
    Total,
)
from shadow_middleware.knowledge import CONTROL, DAY, MANY, GroupFilter
from shadow_middleware.reading.held import holdings, insight_of, judged
from shadow_middleware.reading.knowing import (
    GroupDetail,
    group_detail,
    groups_fitting,
    noise_known,
    rules_known,
    suggestion,
)
from shadow_middleware.reading.learned import learned_of, rows_of
from shadow_middleware.report.coverage import Coverage, coverage_of
from shadow_middleware.report.effective import effective, without_control
from shadow_middleware.report.examples import Example, example_of
from shadow_middleware.report.groups import GroupRow
from shadow_middleware.report.noise import NoiseSummary
from shadow_middleware.report.policy import Policy
from shadow_middleware.report.rule_list import RuleRow
from shadow_middleware.report.series import (
    Point,
    TimePoint,
    point,
    steps_of,
    time_point,
)
from shadow_middleware.report.stats import Stats, stats_of
from shadow_middleware.report.suggest import Suggestion
from shadow_middleware.report.summary import Summary, summarise
from shadow_middleware.report.targets import TargetState, stated_in, targets_of
from shadow_middleware.report.verdict import Verdict
from shadow_middleware.report.verdict import verdict as judge
from shadow_middleware.settings import Settings
from shadow_middleware.store.base import Reader

__all__ = ["DivergencePage", "Overview", "Reading", "Series"]

_STEPS = 60
_SETTLED = 600.0
"""Seconds after which nothing more is written of a step, as a rule."""
_REMEMBERED = 300.0
"""Seconds for which a step that is over is not read again."""
_PAST = 2_000
_Step = tuple[int, int, str | None, str | None]
_RECENT = 5
"""Minutes in which a breaker or a session is looked for."""


class Series(msgspec.Struct, frozen=True):
    """A target over time."""

    points: list[Point]
    times: list[TimePoint]
    """By longer steps: latency is kept in windows of ten minutes."""
    step: float = 60.0
    """Seconds that each of `points` stands for."""
    times_step: float = 60.0 * LATENCY_WINDOW
    """Seconds that each of `times` stands for."""


class Overview(msgspec.Struct, frozen=True):
    """What became of all replays, and what to do about it."""

    summary: Summary
    verdict: Verdict


class DivergencePage(msgspec.Struct, frozen=True):
    """Some stored divergences, the newest first."""

    rows: list[StoredDivergence]
    total: int
    """All that fit."""


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
        reader: Reader,
        settings: Settings | None = None,
        policy: Policy | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.reader = reader
        self.settings = settings or Settings()
        self.policy = policy or Policy()
        self._now = now
        self._past: dict[_Step, tuple[float, TimePoint | None]] = {}

    def summary(
        self,
        since: float | None = None,
        *,
        target: str | None = None,
        route: str | None = None,
        top: int = 10,
    ) -> Summary:
        """Return what became of all replays, with `top` groups for each target."""
        held = holdings(self.reader, since, target, route, self.settings)
        return summarise(held, top)

    def overview(
        self,
        since: float | None = None,
        *,
        target: str | None = None,
        route: str | None = None,
    ) -> Overview:
        """Return the summary and the verdict, from one reading of the store."""
        held = holdings(self.reader, since, target, route, self.settings)
        start = self._fresh(since, self.policy)
        young = held
        if start != since:
            young = holdings(self.reader, start, target, route, self.settings)
        found = judge(judged(self.reader, young, start), self.policy)
        return Overview(summarise(held), found)

    def verdict(
        self,
        policy: Policy | None = None,
        *,
        since: float | None = None,
        target: str | None = None,
        route: str | None = None,
    ) -> Verdict:
        """Return what to do about each target, by its latest version."""
        asked = policy or self.policy
        start = self._fresh(since, asked)
        held = holdings(self.reader, start, target, route, self.settings)
        return judge(judged(self.reader, held, start), asked)

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
        held = holdings(self.reader, since, target, route, self.settings)
        where = DivergenceFilter(target=target, route=route, since=since)
        newest = [
            one
            for one in self.reader.divergences(where, limit=recent)
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
        totals = self.reader.totals(_minute(since), target=target)
        return coverage_of(
            self.reader.routes(),
            self.reader.uses(None if since is None else int(since // DAY)),
            totals,
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
        span = self.reader.span()
        if span is None:
            return Series([], [])
        first = max(span[0], _minute(since) or 0)
        if first > span[1]:
            return Series([], [])
        short = steps_of(first, span[1], steps)
        long = steps_of(first, span[1], steps, LATENCY_WINDOW)
        return Series(
            self._points(short, target, route),
            self._times(long, target, route),
            60.0 * len(short[0]),
            60.0 * len(long[0]),
        )

    def _points(
        self, steps: Sequence[range], target: str | None, route: str | None
    ) -> list[Point]:
        insight = insight_of(self.reader, learned_of(self.reader, self.settings))
        found = []
        for step in steps:
            rows = self.reader.totals(step.start, step.stop, target)
            shadows, _ = without_control(_of_route(rows, route))
            counted = effective(shadows, insight.signatures, insight.explained)
            found.append(point(step.start * 60.0, counted))
        return found

    def _times(
        self, steps: Sequence[range], target: str | None, route: str | None
    ) -> list[TimePoint]:
        found = [self._time(step, target, route) for step in steps]
        return [one for one in found if one is not None]

    def _time(
        self, step: range, target: str | None, route: str | None
    ) -> TimePoint | None:
        """Return one step; what is long over is remembered, as pages ask again and again."""
        key, now = (step.start, step.stop, target, route), self._now()
        at, known = self._past.get(key, (0.0, None))
        if now - at < _REMEMBERED:
            return known
        rows = [
            row
            for row in self.reader.latencies(step.start, step.stop, target)
            if row.target != CONTROL and route in (None, row.route)
        ]
        made = time_point(step.start * 60.0, rows)
        if step.stop * 60 < now - _SETTLED:
            if len(self._past) >= _PAST:
                self._past.clear()
            self._past[key] = (now, made)
        return made

    def targets(self) -> list[TargetState]:
        """Return every target as it is known now."""
        now = self._now()
        recent = self.reader.totals(int(now // 60) - _RECENT)
        progress = [one for one in self.reader.progress() if one.target != CONTROL]
        return targets_of(
            [row for row in recent if row.target != CONTROL],
            progress,
            [one for one in self.reader.versions() if one.target != CONTROL],
            stated_in(self.settings),
            now,
        )

    def addresses(self) -> Mapping[str, str]:
        """Return where each target is, as far as the settings name it."""
        return {one.name: one.url for one in self.settings.all_targets}

    def names(self) -> list[str]:
        """Return the names of all targets that anything is held of."""
        found = {one.target for one in self.reader.progress()}
        found |= {one.target for one in self.reader.versions()}
        return sorted(found - {CONTROL})

    def route_names(self) -> list[str]:
        """Return the routes that anything is held of, by name."""
        names = {row.route for row in self.reader.totals()}
        return sorted(names - {"-", MANY})

    def groups(self, where: GroupFilter | None = None) -> list[GroupRow]:
        """Return the groups that fit, those with the most divergences first."""
        return groups_fitting(self.reader, self.settings, where or GroupFilter())

    def group_page(
        self, where: GroupFilter, *, limit: int = 50, offset: int = 0
    ) -> tuple[list[GroupRow], int]:
        """Return some of the groups that fit, whatever their state, and how many do."""
        some = self.reader.groups(where, limit=limit, offset=offset)
        rows = rows_of(self.reader, some, learned_of(self.reader, self.settings))
        return rows, self.reader.count_groups(where)

    def group(self, fingerprint: str) -> GroupDetail | None:
        """Return the group of that whole fingerprint; None where there is none."""
        return group_detail(self.reader, self.settings, fingerprint)

    def examples(self, fingerprints: Iterable[str]) -> dict[str, Example]:
        """Return what both sides said once, by group; one without samples is not in it."""
        found = {}
        for one in fingerprints:
            newest = self.reader.divergences(DivergenceFilter(group=one), limit=1)
            if (example := example_of(newest, one)) is not None:
                found[one] = example
        return found

    def noise(self) -> NoiseSummary:
        """Return what was learned of noise, and how it is held today."""
        return noise_known(self.reader, self.settings)

    def rules(self) -> list[RuleRow]:
        """Return every rule with what it took away so far."""
        return rules_known(self.reader, self.settings)

    def suggestions(self, target: str | None = None) -> Suggestion:
        """Return the fewest rules that would explain the noise seen so far."""
        return suggestion(self.reader, self.settings, target)

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


def _of_route(rows: list[Total], route: str | None) -> list[Total]:
    return [row for row in rows if route in (None, row.route)]
