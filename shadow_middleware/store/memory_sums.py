"""Counts and latencies in memory, summed over any time: the same contract as in SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from shadow_middleware.evidence import (
    LATENCY_WINDOW,
    LatencyTotal,
    Loss,
    StepLatency,
    StepTotal,
    Total,
)
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import CONTROL, VersionSeen
from shadow_middleware.store import rows
from shadow_middleware.store.memory_runs import MemoryRuns

__all__ = ["Key", "MemorySums"]

Key = tuple[Any, ...]


class MemorySums(MemoryRuns):
    """The part of `MemoryStore` that is counted by the minute."""

    _counts: dict[Key, int]
    _latencies: dict[Key, int]
    _losses: dict[Key, int]

    def versions(
        self, target: str | None = None, since: int | None = None
    ) -> list[VersionSeen]:
        """Return every version of each target, the latest seen first."""
        seen: dict[tuple[str, str], VersionSeen] = {}
        for key, number in self._between(self._counts, since, None, target):
            if key[3] not in rows.UNSENT:
                one = VersionSeen(key[1], key[5], key[0], key[0], number)
                before = seen.get((one.target, one.version), one)
                seen[one.target, one.version] = VersionSeen(
                    one.target,
                    one.version,
                    min(one.first_minute, before.first_minute),
                    max(one.last_minute, before.last_minute),
                    number + (0 if before is one else before.count),
                )
        names = sorted(seen.values(), key=lambda one: (one.target, one.version))
        return sorted(names, key=lambda one: one.last_minute, reverse=True)

    def totals(
        self,
        since: int | None = None,
        until: int | None = None,
        target: str | None = None,
        route: str | None = None,
        version: str | None = None,
    ) -> list[Total]:
        """Return the counts, summed over minutes; versions stay apart."""
        found = self._between(self._counts, since, until, target, route)
        return [
            Total(key[0], key[1], Outcome(key[2]), key[3], count, key[4])
            for key, count in _summed(found)
            if version in (None, key[4])
        ]

    def route_totals(
        self, since: int | None = None, target: str | None = None
    ) -> list[Total]:
        """Return the counts of each route, from the minute `since` on, in few rows."""
        sums: Counter[tuple[str, str, Outcome, str]] = Counter()
        for one in self.totals(since, target=target):
            reason = "" if one.outcome is Outcome.DIVERGENCE else one.reason
            sums[one.target, one.route, one.outcome, reason] += one.count
        return [Total(*key, count) for key, count in sorted(sums.items())]

    def latencies(
        self,
        since: int | None = None,
        until: int | None = None,
        target: str | None = None,
        route: str | None = None,
        *,
        together: bool = False,
    ) -> list[LatencyTotal]:
        """Return the latency buckets, summed over windows; versions stay apart."""
        if since is not None:
            since -= since % LATENCY_WINDOW
        found = self._between(self._latencies, since, until, target, route)
        if together and route is None:
            found = [((*key[:2], "", *key[3:]), count) for key, count in found]
        return [
            LatencyTotal(key[0], key[1], key[2], key[3], count, key[4])
            for key, count in _summed(found)
        ]

    def outcomes_by_step(
        self,
        steps: Sequence[range],
        target: str | None = None,
        route: str | None = None,
    ) -> list[StepTotal]:
        """Return the counts of each step, divergences without their reasons."""
        sums: Counter[tuple[int, str, str, str]] = Counter()
        for start, key, count in self._stepped(self._counts, steps, target, route):
            reason = "" if key[3] == Outcome.DIVERGENCE else key[4]
            sums[start, key[1], key[3], reason] += count
        return [
            StepTotal(start, name, Outcome(outcome), reason, count)
            for (start, name, outcome, reason), count in sorted(sums.items())
        ]

    def divergences_by_step(
        self,
        steps: Sequence[range],
        reasons: Collection[str],
        target: str | None = None,
        route: str | None = None,
    ) -> list[StepTotal]:
        """Return the divergences of each step that are counted under the reasons."""
        sums: Counter[tuple[int, str]] = Counter()
        for start, key, count in self._stepped(self._counts, steps, target, route):
            if key[3] == Outcome.DIVERGENCE and key[4] in reasons:
                sums[start, key[1]] += count
        return [
            StepTotal(start, name, Outcome.DIVERGENCE, "", count)
            for (start, name), count in sorted(sums.items())
        ]

    def latencies_by_step(
        self,
        steps: Sequence[range],
        target: str | None = None,
        route: str | None = None,
    ) -> list[StepLatency]:
        """Return the latency buckets of each step, which are of whole windows."""
        sums: Counter[tuple[int, str, str, int]] = Counter()
        for start, key, count in self._stepped(self._latencies, steps, target, route):
            sums[start, key[1], key[3], key[4]] += count
        return [StepLatency(*key, count) for key, count in sorted(sums.items())]

    def _stepped(
        self,
        sums: dict[Key, int],
        steps: Sequence[range],
        target: str | None,
        route: str | None,
    ) -> Iterator[tuple[int, Key, int]]:
        """Yield rows of the shadows with the start of the step that they are in."""
        size = len(steps[0])
        found = self._between(sums, steps[0].start, steps[-1].stop, target, route)
        for key, count in found:
            if target is not None or key[1] != CONTROL:
                yield key[0] - key[0] % size, key, count

    def losses(
        self,
        since: int | None = None,
        until: int | None = None,
        target: str | None = None,
    ) -> list[Loss]:
        """Return the lost samples, by minute."""
        found = self._between(self._losses, since, until, target)
        return [Loss(key[0], key[1], key[2], count) for key, count in sorted(found)]

    def _between(
        self,
        sums: dict[Key, int],
        since: int | None,
        until: int | None,
        target: str | None,
        route: str | None = None,
    ) -> list[tuple[Key, int]]:
        with self._lock:
            return [
                (key, count)
                for key, count in sums.items()
                if (since is None or key[0] >= since)
                and (until is None or key[0] < until)
                and (target is None or key[1] == target)
                and (route is None or key[2] == route)
            ]


def _summed(found: Iterable[tuple[Key, int]]) -> list[tuple[Key, int]]:
    sums: dict[Key, int] = {}
    for (_, *rest), count in found:
        key = tuple(rest)
        sums[key] = sums.get(key, 0) + count
    return sorted(sums.items())
