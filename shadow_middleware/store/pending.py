"""
What waits to be written: merged, bounded, and never a count forgotten. Pure.

Counts that fit one row of the store become one here, so a store that is away costs
memory by distinct keys and not by traffic.
"""

from __future__ import annotations

from collections import deque
from typing import Final, TypeVar

from msgspec.structs import replace

from shadow_middleware.evidence import (
    OVERFLOW,
    Batch,
    Count,
    DivergenceRecord,
    LatencyCount,
    Loss,
    Mark,
    Passed,
    Place,
    Progress,
    Settlement,
)
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import Sample
from shadow_middleware.store.pending_knowledge import PendingKnowledge

__all__ = ["BUFFER_FULL", "REFUSED", "Pending", "outcomes_in", "samples_of", "weight"]

BUFFER_FULL: Final = "buffer_full"
REFUSED: Final = "refused"

HOUR: Final = 60

CountKey = tuple[int, str, str, Outcome, str, str]
LatencyKey = tuple[int, str, str, str, int, str]
Samples = tuple[Sample, ...]
K = TypeVar("K", CountKey, LatencyKey, tuple[int, str, str])


class Pending:
    """
    Evidence on its way to the store. Not safe on several threads by itself.

    Args:
        most: Divergences held, those handed out by `take` and not yet released too.
        most_bytes: Their weight in all.
        most_keys: Distinct counts, and distinct latency buckets, told apart; beyond,
            they go on under the route `(other)`, beyond twice as many also by the hour
            and without a reason, and beyond three times without a version. Of what
            was learned, distinct keys of each sort.
    """

    def __init__(self, most: int, most_bytes: int, most_keys: int) -> None:
        self.lost_samples = 0
        self._most = most
        self._most_bytes = most_bytes
        self._most_keys = most_keys
        self._held = 0
        self._held_bytes = 0
        self._sealed: deque[Batch] = deque()
        self._divergences: deque[tuple[DivergenceRecord, Samples]] = deque()
        self._knowledge = PendingKnowledge(most_keys)
        self._losses: dict[tuple[int, str, str], int] = {}
        self._clear_sums()

    def _clear_sums(self) -> None:
        self._counts: dict[CountKey, int] = {}
        self._latencies: dict[LatencyKey, int] = {}
        self._progress: dict[tuple[str, str], Progress] = {}
        self._settlements: dict[tuple[str, str], Settlement] = {}
        self._mark: Mark | None = None
        self._places: dict[tuple[str, int], Place] = {}
        self._passed: list[Passed] = []

    def __bool__(self) -> bool:
        return bool(
            self._counts
            or self._divergences
            or self._latencies
            or self._progress
            or self._settlements
            or self._losses
            or self._sealed
            or self._mark
            or self._places
            or self._passed
            or self._knowledge
        )

    @property
    def lost_knowledge(self) -> int:
        """How much of what was learned did not fit."""
        return self._knowledge.lost

    def add(self, batch: Batch) -> None:
        """Take in a batch; what exceeds the bounds is counted as lost."""
        self._add_settlements(batch)
        for count in batch.counts:
            self._add_count(count)
        for latency in batch.latencies:
            self._add_latency(latency)
        for progress in batch.progress:
            self._add_progress(progress)
        for loss in batch.losses:
            _add(self._losses, (loss.minute, loss.target, loss.reason), loss.count)
        samples = samples_of(batch)
        for record in batch.divergences:
            ours = samples.get((record.exchange_id, record.target), ())
            self._add_divergence(record, ours)
        self._knowledge.add(batch)
        # It speaks of all before it, so with the sums of all the newest one holds.
        self._mark = batch.mark or self._mark
        for place in batch.places:
            self._places[place.stream, place.partition] = place
        self._passed += batch.passed

    def _add_settlements(self, batch: Batch) -> None:
        for one in batch.settlements:
            key = (one.session, one.target)
            if key in self._progress:
                # A settlement is of what came before it: that must be written first.
                self._sealed.append(self._take_sums())
            before = self._settlements.get(key)
            if before is None or before.handed < one.handed:
                self._settlements[key] = one

    def _add_count(self, one: Count) -> None:
        held = len(self._counts)
        key = (
            one.minute,
            one.target,
            one.route,
            one.outcome,
            one.reason,
            one.version,
        )
        if held >= self._most_keys and key not in self._counts:
            key = (*key[:2], OVERFLOW, one.outcome, one.reason, one.version)
            if held >= 2 * self._most_keys:
                version = self._told_apart(one.version, held)
                hour = one.minute - one.minute % HOUR
                key = (hour, one.target, OVERFLOW, one.outcome, OVERFLOW, version)
        _add(self._counts, key, one.count)

    def _add_latency(self, one: LatencyCount) -> None:
        held = len(self._latencies)
        key = (
            one.window,
            one.target,
            one.route,
            one.leg,
            one.bucket,
            one.version,
        )
        if held >= self._most_keys and key not in self._latencies:
            key = (*key[:2], OVERFLOW, one.leg, one.bucket, one.version)
            if held >= 2 * self._most_keys:
                version = self._told_apart(one.version, held)
                hour = one.window - one.window % HOUR
                key = (hour, one.target, OVERFLOW, one.leg, one.bucket, version)
        _add(self._latencies, key, one.count)

    def _told_apart(self, version: str, held: int) -> str:
        """Return the version, or what stands for all where a shadow names too many."""
        return OVERFLOW if version and held >= 3 * self._most_keys else version

    def _add_progress(self, one: Progress) -> None:
        key = (one.session, one.target)
        before = self._progress.get(key)
        if before is not None:
            one = replace(
                one,
                selected=max(one.selected, before.selected),
                ended=one.ended + before.ended,
                at=max(one.at, before.at),
            )
        self._progress[key] = one

    def _add_divergence(self, record: DivergenceRecord, samples: Samples) -> None:
        heavy = weight(record)
        if self._held >= self._most or self._held_bytes + heavy > self._most_bytes:
            self.lose(record, BUFFER_FULL)
            return
        self._held += 1
        self._held_bytes += heavy
        self._divergences.append((record, samples))

    def lose(self, record: DivergenceRecord, reason: str) -> None:
        """Count the record as lost; the count itself goes to the store."""
        self.lost_samples += 1
        _add(self._losses, (int(record.at // 60), record.target, reason), 1)

    def take(self, most: int) -> Batch:
        """Hand out what waits, with at most so many divergences."""
        if self._sealed:
            return self._sealed.popleft()
        some = min(most, len(self._divergences))
        taken = [self._divergences.popleft() for _ in range(some)]
        losses = [Loss(*key, count) for key, count in self._losses.items()]
        self._losses = {}
        return replace(
            self._knowledge.take(self._take_sums()),
            divergences=[record for record, _ in taken],
            samples=[sample for _, samples in taken for sample in samples],
            losses=losses,
        )

    def _take_sums(self) -> Batch:
        batch = Batch(
            counts=[
                Count(*key[:5], count, key[5]) for key, count in self._counts.items()
            ],
            latencies=[
                LatencyCount(*key[:5], count, key[5])
                for key, count in self._latencies.items()
            ],
            progress=list(self._progress.values()),
            settlements=list(self._settlements.values()),
            mark=self._mark,
            places=list(self._places.values()),
            passed=self._passed,
        )
        self._clear_sums()
        return batch

    def release(self, batch: Batch) -> None:
        """Free the room of divergences that were handed out."""
        self._held -= len(batch.divergences)
        self._held_bytes -= sum(map(weight, batch.divergences))


def _add(sums: dict[K, int], key: K, count: int) -> None:
    sums[key] = sums.get(key, 0) + count


def samples_of(batch: Batch) -> dict[tuple[str, str], Samples]:
    """Return samples by the divergence they name: they are kept or lost with it."""
    found: dict[tuple[str, str], Samples] = {}
    for sample in batch.samples:
        key = (sample.exchange_id, sample.target)
        found[key] = (*found.get(key, ()), sample)
    return found


def outcomes_in(batch: Batch) -> int:
    """Return how many outcomes the batch counts."""
    return sum(count.count for count in batch.counts)


def weight(record: DivergenceRecord) -> int:
    """Return about how many bytes the record holds."""
    heavy = 1000 + len(record.path)
    for body in (record.request_body, record.live_body, record.shadow_body):
        heavy += len(body)
    for headers in (
        record.request_headers,
        record.live_headers,
        record.shadow_headers,
    ):
        heavy += sum(150 + len(name) + len(value) for name, value in headers)
    for difference in record.differences:
        heavy += 500 + _length(difference.live) + _length(difference.shadow)
    return heavy


def _length(value: object) -> int:
    return len(value) if isinstance(value, str) else 100
