"""No way of using a store harms its file: https://sqlite.org/howtocorrupt.html."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import pytest

from shadow_middleware.errors import StoreError
from shadow_middleware.evidence import Batch
from shadow_middleware.store import forking
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.store.writer import Writer
from tests.store.evidence import count, divergence, matches

OpenSql = Callable[[str], SqlStore]

AGENT = """
import sys
from shadow_middleware.evidence import Batch
from shadow_middleware.store.sql import SqlStore
from tests.store.evidence import count, divergence

name, url, batches = sys.argv[1:]
writer = SqlStore(url)
print("open", flush=True)
sys.stdin.readline()
for number in range(int(batches)):
    if number % 10 == 2:
        learning = SqlStore(url)
    records = [divergence(f"{name}-{number}-{n}", live_body="x" * 2000) for n in "ab"]
    writer.write(
        Batch([count(1)], divergences=records, writer=name, number=number + 1)
    )
    if number == 0:
        print("begun", flush=True)
    if number % 10 == 5:
        learning.known(0)
        learning.close()
print("done", flush=True)
"""
"""What an agent does: one store to write, another to learn from."""

LOOKING = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT sum(count) FROM shadow_counts").fetchone()[0])
connection.close()
"""


def run_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start another process."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def said_by(agent: subprocess.Popen[str]) -> str:
    """Return the next line it prints."""
    assert agent.stdout is not None
    return agent.stdout.readline()


def file_of(url: str) -> Path:
    """Return where the file is."""
    return Path(url.removeprefix("sqlite:///"))


def looked_at(url: str) -> str:
    """Return how much another process finds that opens the file and closes it again."""
    output, errors = run_python(LOOKING, str(file_of(url))).communicate(timeout=60)
    assert "" == errors
    return output.strip()


def assert_sound(url: str) -> None:
    """SQLite finds nothing wrong with the file."""
    with closing(sqlite3.connect(file_of(url))) as connection:
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()


def test_a_second_store_of_a_process_leaves_the_locks_of_the_first(
    sqlite_url: str, open_sql: OpenSql
) -> None:
    """Without them, the next process to close the file takes the log away."""
    writer = open_sql(sqlite_url)
    writer.write(matches())
    open_sql(sqlite_url).known(0)
    assert "1" == looked_at(sqlite_url)
    writer.write(matches())

    assert "2" == looked_at(sqlite_url)


def test_agents_that_write_and_learn_at_once_harm_nothing(
    sqlite_url: str, open_sql: OpenSql
) -> None:
    """One of them is killed, reports come and go, and every batch is there once."""
    agents = [run_python(AGENT, name, sqlite_url, "60") for name in "ab"]
    doomed = run_python(AGENT, "c", sqlite_url, "1000000")
    for agent in (*agents, doomed):
        assert "open\n" == said_by(agent)
    for agent in (*agents, doomed):
        print(file=agent.stdin, flush=True)
    assert "begun\n" == said_by(doomed)
    while doomed.poll() is None or any(agent.poll() is None for agent in agents):
        with closing(SqlStore(sqlite_url, create=False)) as report:
            so_far = sum(row.count for row in report.totals())
        if doomed.poll() is None and so_far >= 30:
            doomed.send_signal(signal.SIGKILL)
            doomed.communicate(timeout=60)
    ends = [agent.communicate(timeout=60) for agent in agents]
    assert [("begun\ndone\n", "")] * 2 == ends

    store = open_sql(sqlite_url)
    [total] = store.totals()
    assert 120 < total.count
    assert 2 * total.count == store.count_divergences()
    assert_sound(sqlite_url)


@pytest.mark.parametrize("removed", [("",), ("", "-wal"), ("", "-wal", "-shm")])
def test_a_file_that_is_removed_under_an_agent_harms_no_new_one(
    sqlite_url: str, open_sql: OpenSql, removed: tuple[str, ...]
) -> None:
    """Even where its log stays behind, which the agent still holds."""
    path = file_of(sqlite_url)
    agent, learning = open_sql(sqlite_url), open_sql(sqlite_url)
    agent.write(Batch([count(9)], divergences=[divergence("old")]))
    learning.known(0)
    for end in removed:
        path.with_name(path.name + end).unlink()

    for name in "ab":
        other = run_python(AGENT, name, sqlite_url, "12")
        assert ("open\nbegun\ndone\n", "") == other.communicate("go\n", timeout=60)
    with pytest.raises(StoreError, match="was removed"):
        agent.write(matches())
    agent.close()
    open_sql(sqlite_url).write(matches())

    assert [25] == [total.count for total in learning.totals()]
    assert "25" == looked_at(sqlite_url)
    assert_sound(sqlite_url)


def test_reading_a_file_that_was_removed_makes_none(
    sqlite_url: str, open_sql: OpenSql
) -> None:
    """It would be one that anybody may read; what is made anew is read again."""
    store = open_sql(sqlite_url)
    store.write(matches())
    for file in file_of(sqlite_url).parent.iterdir():
        file.unlink()

    with pytest.raises(StoreError, match="was removed"):
        store.rules()
    assert not file_of(sqlite_url).exists()
    open_sql(sqlite_url).write(matches(4))
    assert [4] == [total.count for total in store.totals()]


def test_an_app_that_goes_to_another_folder_keeps_its_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_sql: OpenSql
) -> None:
    """Nor is the file that it has taken for one that was removed."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store = open_sql("sqlite:///store.db")
    monkeypatch.chdir("elsewhere")
    store.write(matches(3))

    assert [3] == [total.count for total in store.totals()]
    assert "3" == looked_at(f"sqlite:///{tmp_path}/store.db")


def test_leftovers_are_found_where_a_link_leads(
    tmp_path: Path, open_sql: OpenSql
) -> None:
    """SQLite keeps its log beside the file itself, not beside a link to it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "real" / "store.db")
    real = f"sqlite:///{tmp_path}/real/store.db"
    agent = open_sql(real)
    agent.write(matches(9))
    file_of(real).unlink()
    file_of(real).touch()

    link = f"sqlite:///{tmp_path}/link.db"
    other = run_python(AGENT, "a", link, "12")

    assert ("open\nbegun\ndone\n", "") == other.communicate("go\n", timeout=60)
    assert "12" == looked_at(real)


def damage(path: Path) -> None:
    """Write nonsense over all pages but the first, as a broken disk would."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


def test_a_damaged_file_says_what_to_do_and_evidence_waits(
    sqlite_url: str, open_sql: OpenSql
) -> None:
    """And is written as soon as the file is moved away."""
    with closing(SqlStore(sqlite_url)) as store:
        store.write(matches())
    path = file_of(sqlite_url)
    damage(path)
    writer = Writer(lambda: SqlStore(sqlite_url), interval=0.001, retry_after=0.001)
    writer.add(Batch([count(3)], divergences=[divergence()]))
    assert not writer.flush(0.3)

    assert sqlite_url in writer.failure
    assert "malformed (was it moved" in writer.failure
    assert "move it away with its -wal and -shm" in writer.failure
    for file in path.parent.iterdir():
        file.rename(file.with_name(f"{file.name}.damaged"))
    assert writer.close(10.0)
    assert [3] == [total.count for total in open_sql(sqlite_url).totals()]


FORKING = """
import os, sys
from pathlib import Path
from shadow_middleware.store.sql import SqlStore
from tests.store.evidence import matches

def held():
    there = [os.readlink(one) for one in Path("/proc/self/fd").iterdir() if one.exists()]
    return sum(Path(one).name.startswith("store.db") for one in there)

url = sys.argv[1]
store = SqlStore(url)
store.write(matches())
print(held() > 0, flush=True)
child = os.fork()
if child == 0:
    print(held(), flush=True)
    store.write(matches())
    with_own = SqlStore(url)
    with_own.write(matches())
    with_own.close()
    os._exit(0)
store.write(matches())
assert os.waitpid(child, 0)[1] == 0
store.write(matches())
print(sum(total.count for total in store.totals()), flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors")
def test_no_connection_is_carried_over_a_fork(sqlite_url: str) -> None:
    """A web server that loads the app and then forks; both go on with the store."""
    forking_one = run_python(FORKING, sqlite_url)

    assert ("True\n0\n5\n", "") == forking_one.communicate(timeout=60)
    assert "5" == looked_at(sqlite_url)
    assert_sound(sqlite_url)


def test_a_fork_waits_for_what_is_being_written() -> None:
    """And what comes meanwhile waits for the fork."""
    gate = forking._Gate()
    gate.enter()
    with ThreadPoolExecutor(2) as others:
        fork = others.submit(gate.shut)
        assert not wait([fork], timeout=0.1).done
        gate.leave()
        fork.result(90)
        late = others.submit(gate.enter)
        assert not wait([late], timeout=0.1).done
        gate.open()
        late.result(90)


def test_a_fork_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database may hang; the app that forks must not."""
    monkeypatch.setattr(forking, "PATIENCE", 0.01)
    gate = forking._Gate()
    gate.enter()

    gate.shut()
    gate.open()
    gate.enter()


@pytest.mark.parametrize("create", [True, False])
def test_a_new_file_is_not_used_before_its_descriptor_is_closed(
    sqlite_url: str, create: bool
) -> None:
    """Or closing it would take the locks of whoever was that fast."""
    SqlStore(sqlite_url).close()
    with ThreadPoolExecutor(1) as others:
        with forking.creating():
            opening = others.submit(SqlStore, sqlite_url, create=create)
            assert not wait([opening], timeout=0.1).done
        opening.result(90).close()
