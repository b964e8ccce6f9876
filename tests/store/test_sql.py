"""What only databases can get wrong: processes, kills, locks, plans, full disks."""

from __future__ import annotations

import os
import secrets
import signal
import sqlite3
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert, select, text

from shadow_middleware.errors import (
    ConfigurationError,
    MissingExtraError,
    RefusedByStoreError,
    StoreError,
)
from shadow_middleware.evidence import Batch
from shadow_middleware.exchange import Difference, Kind, Part
from shadow_middleware.knowledge import RouteUse, SharedRule
from shadow_middleware.settings import Rule, load
from shadow_middleware.store import (
    knowledge_queries,
    rows,
    schema,
)
from shadow_middleware.store.engine import Database
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.store.writer import Writer
from tests.postgres import running_postgres
from tests.store.evidence import count, divergence, matches
from tests.store.learned import base, cell, sample

OpenSql = Callable[[str], SqlStore]

WRITES = """
import sys
from shadow_middleware.evidence import Batch
from shadow_middleware.store.sql import SqlStore
from tests.store.evidence import count, divergence

name, url, batches = sys.argv[1:]
store = SqlStore(url)
print("open", flush=True)
for number in range(int(batches)):
    routes = [f"GET /{n}" for n in range(20)]
    if name == "b":
        routes.reverse()
    store.write(
        Batch(
            counts=[count(1, route=route) for route in routes],
            divergences=[divergence(f"{name}-{number}-{n}") for n in range(5)],
        )
    )
print("done", flush=True)
"""


def start_writer(name: str, url: str, batches: int) -> subprocess.Popen[str]:
    """Start a process that writes so many batches of 20 counts and 5 divergences."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITES, name, url, str(batches)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def test_three_processes_add_up(url: str, open_sql: OpenSql) -> None:
    """W33: they open an empty store at once, write at once, and one answer is right."""
    writers = [start_writer(name, url, 60) for name in "abc"]
    for writer in writers:
        output, errors = writer.communicate(timeout=60)
        assert ("open\ndone\n", "") == (output, errors)

    store = open_sql(url)
    assert [180] * 20 == [total.count for total in store.totals()]
    assert 900 == store.count_divergences()


def test_processes_create_the_tables_at_once(
    request: pytest.FixtureRequest, open_sql: OpenSql
) -> None:
    """One migrates and the others wait, on a Postgres with nothing in it."""
    url = str(request.getfixturevalue("empty_postgres_url"))
    writers = [start_writer(name, url, 5) for name in "abc"]
    for writer in writers:
        output, errors = writer.communicate(timeout=60)
        assert ("open\ndone\n", "") == (output, errors)

    assert [15] * 20 == [total.count for total in open_sql(url).totals()]


def test_a_restart_keeps_what_was_counted(url: str, open_sql: OpenSql) -> None:
    """W33: numbers rest in the store, not in a process."""
    first = open_sql(url)
    first.write(matches(3))
    first.close()

    assert [3] == [total.count for total in open_sql(url).totals()]


def test_a_killed_writer_leaves_nothing_half(url: str, open_sql: OpenSql) -> None:
    """W40: each batch is there whole or not at all, and others go on."""
    store = open_sql(url)
    writer = start_writer("a", url, 1_000_000)
    assert writer.stdout is not None
    assert "open\n" == writer.stdout.readline()
    while not store.totals():
        assert writer.poll() is None, writer.communicate()
    writer.send_signal(signal.SIGKILL)
    writer.communicate(timeout=30)

    written = {total.count for total in store.totals()}
    assert 1 == len(written)
    assert 5 * written.pop() == store.count_divergences()
    store.write(matches())


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Hold the lock of an SQLite file as another process would."""
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def impatient(url: str) -> SqlStore:
    """Open an SQLite store that does not wait for locks."""
    store = SqlStore(url)
    with store._database.engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA busy_timeout = 1")  # type: ignore[union-attr]
    return store


def test_a_locked_store_says_so(sqlite_url: str) -> None:
    """Reading goes on meanwhile; nothing of the batch is written."""
    store = impatient(sqlite_url)
    with (
        locked(sqlite_url),
        pytest.raises(StoreError, match=r"store\.db.*locked.*another process"),
    ):
        store.write(matches())

    assert [] == store.totals()
    store.write(matches())
    assert [1] == [total.count for total in store.totals()]
    store.close()


def test_what_a_locked_store_missed_is_written_later(
    sqlite_url: str, open_sql: OpenSql
) -> None:
    """W46: the writer waits with it."""
    open_sql(sqlite_url)
    writer = Writer(lambda: impatient(sqlite_url), interval=0.001, retry_after=0.001)
    with locked(sqlite_url):
        writer.add(matches(5))
        assert not writer.flush(0.2)
        assert "locked" in writer.failure

    assert writer.close(10.0)
    assert [5] == [total.count for total in open_sql(sqlite_url).totals()]


def test_a_writer_holds_the_lock_from_the_start(sqlite_url: str) -> None:
    """One that first reads and then writes would fail instead of waiting."""
    store, other = SqlStore(sqlite_url), impatient(sqlite_url)
    with store._database.writing() as connection:
        connection.execute(text("SELECT count(*) FROM shadow_counts"))
        with pytest.raises(StoreError, match="locked"):
            other.write(matches())

    other.write(matches())
    store.close()
    other.close()


def test_a_row_too_large_for_an_index_is_refused(
    postgres_url: str, open_sql: OpenSql
) -> None:
    """Trying it again for ever would hold up everything behind it."""
    store = open_sql(postgres_url)
    row = {"run": "", "route": secrets.token_hex(10_000)}
    huge = rows.count_rows(matches())[0] | row

    with (
        pytest.raises(RefusedByStoreError, match="index row"),
        store._database.writing() as connection,
    ):
        connection.execute(insert(schema.counts), [huge])


def test_an_error_carries_no_body_with_it(url: str, open_sql: OpenSql) -> None:
    """W24: neither in its message nor in the traceback of its cause."""
    store = open_sql(url)
    body = "hush" * 3
    with store._database.writing() as connection:
        connection.execute(text("DROP TABLE shadow_divergences"))

    with pytest.raises(StoreError, match="shadow_divergences") as caught:
        store.write(Batch(divergences=[divergence(live_body=body)]))

    assert body not in "".join(traceback.format_exception(caught.value))


def test_a_full_disk_says_so(sqlite_url: str) -> None:
    """W46: the batch stays with the caller, whole, and fits when there is room."""
    store = SqlStore(sqlite_url)
    with store._database.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute(f"PRAGMA max_page_count = {pages + 2}")
    heavy = Batch([count()], divergences=[divergence(live_body="x" * 100_000)])

    with pytest.raises(StoreError, match=r"full \(free some space"):
        store.write(heavy)

    assert [] == store.totals()
    with store._database.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA max_page_count = 1000000")
    store.write(heavy)
    assert 1 == store.count_divergences()
    store.close()


def test_a_removed_file_is_noticed(sqlite_url: str, open_sql: OpenSql) -> None:
    """Nothing is written to a file that nobody will ever find; a new one is made."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    writer = Writer(lambda: SqlStore(sqlite_url), interval=0.001, retry_after=0.001)
    writer.add(matches(2))
    assert writer.flush(10.0)
    for file in path.parent.iterdir():
        file.unlink()
    writer.add(matches(3))

    assert writer.close(10.0)
    assert [3] == [total.count for total in open_sql(sqlite_url).totals()]


def test_a_postgres_that_is_killed_gets_everything_when_it_is_back() -> None:
    """W46: killed with its connections, started again: each batch counts once."""
    with running_postgres() as server:
        url = server.url(server.create())
        writer = Writer(lambda: SqlStore(url), interval=0.001, retry_after=0.01)
        writer.add(matches(2))
        assert writer.flush(10.0)
        server.kill()
        writer.add(Batch([count(3)], divergences=[divergence()]))
        assert not writer.flush(0.3)
        assert "cannot be" in writer.failure
        server.start_again()

        assert writer.close(30.0)
        store = SqlStore(url)
        assert [5] == [total.count for total in store.totals()]
        assert 1 == store.count_divergences()
        store.close()


def test_a_postgres_connection_that_was_cut_is_replaced(
    postgres_url: str, open_sql: OpenSql
) -> None:
    """An idle connection may die; the next batch does not fail for it."""
    store = open_sql(postgres_url)
    store.write(matches())
    address = postgres_url.replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    store.write(matches())
    assert [2] == [total.count for total in store.totals()]


def test_the_journal_is_written_ahead(sqlite_url: str, open_sql: OpenSql) -> None:
    """A reader neither waits for a writer nor stops one."""
    store = open_sql(sqlite_url)
    reader = open_sql(sqlite_url)
    with reader._database.reading() as connection:
        assert "wal" == connection.execute(text("PRAGMA journal_mode")).scalar()
        assert (
            0 == connection.execute(text("SELECT count(*) FROM shadow_counts")).scalar()
        )
        store.write(matches())
        assert (
            0 == connection.execute(text("SELECT count(*) FROM shadow_counts")).scalar()
        )

    assert [1] == [total.count for total in reader.totals()]


def test_only_the_owner_reads_the_file(sqlite_url: str, open_sql: OpenSql) -> None:
    """Parts of real traffic rest in it."""
    open_sql(sqlite_url).write(matches())
    folder = Path(sqlite_url.removeprefix("sqlite:///")).parent

    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


def test_a_store_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    """A report on a misspelt path is an error, not an empty report."""
    with pytest.raises(StoreError, match=r"no store sqlite:///.*nothing was recorded"):
        SqlStore(f"sqlite:///{tmp_path}/typo.db", create=False)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("sqlite://", ConfigurationError, "names no file"),
        ("sqlite:///:memory:", ConfigurationError, "names no file"),
        ("sqlite:////nowhere/at/all.db", StoreError, "folder.*missing: /nowhere/at"),
        ("sqlite:////", StoreError, "is a folder"),
        ("mysql://u:hush-hush@h/d", ConfigurationError, "sqlite, postgresql"),
        ("not an address hush-hush", ConfigurationError, "should look like"),
        ("postgresql://u:hush-hush@h:port/d", ConfigurationError, "should look like"),
        (
            "postgresql://u:hush-hush@127.0.0.1:1/d",
            StoreError,
            "postgresql://127.0.0.1:1/d cannot be read: .*refused",
        ),
        (
            "postgresql://u@127.0.0.1:1/d?password=hush-hush",
            StoreError,
            "refused",
        ),
        # Whatever a driver says, the password is not repeated.
        ("postgresql://u:refused@127.0.0.1:1/d", StoreError, r"Connection \*\*\*"),
        ("postgresql://u@127.0.0.1:1/d?bogus=hush-hush", StoreError, "bogus"),
    ],
)
def test_a_store_that_cannot_be_opened_says_why(
    url: str, error: type[Exception], message: str
) -> None:
    """W24: and never shows a password."""
    with pytest.raises(error, match=message) as caught:
        SqlStore(url)

    assert "hush-hush" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///{0}/a.db",
        "sqlite+pysqlite:///{0}/a.db",
        "sqlite:///{0}/a.db?timeout=5",
        "postgres://u@h/d",
        "postgresql://u@h/d",
        "postgresql+psycopg://u@h/d",
    ],
)
def test_the_settings_take_every_address_that_the_store_takes(
    url: str, tmp_path: Path
) -> None:
    """What one refuses at start-up the other would refuse, and nothing else."""
    given = {"store_url": url.format(tmp_path)}
    settings = load(given, environ={}, require_target=False)

    database = Database(settings.store_url)

    assert database.is_sqlite is url.startswith("sqlite")
    database.close()


def test_postgres_without_its_driver_names_the_extra() -> None:
    """The message is the line to type."""
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from shadow_middleware.store.sql import SqlStore\n"
        "from shadow_middleware.errors import MissingExtraError\n"
        "try: SqlStore('postgresql://h/d')\n"
        "except MissingExtraError as error: print(error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert f"{MissingExtraError('postgres', 'A Postgres store')}\n" == found.stdout


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    """And is left as it was."""
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n" * 1_000)

    with pytest.raises(StoreError, match=r"not a database \(is it the right file"):
        SqlStore(f"sqlite:///{path}")

    assert "my notes\n" * 1_000 == path.read_text()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_says_so(tmp_path: Path) -> None:
    """Not a traceback of the driver's."""
    tmp_path.chmod(0o500)

    with pytest.raises(StoreError, match="may this user write"):
        SqlStore(f"sqlite:///{tmp_path}/store.db")


def test_all_that_an_agent_judges_by_is_of_one_moment(
    url: str, open_sql: OpenSql
) -> None:
    """What is written between two of its questions shows in none of them."""
    store, other = open_sql(url), open_sql(url)
    learned = Batch(noise=[cell("aa", day=1, raw=1)], noise_bases=[base(day=1, raw=1)])
    with store._database.snapshot() as connection:
        asked = knowledge_queries.noise_since(0), knowledge_queries.noise_bases_since(0)
        before = list(connection.execute(asked[0], {"run": ""}))
        other.write(learned)
        after = list(connection.execute(asked[1], {"run": ""}))

    assert ([], []) == (before, after)
    known = store.known(0)
    assert (1, 1) == (len(known.cells), len(known.bases))
    store.write(learned)


def test_a_reading_of_all_is_bounded(
    url: str,
    open_sql: OpenSql,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The newest days stay, and it says so, once."""
    monkeypatch.setattr("shadow_middleware.store.sql_knowledge.MOST_CELLS", 2)
    store = open_sql(url)
    store.write(Batch(noise=[cell("aa", day=day, raw=1) for day in range(5)]))

    for _ in range(2):
        assert [4, 3] == [one.day for one in store.known(0).cells]
    assert 1 == caplog.text.count("more noise than is read at once")


def test_a_rule_of_another_version_is_left_out_and_named(
    url: str, open_sql: OpenSql, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it has fields or values that this one does not know; said once each."""
    store = open_sql(url)
    good = SharedRule(Rule(name="ids", path="/id"), 1.0)
    store.add_rule(good)
    strange = [
        {
            "name": "newer",
            "rule": {"name": "newer", "weight": 3},
            "at": 1.0,
            "note": "",
        },
        {"name": "other", "rule": {"action": "explode"}, "at": 1.0, "note": ""},
        {"name": "odd", "rule": ["ignore"], "at": 1.0, "note": ""},
    ]
    with store._database.writing() as connection:
        connection.execute(insert(schema.rules), strange)

    for _ in range(3):
        assert [good] == store.rules()
        assert [good] == list(store.known(0).rules)
    said = [one for one in caplog.records if one.name == "shadow_middleware.store"]
    assert 3 == len(said)
    assert "'newer' of the store does not apply here" in caplog.text
    assert "weight" in caplog.text
    assert store.remove_rule("newer")


def test_a_rule_names_only_what_it_says(url: str, open_sql: OpenSql) -> None:
    """So that a version with fewer fields can read it."""
    store = open_sql(url)
    store.add_rule(SharedRule(Rule(name="ids", path="/id"), 1.0))
    with store._database.reading() as connection:
        [stored] = connection.execute(select(schema.rules.c.rule)).scalars()

    assert {"name": "ids", "path": "/id"} == stored


def test_what_is_refused_of_what_was_learned_holds_up_no_count(
    url: str, open_sql: OpenSql
) -> None:
    """The batch is written without it, and it is counted as lost."""
    writer = Writer(lambda: SqlStore(url), interval=0.001, retry_after=0.001)
    odd = RouteUse(1, "GET /", 2, 2**70, 0)
    writer.add(Batch(counts=[count(5)], divergences=[divergence()], uses=[odd]))

    assert writer.close(10.0)
    assert (0, 0, 1) == (
        writer.lost.samples,
        writer.lost.outcomes,
        writer.lost.knowledge,
    )
    store = open_sql(url)
    assert [5] == [total.count for total in store.totals()]
    assert 1 == store.count_divergences()
    assert [] == store.uses()


LEARNS = """
import sys
from shadow_middleware.evidence import Batch
from shadow_middleware.store.sql import SqlStore
from tests.store.learned import base, cell, sample, sighting

name, url, batches = sys.argv[1:]
store = SqlStore(url)
for number in range(int(batches)):
    some = list(range(30))
    if name == "b":
        some.reverse()
    store.write(
        Batch(
            sightings=[sighting(f"/{n}") for n in some],
            noise=[cell(f"{n:016}", raw=1) for n in some],
            noise_bases=[base(route=f"GET /{n}", raw=1) for n in some],
            samples=[sample(f"{n:016}", f"{name}-{number}") for n in some],
        )
    )
"""


def test_samples_wait_with_what_is_refused(sqlite_url: str, open_sql: OpenSql) -> None:
    """Those of the divergences that the store takes get in with them."""
    writer = Writer(lambda: SqlStore(sqlite_url), interval=0.001, retry_after=0.001)
    bad = divergence("bad", differences=(Difference(Part.BODY, "", Kind.CHANGED, odd),))
    writer.add(
        Batch(
            divergences=[divergence("good"), bad],
            samples=[sample("aa", "good", 0), sample("aa", "bad", 1)],
        )
    )

    assert writer.close(10.0)
    store = open_sql(sqlite_url)
    assert ["good"] == [one.record.exchange_id for one in store.samples("aa")]
    assert 1 == store.purge(keep=0).samples


def odd() -> None:
    """Do nothing: a function has no form in a row."""


def test_what_processes_learn_adds_up(url: str, open_sql: OpenSql) -> None:
    """Two that write the same rows in other orders do not stop each other."""
    store = open_sql(url)
    learners = [
        subprocess.Popen(
            [sys.executable, "-c", LEARNS, name, url, "40"],
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for name in "ab"
    ]
    assert ["", ""] == [learner.communicate(timeout=60)[1] for learner in learners]

    assert [80] * 30 == [one.count for one in store.groups()]
    assert [80.0] * 30 == [one.raw for one in store.noise()]
    assert [80.0] * 30 == [one.raw for one in store.noise_bases()]


def test_opening_a_store_again_takes_no_lock_away(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing any descriptor of the file would take every lock of this process."""
    opened: list[object] = []
    really = os.open

    def noting(path: Any, *arguments: Any) -> int:
        opened.append(path)
        return really(path, *arguments)

    SqlStore(sqlite_url).close()
    monkeypatch.setattr(os, "open", noting)
    SqlStore(sqlite_url).close()

    assert [] == opened
