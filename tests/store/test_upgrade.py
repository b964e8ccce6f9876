"""Tables are made and changed by migrations alone, and only by those known."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text

from shadow_middleware.errors import RefusedByStoreError, StoreError
from shadow_middleware.evidence import Batch, LatencyTotal, Loss, Progress, Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.store.engine import Database
from shadow_middleware.store.schema import HEAD, VERSION_TABLE, metadata
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.store.upgrade import LOCK_KEY, MIGRATIONS, upgrade
from tests.store.evidence import count, matches


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    """Give the address of a database with nothing in it."""
    if request.param == "sqlite":
        return sqlite_url
    return str(request.getfixturevalue("empty_postgres_url"))


def run(url: str, statement: str) -> None:
    """Run one statement as somebody else would."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_upgrading_says_from_where_to_where(empty_url: str) -> None:
    """And does nothing the second time."""
    assert (None, HEAD) == upgrade(empty_url)
    assert (HEAD, HEAD) == upgrade(empty_url)


def test_only_one_process_migrates_a_postgres(empty_postgres_url: str) -> None:
    """The others wait for its lock, and find the work done."""
    engine = create_engine(empty_postgres_url)
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with engine.connect() as holder, ThreadPoolExecutor(2) as others:
        holder.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})"))
        found = [others.submit(SqlStore, empty_postgres_url) for _ in range(2)]
        while not holder.execute(waiting).scalar():
            assert not any(one.done() for one in found)
        assert not inspect(holder).has_table("shadow_counts")
        holder.commit()
        for one in found:
            one.result(90).close()
    engine.dispose()


def test_migrations_make_the_tables_that_the_code_knows(empty_url: str) -> None:
    """Alembic finds nothing to change between the two, types included."""
    upgrade(empty_url)
    engine = create_engine(empty_url)
    with engine.connect() as connection:
        differences = compare_metadata(looking(connection), metadata)
    engine.dispose()

    assert [] == differences


FIRST_ROWS = (
    "INSERT INTO shadow_counts VALUES (30000000, 'shadow', 'GET /', 'match', '', 7)",
    "INSERT INTO shadow_counts VALUES (30000001, 'shadow', 'GET /', 'match', '', 5)",
    "INSERT INTO shadow_latencies VALUES (30000000, 'shadow', 'GET /', 'live', 40, 3)",
    "INSERT INTO shadow_losses VALUES (30000000, 'shadow', 'refused', 2)",
    "INSERT INTO shadow_sessions VALUES ('s', 'shadow', 9, 8, 1.5)",
    "INSERT INTO shadow_writers VALUES ('w', 4, 1.5)",
    "INSERT INTO shadow_divergences (exchange_id, target, at, route, method, path, "
    "live_ms, differences, cut, hint, after_drop, request_headers, request_body, "
    "live_headers, live_body, shadow_headers, shadow_body) VALUES ('a-1', 'shadow', "
    "1.5, 'GET /', 'GET', '/', 1, '[]', false, '', false, '[]', '', '[]', '', '[]', '')",
)


def test_what_the_first_tables_held_is_kept(empty_url: str) -> None:
    """Every row, with no version and no group; then new evidence adds to it."""
    upgrade_to(empty_url, "0001")
    for statement in FIRST_ROWS:
        run(empty_url, statement)

    assert ("0001", HEAD) == upgrade(empty_url)

    store = SqlStore(empty_url, create=False)
    more = msgspec.structs.replace(count(1), route="GET /")
    store.write(Batch(counts=[more], writer="w", number=4))
    store.write(Batch(counts=[more], writer="w", number=5))
    assert [Total("shadow", "GET /", Outcome.MATCH, "", 13)] == store.totals()
    assert [LatencyTotal("shadow", "GET /", "live", 40, 3)] == store.latencies()
    assert [Loss(30_000_000, "shadow", "refused", 2)] == store.losses()
    assert [Progress("s", "shadow", 9, 8, 1.5)] == store.progress()
    [kept] = store.divergences()
    assert ("a-1", (), "", False, False) == (
        kept.record.exchange_id,
        kept.record.groups,
        kept.record.version,
        kept.record.replayable,
        kept.record.comparable,
    )
    store.close()


def test_what_an_older_version_writes_meanwhile_waits(empty_url: str) -> None:
    """An agent that knows the first tables only gets an error, not a refusal."""
    upgrade(empty_url)
    older = (
        "INSERT INTO shadow_counts (minute, target, route, outcome, reason, count) "
        "VALUES (1, 'shadow', 'GET /', 'match', '', 1) "
        "ON CONFLICT (minute, target, route, outcome, reason) DO NOTHING"
    )

    with (
        closing(Database(empty_url)) as database,
        pytest.raises(StoreError) as caught,
        database.writing() as connection,
    ):
        connection.execute(text(older))

    assert not isinstance(caught.value, RefusedByStoreError)


def test_a_first_store_is_not_upgraded_by_looking(empty_url: str) -> None:
    """It names the command that does."""
    upgrade_to(empty_url, "0001")

    with pytest.raises(StoreError, match=r"older schema 0001.*db upgrade"):
        SqlStore(empty_url, create=False)


def upgrade_to(url: str, revision: str) -> None:
    """Make the tables of an older version of this package."""
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def looking(connection: Connection) -> MigrationContext:
    """Return what compares the tables there with those the code knows."""
    options = {"version_table": VERSION_TABLE, "compare_type": True}
    return MigrationContext.configure(connection, opts=options)


def test_the_newest_migration_is_the_one_the_code_expects() -> None:
    """A new file without a new `HEAD` would never run."""
    names = sorted(path.name for path in (MIGRATIONS / "versions").glob("0*.py"))

    assert names[-1].startswith(f"{HEAD}_")


def test_tables_of_others_are_left_alone(empty_url: str) -> None:
    """The database may be the app's own, Alembic's table in it too."""
    run(empty_url, "CREATE TABLE alembic_version (version_num VARCHAR(32))")
    run(empty_url, "INSERT INTO alembic_version VALUES ('theirs')")
    upgrade(empty_url)

    engine = create_engine(empty_url)
    with engine.connect() as connection:
        theirs = connection.execute(text("SELECT version_num FROM alembic_version"))
        assert ["theirs"] == list(theirs.scalars())
    engine.dispose()


def test_a_newer_schema_that_only_adds_is_written_to(empty_url: str) -> None:
    """Agents of before go on, also those that open the store after a migration."""
    upgrade(empty_url)
    run(empty_url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")

    assert ("9999", "9999") == upgrade(empty_url)
    with closing(SqlStore(empty_url)) as store:
        store.write(matches(3))
        assert 3 == sum(one.count for one in store.totals())


def test_a_newer_schema_is_refused(empty_url: str) -> None:
    """Writing to tables that this version does not know could spoil them."""
    upgrade(empty_url)
    run(empty_url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    run(empty_url, "UPDATE shadow_compatible SET oldest = '9998'")

    with pytest.raises(StoreError, match=r"9999.*newer.*pip install -U.*db upgrade"):
        SqlStore(empty_url)
    with pytest.raises(StoreError, match="9999"):
        upgrade(empty_url)


def test_looking_does_not_make_tables(empty_url: str, tmp_path: Path) -> None:
    """It names the command that does."""
    (tmp_path / "store.db").touch()

    with pytest.raises(
        StoreError, match=r"no tables yet.*shadow-middleware db upgrade"
    ):
        SqlStore(empty_url, create=False)


def test_tables_that_went_missing_are_an_error(empty_url: str) -> None:
    """Not an empty report."""
    store = SqlStore(empty_url)
    run(empty_url, "DROP TABLE shadow_counts")

    with pytest.raises(StoreError, match="shadow_counts"):
        store.write(matches())
    with pytest.raises(StoreError, match="shadow_counts"):
        store.totals(0, 1)
    store.close()


def test_a_migration_that_fails_leaves_nothing(empty_url: str, tmp_path: Path) -> None:
    """It happens whole or not at all, and can be tried again."""
    (tmp_path / "store.db").touch()
    run(empty_url, "CREATE TABLE shadow_writers (theirs INTEGER)")

    with pytest.raises(StoreError, match="shadow_writers"):
        upgrade(empty_url)

    run(empty_url, "DROP TABLE shadow_writers")
    assert (None, HEAD) == upgrade(empty_url)


@contextmanager
def held(url: str) -> Iterator[None]:
    """Hold the lock of an SQLite file as another process would."""
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def test_a_new_file_that_is_held_is_waited_for(sqlite_url: str) -> None:
    """SQLite fails at once when the journal cannot be switched; opening does not."""
    with ThreadPoolExecutor(1) as others:
        with held(sqlite_url):
            opening = others.submit(SqlStore, sqlite_url)
            assert not wait([opening], timeout=0.3).done
        opening.result(90).close()


def test_a_new_file_that_stays_held_says_so(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while, and as an error of ours."""
    monkeypatch.setattr("shadow_middleware.store.upgrade.BUSY_TIMEOUT", 0.02)

    with held(sqlite_url), pytest.raises(StoreError, match="another process holds"):
        SqlStore(sqlite_url)
