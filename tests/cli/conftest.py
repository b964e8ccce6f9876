"""A store with known evidence, and a way to run commands on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shadow_middleware.cli.main import app
from shadow_middleware.evidence import Batch, Count, LatencyCount, Progress
from shadow_middleware.exchange import Difference, Kind, Outcome, Part
from shadow_middleware.report.sketch import bucket_of, window_of
from shadow_middleware.store.sql import SqlStore
from tests.report.records import record
from tests.shared import copied

Run = Callable[..., Result]

EVIL = "\x1b[31m[bold]/evil"


@pytest.fixture
def empty_url(empty_store: Path, tmp_path: Path) -> str:
    """Give the address of a store with tables and nothing in them."""
    return copied(empty_store, tmp_path / "evidence.db")


@pytest.fixture
def url(empty_url: str) -> str:
    """Give the address of a store that `evidence` is in."""
    store = SqlStore(empty_url)
    store.write(evidence(time.time()))
    store.close()
    return empty_url


@pytest.fixture
def tea(tea_store: Path, tmp_path: Path) -> str:
    """Give the address of a store of its own with what became of real traffic."""
    return copied(tea_store, tmp_path / "tea.db")


def words(result: Result) -> str:
    """Return all that was printed as one line, without the boxes around errors."""
    return " ".join(result.output.replace("│", "").split())


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Give what runs a command, in a folder of its own and 120 columns wide."""
    monkeypatch.chdir(tmp_path)

    def run_one(*arguments: str, columns: int = 120) -> Result:
        environment = {"COLUMNS": str(columns)}
        return CliRunner(env=environment).invoke(app, arguments)

    return run_one


def evidence(now: float) -> Batch:
    """Return 95 matches, 5 divergences on two routes, both legs, an open account."""
    minute = int(now // 60)

    def count(route: str, outcome: Outcome, number: int, reason: str = "") -> Count:
        return Count(minute, "shadow", route, outcome, reason, number)

    def times(leg: str, ms: float) -> LatencyCount:
        window, bucket = window_of(minute), bucket_of(ms * 1e3)
        return LatencyCount(window, "shadow", "GET /a", leg, bucket, 95)

    missing = Difference(Part.HEADER, "cache-control", Kind.MISSING, "no-store")
    return Batch(
        counts=[
            count("GET /a", Outcome.MATCH, 95),
            count("GET /a", Outcome.DIVERGENCE, 3),
            count("GET /b/{id}", Outcome.DIVERGENCE, 2),
            count("GET /b/{id}", Outcome.TIMEOUT, 1, "read"),
        ],
        latencies=[times("live", 2), times("shadow", 30)],
        divergences=[
            record("aa-1", at=now - 10),
            record("aa-2", at=now - 7200, path="/old"),
            record(
                "bb-1",
                (missing, Difference(Part.STATUS, "", Kind.CHANGED, 200, 404)),
                at=now - 5,
                route="GET /b/{id}",
                path=EVIL,
                shadow_status=404,
                hint="a hint (`credentials`)",
                live_headers=[("Cache-Control", "no-store"), ("Server", EVIL)],
                cut=True,
                after_drop=True,
            ),
        ],
        progress=[Progress("aa", "shadow", 105, 101, now)],
    )
