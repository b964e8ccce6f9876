"""Offline replays in memory: the same contract as in a database."""

from __future__ import annotations

import copy
from typing import Any, Self

from msgspec.structs import replace

from shadow_middleware.evidence import Mark, Run
from shadow_middleware.store.memory_targets import MemoryTargets

__all__ = ["MemoryRuns"]


class MemoryRuns(MemoryTargets):
    """The part of `MemoryStore` that knows runs. All of them are in one memory."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._run = ""
        self._runs: dict[str, Run] = {}
        self._marks: dict[str, Mark] = {}
        self._views: dict[str, Any] = {"": self}

    def _clear(self) -> None:
        """Forget the evidence of one run: that of this view."""
        self._clear_learned()

    def of_run(self, run: str) -> Self:
        """Return the same store for the evidence of one run; '' is live's."""
        with self._lock:
            if run not in self._views:
                other = self._views[run] = copy.copy(self)
                other._run = run
                other._clear()
            view: Self = self._views[run]
            return view

    def begin_run(self, run: Run) -> None:
        """Take note of a run that begins."""
        with self._lock:
            self._runs[run.id] = run
            self._marks[run.id] = Mark()

    def keep_run(self, run: Run) -> None:
        """Take note of what a run says of itself now."""
        with self._lock:
            if run.id in self._runs:
                self._runs[run.id] = run

    def claim(self, run: str, place: int) -> None:
        """Take note that no write of the run is sent from `place` on."""
        with self._lock:
            before = self._marks.get(run)
            if before is not None:
                self._marks[run] = replace(before, claimed=place)

    def _advance_mark(self, mark: Mark | None) -> None:
        """Take note of how far the run has come. The lock is held."""
        before = self._marks.get(self._run)
        if mark is not None and before is not None:
            self._marks[self._run] = replace(mark, claimed=before.claimed)
            heard = max(self._clock(), self._runs[self._run].at)
            self._runs[self._run] = replace(self._runs[self._run], at=heard)

    def mark(self, run: str) -> Mark | None:
        """Return how far a run has come; None where there is none."""
        with self._lock:
            return self._marks.get(run)

    def runs(self) -> list[Run]:
        """Return every run, the latest begun first."""
        with self._lock:
            found = sorted(self._runs.values(), key=lambda one: one.id)
        return sorted(found, key=lambda one: one.started_at, reverse=True)

    def remove_run(self, run: str) -> bool:
        """Remove a run and all that was counted in it; False where there is none."""
        with self._lock:
            return self._remove_run(run)

    def _remove_run(self, run: str) -> bool:
        view = self._views.pop(run, None) if run else None
        if view is not None:
            view._clear()
        self._marks.pop(run, None)
        return self._runs.pop(run, None) is not None

    def _purge_runs(self, before: float) -> int:
        """Remove the runs of which nothing was heard since. The lock is held."""
        old = [one.id for one in self._runs.values() if one.at < before]
        return sum(self._remove_run(run) for run in old)
