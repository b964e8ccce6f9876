"""Brings a store's tables to the form that this package knows."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, text

from shadow_middleware.errors import StoreError
from shadow_middleware.store.engine import BUSY_TIMEOUT, Database
from shadow_middleware.store.schema import HEAD, VERSION_TABLE, writers
from shadow_middleware.store.upkeep_tables import compatible

__all__ = ["ensure_schema", "upgrade"]

MIGRATIONS: Final = Path(__file__).parent / "migrations"

TRIES: Final = 5
PATIENCE: Final = 20.0
"""Seconds that a migration waits for a table that somebody reads."""

_WAITED_FOR: Final = ("40P01", "55P03")
"""What Postgres calls a deadlock, and a lock that nobody gave back in time."""

LOCK_KEY: Final = 0x5368_6164_6F77
# Alembic's `context` is one for the whole process.
_one_at_a_time = threading.Lock()


def upgrade(url: str) -> tuple[str | None, str]:
    """
    Create or upgrade the tables; return the version before and the version now.

    Any number of processes may do so at once: one works, the others wait.

    Raises:
        StoreError: it cannot be done, or a newer version of this package did more.
    """
    database = Database(url)
    try:
        before = ensure_schema(database)
        return before, max(HEAD, before or "")
    finally:
        database.close()


def ensure_schema(database: Database, *, create: bool = True) -> str | None:
    """
    See that the tables are as this package knows them; return their version before.

    Args:
        create: Whether to create and upgrade them, or only to look.

    Raises:
        StoreError: as of `upgrade`; without `create`, where they would have to be
            created or upgraded.
    """
    with database.reading() as connection:
        version = _version(connection)
        newer = _is_newer(database, connection, version)
    if version != HEAD and not newer:
        if not create:
            raise StoreError(_behind(database, version))
        _migrate_with_patience(database)
    return version


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    asked = text(f"SELECT version_num FROM {VERSION_TABLE}")
    found = connection.execute(asked).scalar_one_or_none()
    return None if found is None else str(found)


def _is_newer(database: Database, connection: Connection, version: str | None) -> bool:
    """
    Tell whether a newer version of this package made the tables.

    Raises:
        StoreError: it did, and says that this one can work with them no more.
    """
    known = {script.revision for script in _scripts().walk_revisions()}
    if version is None or version in known:
        return False
    oldest = version
    if inspect(connection).has_table(compatible.name):
        oldest = connection.execute(select(compatible.c.oldest)).scalar() or version
    if oldest > HEAD:
        raise StoreError(
            f"the store {database.label} has the schema {version}, which a newer "
            f"shadow-middleware made; this one knows {HEAD}: install the newer one "
            "(pip install -U shadow-middleware), then run: shadow-middleware db upgrade"
        )
    return True


def _behind(database: Database, version: str | None) -> str:
    prepare = "to prepare it, run: shadow-middleware db upgrade"
    if version is None:
        return (
            f"the store {database.label} has no tables yet: an app that has just begun "
            f"to record makes them within seconds; {prepare}"
        )
    return f"the store {database.label} has the older schema {version}; {prepare}"


def _migrate_with_patience(database: Database) -> None:
    """Migrate; begin again where a reader and the migration wait for each other."""
    for tries in range(TRIES, 0, -1):
        try:
            _migrate(database)
        except StoreError as error:
            state = getattr(getattr(error.__cause__, "orig", None), "sqlstate", None)
            if state not in _WAITED_FOR or tries == 1:
                raise
        else:
            return


def _migrate(database: Database) -> None:
    if database.is_sqlite:
        _use_write_ahead_log(database)
    with _one_at_a_time, database.writing() as connection:
        if not database.is_sqlite:
            _be_the_only_one(connection)
        # Another process may have gone on while this one waited for the lock. Alembic
        # does nothing where all is done, and knows nothing of what is newer.
        if _is_newer(database, connection, _version(connection)):
            return
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _be_the_only_one(connection: Connection) -> None:
    """
    Wait until no other process migrates, and until no writer is within a transaction.

    Every writer begins with `shadow_writers`, those of older versions too. Whoever
    holds that table alone meets none of them half-way, and cannot get into a deadlock
    with one: they wait at the door, or come again.
    """
    connection.execute(
        text("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0")
    )
    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})"))
    connection.execute(text(f"SET LOCAL lock_timeout = '{int(PATIENCE * 1000)}ms'"))
    if inspect(connection).has_table(writers.name):
        connection.execute(text(f"LOCK TABLE {writers.name} IN ACCESS EXCLUSIVE MODE"))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _use_write_ahead_log(database: Database) -> None:
    """
    Let readers and a writer work side by side; the file remembers it.

    SQLite does not wait by itself for the lock that this switch needs.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT
    with database.reading() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        while raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                _remove_leftovers(database, raw)
                raw.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if time.monotonic() > deadline:
                    raise StoreError(
                        f"the store {database.label} cannot be prepared: {error}; "
                        "another process holds it"
                    ) from error
                time.sleep(0.01)


def _remove_leftovers(database: Database, raw: Any) -> None:
    """
    Remove the log of a file that was removed without it, while a process still runs.

    That process keeps the log's index locked, so SQLite would take it for that of the
    new file: https://sqlite.org/howtocorrupt.html, 2.4. Whoever uses the log of an
    empty file has to fill the file first, so who holds it alone may remove the log.
    """
    if not database.leftovers():
        return
    raw.execute("BEGIN EXCLUSIVE")
    try:
        for path in database.leftovers():
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"the store {database.label} cannot be prepared: {error.strerror}: "
            f"{error.filename}; remove that file, it is of a store that is gone"
        ) from error
    finally:
        raw.execute("ROLLBACK")
