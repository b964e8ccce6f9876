"""Between runs and their rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from shadow_middleware.evidence import Mark, Run, RunState
from shadow_middleware.store.merging import Row

__all__ = ["run_row", "to_mark", "to_run"]


def run_row(run: Run) -> Row:
    """Return what a run says of itself; how far it has come is not told by it."""
    return {
        "id": run.id,
        "run": msgspec.to_builtins(run),
        "started_at": run.started_at,
        "at": run.at,
        "state": str(run.state),
    }


def to_run(row: Mapping[str, Any]) -> Run:
    """Return the run of a row. One that works is heard of by each batch it writes."""
    run = msgspec.convert(row["run"], Run)
    state, at = RunState(row["state"]), max(run.at, row["at"])
    return msgspec.structs.replace(run, state=state, at=at)


def to_mark(row: Mapping[str, Any]) -> Mark:
    """Return how far the run of a row has come."""
    return Mark(int(row["settled"]), tuple(row["beyond"]), int(row["claimed"]))
