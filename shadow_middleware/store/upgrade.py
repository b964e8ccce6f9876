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
from sqlalchemy import Connection, inspect, text

from shadow_middleware.errors import StoreError
from shadow_middleware.store.engine import BUSY_TIMEOUT, Database
from shadow_middleware.store.schema import HEAD, VERSION_TABLE

__all__ = ["ensure_schema", "upgrade"]

MIGRATIONS: Final = Path(__file__).parent / "migrations"

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
        return ensure_schema(database), HEAD
    finally:
        database.close()


def ensure_schema(database: Database, *, create: bool = True) -> str | None:
    """
    See that the tables are as this package knows them; return their version before.

    Args:
        create: Whether to create and upgrade them, or only to look.
    """
    with database.reading() as connection:
        version = _version(connection)
    if version != HEAD:
        _refuse_newer(database, version)
        if not create:
            raise StoreError(_behind(database, version))
        _migrate(database)
    return version


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    asked = text(f"SELECT version_num FROM {VERSION_TABLE}")
    found = connection.execute(asked).scalar_one_or_none()
    return None if found is None else str(found)


def _refuse_newer(database: Database, version: str | None) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if version is not None and version not in known:
        raise StoreError(
            f"the store {database.label} has the schema {version}, which a newer "
            f"shadow-middleware made; this one knows {HEAD}: install the newer one "
            "(pip install -U shadow-middleware), then run: shadow-middleware db upgrade"
        )


def _behind(database: Database, version: str | None) -> str:
    found = "no tables yet" if version is None else f"the older schema {version}"
    return (
        f"the store {database.label} has {found}; "
        "to prepare it, run: shadow-middleware db upgrade"
    )


def _migrate(database: Database) -> None:
    if database.is_sqlite:
        _use_write_ahead_log(database)
    with _one_at_a_time, database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})"))
        # Another process may have gone on while this one waited for the lock. Alembic
        # does nothing where all is done, and knows nothing of what is newer.
        _refuse_newer(database, _version(connection))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


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
