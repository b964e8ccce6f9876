"""
How a store's address becomes an engine, and a driver's error one of ours.

The one place that knows what SQLite and Postgres each need to be told.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    SQLAlchemyError,
    StatementError,
)

from shadow_middleware.errors import (
    ConfigurationError,
    MissingExtraError,
    RefusedByStoreError,
    StoreError,
)
from shadow_middleware.store.forking import creating, forget_before_forks, in_use
from shadow_middleware.store.rows import dump_json

__all__ = ["Database"]

BUSY_TIMEOUT: Final = 5.0
"""Seconds that SQLite waits for another process to finish its transaction."""

_WRITING: Final = "shadow_writing"
_SNAPSHOT: Final = "shadow_snapshot"
_DRIVERS: Final = {
    "sqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}
_DAMAGED: Final = (
    "was it moved, removed or replaced while in use? stop every process that uses it; "
    "if it stays so, move it away with its -wal and -shm, and a new one is made"
)
_FAILURES: Final = (
    SQLAlchemyError,
    sqlite3.Error,
    OverflowError,
    ValueError,
    RecursionError,
)
_MENDING: Final = {
    "database is locked": "another process holds it; it is tried again",
    "database or disk is full": "free some space, or purge old evidence",
    "unable to open database file": "may this user write to the file and its folder?",
    "readonly database": "may this user write to the file and its folder?",
    "file is not a database": "is it the right file?",
    "image is malformed": _DAMAGED,
    "disk I/O error": _DAMAGED,
    "no such table": "run: shadow-middleware db upgrade",
}


class Database:
    """One database: its engine, its name for people, and its errors as ours."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        self._url = _parsed(url)
        self.label = _label(self._url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            _check_file(self._url, self.label, create=create)
        # As SQLAlchemy has it: the app may go to another folder.
        self._path = Path(self._url.database or "").absolute()
        self.engine = _engine(self._url)
        # One statement is a transaction of its own, without being told that it begins and
        # ends: each word costs a way to a server and back.
        alone = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reading = self.engine.execution_options(**alone)
        self._writing = self.engine.execution_options(**{_WRITING: True})
        self._snapshot = self.engine.execution_options(**{_SNAPSHOT: True})
        self._file = self.file_identity()
        forget_before_forks(self)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection to read with; each statement sees what is there by then."""
        with self._translated("read"), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Give a connection whose every reading is of the same moment."""
        with self._translated("read"), self._snapshot.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are kept whole, or not at all."""
        with self._translated("written"), self._writing.begin() as connection:
            yield connection

    def file_identity(self) -> tuple[int, int] | None:
        """
        Return which file this is; None where it is gone, or is no file.

        A connection keeps writing to a file that was deleted, and all of it is lost.
        """
        if not self.is_sqlite:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def leftovers(self) -> list[Path]:
        """Return the files beside an empty SQLite file: they are of one before it."""
        path = self._path.resolve()
        beside = [path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm")]
        # In this order: what is beside a file that is empty afterwards is not its own.
        there = [one for one in beside if one.exists()]
        return there if path.exists() and not path.stat().st_size else []

    def close(self) -> None:
        """Release every connection."""
        self.engine.dispose()

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            with in_use():
                self._follow_file()
                yield
        except _FAILURES as error:
            kind = RefusedByStoreError if _is_refusal(error) else StoreError
            text = self._without_secrets(_first_line(error))
            raise kind(
                f"the store {self.label} cannot be {doing}: {text}{_mending(text)}"
            ) from error

    def _follow_file(self) -> None:
        """Let go of a file that was removed, and go on with what is in its place."""
        file = self.file_identity()
        if file == self._file:
            return
        if file is None:
            # Connecting would make a file that anybody may read.
            raise StoreError(f"the store {self.label} was removed or moved away")
        self.engine.dispose()
        self._file = file

    def _without_secrets(self, text: str) -> str:
        secrets = [self._url.password, *self._url.query.values()]
        for secret in secrets:
            if isinstance(secret, str) and secret:
                text = text.replace(secret, "***")
        return text


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Neither the text nor the cause is shown: it may hold a password.
        raise ConfigurationError(
            "store_url is not an address: it should look like "
            "'sqlite:///shadow_middleware.db' or 'postgresql://user@host/database'"
        ) from None
    if parsed.drivername in _DRIVERS:
        return parsed.set(drivername=_DRIVERS[parsed.drivername])
    if parsed.drivername in _DRIVERS.values():
        return parsed
    raise ConfigurationError(
        f"store_url names {parsed.drivername!r}; the stores there are: "
        "sqlite, postgresql"
    )


def _label(url: URL) -> str:
    """Return the address without user, password and options."""
    shown = URL.create(
        url.get_backend_name(), host=url.host, port=url.port, database=url.database
    )
    return shown.render_as_string()


def _check_file(url: URL, label: str, *, create: bool) -> None:
    if not url.database or url.database == ":memory:":
        raise ConfigurationError(
            f"store_url {label!r} names no file: it should look like "
            "'sqlite:///shadow_middleware.db'; an empty one keeps nothing"
        )
    path = Path(url.database)
    if not path.parent.is_dir():
        raise StoreError(f"the folder of the store {label} is missing: {path.parent}")
    if path.is_dir():
        raise StoreError(f"the store {label} is a folder; it should be a file")
    with creating():
        if create:
            _create_private(path, label)
        elif not path.exists():
            raise StoreError(
                f"there is no store {label}: either nothing was recorded yet (the "
                "first evidence comes some seconds after the first request), or "
                "store_url names another file"
            )


def _create_private(path: Path, label: str) -> None:
    """
    Create the file so that only its owner reads it: it holds parts of traffic.

    A file that is there is not even opened: whoever closes it, in any way, takes all
    locks from the connections of this process, and SQLite loses data over that
    (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        elif not os.access(path, os.R_OK | os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except FileExistsError:
        return  # another process was faster
    except OSError as error:
        raise StoreError(
            f"the store {label} cannot be opened: {error.strerror}; "
            "may this user write to the file and its folder?"
        ) from error


def _engine(url: URL) -> Engine:
    options: dict[str, Any] = {"pool_pre_ping": True, "json_serializer": dump_json}
    if url.get_backend_name() == "postgresql":
        options["connect_args"] = {"connect_timeout": 5, **url.query}
        # A server's process knows what it was asked before: the one of last is asked.
        options["pool_use_lifo"] = True
        url = url.set(query={})
    try:
        engine = create_engine(url, hide_parameters=True, **options)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise MissingExtraError("postgres", "A Postgres store") from None
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "begin", _begin_postgres)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Transactions are begun by `_begin_sqlite` alone:
    # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#pysqlite-serializable
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that turns from reading to writing does not wait for the lock but
    # fails; one that begins as a writer waits: https://sqlite.org/lang_transaction.html
    writing = connection.get_execution_options().get(_WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _begin_postgres(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get(_SNAPSHOT):
        connection.exec_driver_sql(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        )
    if options.get(_WRITING):
        connection.exec_driver_sql(
            "SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '30s'"
        )


def _is_refusal(error: Exception) -> bool:
    """Whether it is the rows that are wrong, and not the database."""
    if isinstance(error, DBAPIError):
        # 54000: an entry is too large for what should hold it.
        too_large = getattr(error.orig, "sqlstate", None) == "54000"
        return isinstance(error, DataError | IntegrityError) or too_large
    return isinstance(
        error, StatementError | OverflowError | ValueError | RecursionError
    )


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines()
    return lines[0].rstrip() if lines else type(cause).__name__


def _mending(text: str) -> str:
    found = (advice for part, advice in _MENDING.items() if part in text)
    return "".join(f" ({advice})" for advice in found)
