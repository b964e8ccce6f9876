"""Runs as faces show them, and two of them side by side."""

from __future__ import annotations

import time
from typing import Protocol

import msgspec

from shadow_middleware.evidence import Run, RunState
from shadow_middleware.knowledge import GroupFilter
from shadow_middleware.reading.held import holdings
from shadow_middleware.reading.learned import all_groups, noise_now, rows_of
from shadow_middleware.report.run_diff import RunDiff, Side, run_diff
from shadow_middleware.settings import Settings
from shadow_middleware.store.base import Reader, Runs

__all__ = ["RunRow", "difference", "rows_of_runs"]

_FRESH = 30.0
"""Seconds without a word after which a run is taken for dead."""


class RunReader(Reader, Runs, Protocol):
    """A store with runs."""

    def close(self) -> None:
        """Release every connection."""
        ...


class RunRow(msgspec.Struct, frozen=True):
    """One run, and what became of it."""

    run: Run
    state: str
    """As `Run.state`, and `killed` for one that works no more and did not say so."""
    outcomes: dict[str, int]
    ended: int


def rows_of_runs(store: RunReader, runs: list[Run], settings: Settings) -> list[RunRow]:
    """Return the runs with their outcomes as they count today."""
    return [_row(store, run, settings) for run in runs]


def _row(store: RunReader, run: Run, settings: Settings) -> RunRow:
    held = holdings(store.of_run(run.id), None, None, None, settings, whole=False)
    outcomes: dict[str, int] = {}
    for row in held.totals:
        outcomes[row.outcome.value] = outcomes.get(row.outcome.value, 0) + row.count
    silent = run.state is RunState.RUNNING and time.time() - run.at > _FRESH
    state = "killed" if silent else run.state.value
    return RunRow(run, state, outcomes, sum(outcomes.values()))


def difference(
    store: RunReader, before: Run, after: Run, settings: Settings
) -> RunDiff:
    """Return what changed from one run to another, as both count today."""
    return run_diff(_side(store, before, settings), _side(store, after, settings))


def _side(store: RunReader, run: Run, settings: Settings) -> Side:
    view = store.of_run(run.id)
    held = holdings(view, None, None, None, settings, whole=False)
    noise = noise_now(view, settings)
    groups = rows_of(view, all_groups(view, GroupFilter(with_noise=True)), noise)
    return Side(held.totals, groups)
