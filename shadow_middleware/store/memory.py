"""Evidence in memory: for tests, and for those who keep nothing."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from shadow_middleware.evidence import (
    ANY,
    LATENCY_WINDOW,
    NO_ROUTE,
    SETTLED,
    Batch,
    Count,
    Counted,
    DivergenceFilter,
    Hinted,
    Progress,
    Purged,
    Settlement,
    StoredDivergence,
)
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import DAY
from shadow_middleware.store import rows
from shadow_middleware.store.memory_knowledge import drop, is_ruled
from shadow_middleware.store.memory_sums import Key, MemorySums

__all__ = ["MemoryStore"]


class MemoryStore(MemorySums):
    """
    A store, a reader, a curator, a purger and a list of runs that forgets at exit.

    Args:
        most_divergences: Those held; then the oldest number goes.
        most_keys: Distinct counts, and distinct latency buckets, held; then the
            oldest minutes go. As many of each sort of what was learned.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        *,
        most_divergences: int = 1_000,
        most_keys: int = 100_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(most_keys, clock)
        self._most_divergences = most_divergences
        self._most_keys = most_keys
        self._numbers = itertools.count(1)
        self._turns: dict[str, int] = {}
        self._clear_sums()

    def _clear(self) -> None:
        super()._clear()
        self._clear_sums()

    def _clear_sums(self) -> None:
        self._counts: dict[Key, int] = {}
        self._latencies: dict[Key, int] = {}
        self._losses: dict[Key, int] = {}
        self._progress: dict[tuple[str, str], Progress] = {}
        self._stored: dict[tuple[str, str], StoredDivergence] = {}

    def write(self, batch: Batch) -> None:
        """Add the batch to what is there, all of it or nothing."""
        prepared = rows.divergence_rows(batch)
        with self._lock:
            if batch.writer:
                if self._turns.get(batch.writer, 0) >= batch.number:
                    return
                self._turns[batch.writer] = batch.number
            self._moved["written"] += 1
            for settlement in batch.settlements:
                self._settle(settlement)
            _add(self._counts, rows.count_rows(batch))
            _add(self._latencies, rows.latency_rows(batch))
            _add(self._losses, rows.loss_rows(batch))
            for row in rows.progress_rows(batch):
                self._advance(Progress(**row))
            for row in prepared:
                self._keep(row)
            self._learn(batch)
            self._advance_mark(batch.mark)
            self._forget()

    def _settle(self, one: Settlement) -> None:
        at, key = one.minute * 60.0, (one.session, one.target)
        opened_now = one.opens and key not in self._progress
        self._advance(Progress(*key, one.handed, 0, at))
        missing = 0 if opened_now else one.handed - self._progress[key].ended
        if missing > 0 or opened_now:
            ended = msgspec.structs.replace(self._progress[key], ended=one.handed)
            self._progress[key] = ended
        if missing > 0:
            dropped = Count(
                one.minute, one.target, NO_ROUTE, Outcome.DROPPED, SETTLED, missing
            )
            _add(self._counts, rows.count_rows(Batch(counts=[dropped])))

    def _advance(self, one: Progress) -> None:
        key = (one.session, one.target)
        both = [self._progress[key], one] if key in self._progress else [one]
        self._progress[key] = Progress(
            one.session,
            one.target,
            max(progress.selected for progress in both),
            sum(progress.ended for progress in both),
            max(progress.at for progress in both),
        )

    def _keep(self, row: dict[str, Any]) -> None:
        key = (row["exchange_id"], row["target"])
        if key not in self._stored:
            kept = msgspec.json.decode(rows.dump_json(row))
            record = rows.to_record(kept)
            self._stored[key] = StoredDivergence(next(self._numbers), record)

    def _forget(self) -> None:
        if len(self._stored) > self._most_divergences:
            while len(self._stored) > self._most_divergences:
                del self._stored[next(iter(self._stored))]
            self._forget_samples()
        for sums in (self._counts, self._latencies, self._losses):
            while len(sums) > self._most_keys:
                oldest = min(key[0] for key in sums)
                _remove(sums, oldest + 1)

    def _forget_samples(self) -> int:
        """Forget the samples whose divergence is gone."""
        gone = [
            key
            for key, row in self._samples.items()
            if (row["exchange_id"], row["target"]) not in self._stored
        ]
        for key in gone:
            del self._samples[key]
        return len(gone)

    def counted(self, since: int | None = None, route: str | None = None) -> Counted:
        """Return the counts and how far each session has come, of one moment."""
        with self._lock:
            return Counted(self.totals(since, route=route), self.progress())

    def progress(self, target: str | None = None) -> list[Progress]:
        """Return how far each session has come with each target, in all."""
        with self._lock:
            return [
                self._progress[key]
                for key in sorted(self._progress)
                if target is None or key[1] == target
            ]

    def divergences(
        self,
        where: DivergenceFilter = ANY,
        *,
        limit: int = 50,
        offset: int = 0,
        whole: bool = True,
    ) -> list[StoredDivergence]:
        """Return divergences that fit `where`, the newest first."""
        found = self._fitting(where)[offset : offset + limit]
        return found if whole else [rows.in_short(one) for one in found]

    def hinted(self, where: DivergenceFilter = ANY, *, limit: int) -> list[Hinted]:
        """Return the hints of the newest divergences that fit `where`, so many of them."""
        newest = (one.record for one in self._fitting(where)[:limit])
        found = Counter((one.target, one.hint) for one in newest if one.hint)
        return [Hinted(*name, found[name]) for name in sorted(found)]

    def count_divergences(self, where: DivergenceFilter = ANY) -> int:
        """Return how many stored divergences fit `where`."""
        return len(self._fitting(where))

    def _fitting(self, where: DivergenceFilter) -> list[StoredDivergence]:
        with self._lock:
            ours = {
                (row["exchange_id"], row["target"])
                for row in self._samples.values()
                if row["fingerprint"] == where.group
            }
            found = [
                one
                for key, one in self._stored.items()
                if _fits(one, where) and (where.group is None or key in ours)
            ]
        return sorted(found, key=_age, reverse=True)

    def newest_samples(self, groups: Collection[str]) -> dict[str, StoredDivergence]:
        """Return the newest sample of each group that has one, without its answers."""
        found = {one: self.samples(one) for one in groups}
        return {name: rows.in_short(some[0]) for name, some in found.items() if some}

    def samples(self, group: str) -> list[StoredDivergence]:
        """Return the stored divergences that stand for a group, the newest first."""
        return self.divergences(DivergenceFilter(group=group))

    def find(self, key: str, *, limit: int = 20) -> list[StoredDivergence]:
        """Return the divergences that a row's number or an exchange id names."""
        with self._lock:
            by_number = [one for one in self._stored.values() if str(one.id) == key]
            begins = [
                self._stored[name]
                for name in sorted(self._stored)
                if name[0].startswith(key)
            ]
        return by_number or begins[:limit]

    def span(self) -> tuple[int, int] | None:
        """Return the first and the last minute with a count; None without any."""
        with self._lock:
            minutes = [key[0] for key in self._counts]
        return (min(minutes), max(minutes)) if minutes else None

    def purge(
        self,
        before: float | None = None,
        keep: int | None = None,
        most_bytes: int | None = None,
    ) -> Purged:
        """Remove what is older than `before`, and divergences beyond the bounds."""
        removed = [
            view._purge_stored(None if run else before, keep, most_bytes)
            for run, view in list(self._views.items())
        ]
        with self._lock:
            self._moved["written"] += 1
            purged = Purged(
                divergences=sum(divergences for divergences, _ in removed),
                samples=sum(samples for _, samples in removed),
            )
            if before is None:
                return purged
            purged = msgspec.structs.replace(purged, runs=self._purge_runs(before))
            return self._purge_learned(before, self._purge_sums(before, purged))

    def _purge_stored(
        self, before: float | None, keep: int | None, most_bytes: int | None
    ) -> tuple[int, int]:
        newest_first = self._fitting(ANY)
        kept = newest_first if keep is None else newest_first[: max(keep, 0)]
        if most_bytes is not None:
            weights = itertools.accumulate(rows.weight_of(one.record) for one in kept)
            kept = [
                one
                for one, so_far in zip(kept, weights, strict=True)
                if so_far <= most_bytes
            ]
        if before is not None:
            kept = [one for one in kept if one.record.at >= before]
        gone = {one.id for one in newest_first} - {one.id for one in kept}
        with self._lock:
            self._stored = {
                key: one for key, one in self._stored.items() if one.id not in gone
            }
            return len(gone), self._forget_samples()

    def _purge_sums(self, before: float, purged: Purged) -> Purged:
        minute = int(before // 60)
        silent = [key for key, one in self._progress.items() if one.at < before]
        for key in silent:
            del self._progress[key]
        return msgspec.structs.replace(
            purged,
            counts=_remove(self._counts, minute),
            latencies=_remove(self._latencies, minute - LATENCY_WINDOW + 1),
            losses=_remove(self._losses, minute),
            progress=len(silent),
        )

    def _purge_learned(self, before: float, purged: Purged) -> Purged:
        day = int(before // DAY)
        counted = {
            key[4]
            for view in self._views.values()
            for key in view._counts
            if key[3] == Outcome.DIVERGENCE
        }
        return msgspec.structs.replace(
            purged,
            noise=drop(self._noise, lambda row: row["day"] < day)
            + drop(self._bases, lambda row: row["day"] < day),
            uses=drop(self._uses, lambda row: row["day"] < day),
            rule_hits=drop(self._hits, lambda row: row["last_at"] < before),
            groups=self._purge_groups(before),
            signatures=drop(
                self._signatures,
                lambda row: row["at"] < before and row["signature"] not in counted,
            ),
        )

    def _purge_groups(self, before: float) -> int:
        used = {
            row["fingerprint"]
            for view in self._views.values()
            for table in (view._noise, view._counted)
            for row in table.values()
        }
        return drop(
            self._groups,
            lambda row: (
                row["last_at"] < before
                and not is_ruled(row)
                and not row["note"]
                and row["fingerprint"] not in used
            ),
        )

    def time(self) -> float:
        """Return what time it is, in Unix seconds."""
        return self._clock()

    def close(self) -> None:
        """Do nothing: what is kept stays readable."""


def _add(sums: dict[Key, int], prepared: list[dict[str, Any]]) -> None:
    for row in prepared:
        *names, count = row.values()
        key = tuple(names)
        sums[key] = sums.get(key, 0) + count


def _remove(sums: dict[Key, int], before: int) -> int:
    old = [key for key in sums if key[0] < before]
    for key in old:
        del sums[key]
    return len(old)


def _fits(one: StoredDivergence, where: DivergenceFilter) -> bool:
    record = one.record
    return (
        all(
            wanted is None or wanted == found
            for wanted, found in (
                (where.target, record.target),
                (where.route, record.route),
                (where.live_status, record.live_status),
                (where.shadow_status, record.shadow_status),
            )
        )
        and (where.since is None or record.at >= where.since)
        and (where.until is None or record.at < where.until)
    )


def _age(one: StoredDivergence) -> tuple[float, int]:
    return one.record.at, one.id
