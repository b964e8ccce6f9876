"""A run that is killed and resumed: real processes, a real store, kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from shadow_middleware.store.sql import SqlStore
from shadow_middleware.testing import ShadowServer
from shadow_middleware.testing.behaviours import slow
from shadow_middleware.testing.wire import Reply
from tests.offline.recordings import recorded, written

ROOT = Path(__file__).parents[2]


def replaying(*arguments: str) -> subprocess.Popen[str]:
    """Begin a replay in a process of its own."""
    command = [sys.executable, "-m", "shadow_middleware.cli.main", "replay", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_killed_run_goes_on_and_no_write_is_sent_twice(tmp_path: Path) -> None:
    """Every record has one outcome in the end, whatever the kill took with it."""
    records = [
        recorded(n, "POST" if n % 3 else "GET", f"/items/{n}", key=f"k{n % 11}")
        for n in range(900)
    ]
    path = written(tmp_path / "t.ndjson.zst", records)
    url = f"sqlite:///{tmp_path / 'store.db'}"
    where = ("--store", url, "--json")
    with ShadowServer(slow(0.005, Reply.json({"ok": True}))) as shadow:
        first = replaying(
            str(path), "--target", shadow.url, "--methods", "GET,POST",
            "--speed", "max", "--workers", "4", *where,
        )  # fmt: skip
        shadow.wait_for(250, 60.0)
        os.kill(first.pid, signal.SIGKILL)
        first.communicate(timeout=60)
        before = len(shadow.received)
        store = SqlStore(url)
        [run] = store.runs()

        again = replaying("--resume", run.id, *where)
        said = again.communicate(timeout=120)[1]
        sent = Counter((one.method, one.target) for one in shadow.received)

    assert again.returncode in (0, 3), said
    assert 250 <= before < 900
    assert {1} == {n for (method, _), n in sent.items() if method == "POST"}
    totals = store.of_run(run.id).totals()
    assert 900 == sum(row.count for row in totals)
    assert {("match", ""), ("skipped", "fate_unknown")} >= {
        (row.outcome.value, row.reason) for row in totals
    }
    unsent = sum(row.count for row in totals if row.reason == "fate_unknown")
    # What was under way, what was claimed ahead, and what the last half second held.
    assert unsent < 500
    assert 900 - unsent <= len(sent) <= 900
    assert [(900, 900)] == [
        (one.selected, one.ended) for one in store.of_run(run.id).progress()
    ]
    store.close()
