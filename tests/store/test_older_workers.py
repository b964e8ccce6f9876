"""Workers of an older version write on while, and after, the tables become newer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shadow_middleware.evidence import Batch
from shadow_middleware.retention import Keep, What
from shadow_middleware.store.schema import HEAD
from shadow_middleware.store.sql import SqlStore
from tests.store import older_writer
from tests.store.evidence import divergence
from tests.store.test_upgrade import empty_url, upgrade_to

__all__ = ["empty_url"]

UPGRADE = "import sys; from shadow_middleware.store.upgrade import upgrade; upgrade(sys.argv[1])"


@contextmanager
def writing(url: str) -> Iterator[subprocess.Popen[str]]:
    """Run an older worker."""
    command = [sys.executable, str(Path(older_writer.__file__)), url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def told(process: subprocess.Popen[str], number: int) -> None:
    """Wait until it has written so many batches from now on."""
    assert process.stdout is not None
    for _ in range(number):
        line = process.stdout.readline()
        assert line.strip().isdigit(), line


def test_an_older_worker_writes_on_while_two_processes_migrate(empty_url: str) -> None:
    """Both end well, nothing that it wrote is missing, and later all is one."""
    upgrade_to(empty_url, "0005")
    with writing(empty_url) as older:
        told(older, 20)
        command = [sys.executable, "-c", UPGRADE, empty_url]
        migrating = [subprocess.Popen(command) for _ in range(2)]
        assert [0, 0] == [one.wait(120) for one in migrating]
        told(older, 20)
        with closing(SqlStore(empty_url)) as store:
            store.write(Batch(divergences=[divergence()], writer="new", number=1))
        told(older, 20)
        rest, _ = older.communicate(timeout=60)
    lines = rest.split()
    assert all(line.isdigit() for line in lines), rest
    written = int(lines[-1]) if lines else 60

    with closing(SqlStore(empty_url, create=False)) as store:
        counted = sum(one.count for one in store.totals())
        assert written == counted
        assert counted == sum(one.count for one in store.totals(0))
        assert counted == sum(one.count for one in store.route_totals())
        assert counted + 1 == store.count_divergences()
        [session] = store.progress()
        assert (counted, counted) == (session.selected, session.ended)

        assert counted == store.retain(Keep(rows=1, sums_days=1.0)).divergences
        gone = [one for one in store.removals() if one.what is What.OUTCOMES]
        assert counted == sum(one.count for one in gone)
        assert [] == store.totals()


def test_the_frozen_words_are_those_of_that_version(empty_url: str) -> None:
    """They fit its tables, so a failure above is the fault of what came later."""
    upgrade_to(empty_url, "0005")
    with closing(older_writer.connected(empty_url)) as connection:
        older_writer.write(connection, 1)
        older_writer.write(connection, 1)
        found = connection.execute("SELECT sum(count) FROM shadow_count_spans")
        assert (3,) == found.fetchone()
    assert HEAD > "0005"


@pytest.fixture(autouse=True)
def _no_warnings_of_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children find the package where this one did."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
