"""
Rolls back what copies write through a SQLAlchemy engine: Core and ORM, sync and async.

    rollback(engine)                     # once, where the engine is made

and one of the doors around the app. Nothing else changes: sessions, `begin()`,
`commit()` and `begin_nested()` work, and all of one copy's work is one transaction.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import Engine

from shadow_middleware.errors import (
    ConfigurationError,
    NotIsolatedError,
    ReadOnlyError,
)
from shadow_middleware.isolation.context import ShadowRequest, current
from shadow_middleware.isolation.statements import is_read, outside

__all__ = ["read_only", "release", "rollback"]

_SAVEPOINT: Final = "shadow_isolation"
_READ_ONLY_WORDS: Final = ("read-only transaction", "readonly database", "ReadOnly")
_FIT: Final = ("sqlite", "postgresql")


def rollback(engine: Any) -> None:
    """
    Have everything undone that copies do through the engine, at the end of each.

    Args:
        engine: An `Engine` or `AsyncEngine`, of SQLite or Postgres.

    Raises:
        ConfigurationError: it is none of those, or is looked after already.
    """
    _look_after(engine, read_only=False)


def read_only(engine: Any) -> None:
    """
    Have the database itself refuse what copies write through the engine.

    Args:
        engine: An `Engine` or `AsyncEngine`, of SQLite or Postgres.

    Raises:
        ConfigurationError: it is none of those, or is looked after already.
    """
    _look_after(engine, read_only=True)


def release(engine: Any) -> None:
    """Look after the engine no longer; copies write through it as others do."""
    keeper = _keepers.pop(_sync(engine), None)
    if keeper is not None:
        keeper.remove()


def _look_after(engine: Any, *, read_only: bool) -> None:
    sync = _sync(engine)
    if sync in _keepers:
        raise ConfigurationError(
            f"{sync!r} is looked after already; release() it first"
        )
    if sync.dialect.name not in _FIT:
        raise ConfigurationError(
            f"copies are rolled back on SQLite and Postgres, not on "
            f"{sync.dialect.name}: give the shadow a database of its own"
        )
    keeper = _Keeper(sync, awaited=sync is not engine, read_only=read_only)
    keeper.put()
    _keepers[sync] = keeper


def _sync(engine: Any) -> Engine:
    sync = getattr(engine, "sync_engine", engine)
    if not isinstance(sync, Engine):
        raise ConfigurationError(f"an Engine or AsyncEngine is needed, not {engine!r}")
    return sync


class _Keeper:
    """Looks after one engine: lends each copy one connection, and listens."""

    def __init__(self, engine: Engine, *, awaited: bool, read_only: bool) -> None:
        self.engine = engine
        self.read_only = read_only
        self._awaited = awaited
        self._events: tuple[tuple[str, Callable[..., None]], ...] = (
            ("before_cursor_execute", self._before),
            ("handle_error", self._failed),
            ("prepare_twophase", _no_two_phases),
            ("engine_disposed", self._disposed),
        )

    def put(self) -> None:
        """Begin to look after the engine."""
        for name, listener in self._events:
            event.listen(self.engine, name, listener)
        self._take_pool()
        self._take_dialect()

    def remove(self) -> None:
        """Leave the engine as it was."""
        for name, listener in self._events:
            event.remove(self.engine, name, listener)
        vars(self.engine.pool).pop("connect", None)
        vars(self.engine.dialect).pop("set_isolation_level", None)

    def _take_pool(self) -> None:
        # All ways to a connection lead here: Core, ORM, options, raw and async ones.
        pool: Any = self.engine.pool
        present = pool.connect

        def connect() -> Any:
            request = current()
            return present() if request is None else self._lend(request, present)

        pool.connect = connect

    def _take_dialect(self) -> None:
        dialect: Any = self.engine.dialect
        present = dialect.set_isolation_level

        def set_isolation_level(dbapi_connection: Any, level: Any) -> None:
            request = current()
            if request is not None and self._holds(request, dbapi_connection):
                raise _refused(
                    request, f"isolation level {level} in a copy: it would commit"
                )
            present(dbapi_connection, level)

        dialect.set_isolation_level = set_isolation_level

    def _disposed(self, engine: Engine) -> None:
        self._take_pool()

    def _lend(self, request: ShadowRequest, connect: Callable[[], Any]) -> _Lent:
        held = request.kept.get(self)
        if held is None:
            if request.ended:
                raise _refused(
                    request, "the copy has ended: nobody would roll this back"
                )
            # No lock: an asynchronous engine goes to other tasks while it connects.
            new = _Held(self.engine, connect(), read_only=self.read_only)
            held = request.kept.setdefault(self, new)
            if held is not new:
                new.end()
            elif self._awaited:
                request.at_end(awaited=_in_greenlet(new.end))
            else:
                request.at_end(new.end)
        assert isinstance(held, _Held)
        if held.ended:
            raise _refused(request, "the copy has ended: nobody would roll this back")
        return _Lent(held)

    def _holds(self, request: ShadowRequest, dbapi_connection: Any) -> bool:
        held = request.kept.get(self)
        return (
            isinstance(held, _Held) and held.fairy.dbapi_connection is dbapi_connection
        )

    def _before(
        self,
        conn: Any,
        cursor: Any,
        statement: str,
        params: Any,
        context: Any,
        many: bool,
    ) -> None:
        lent = conn.connection
        request = current()
        if request is None or not isinstance(lent, _Lent):
            return
        if found := outside(statement):
            raise _refused(request, f"{found} in a copy could not be undone")
        if not is_read(statement):
            lent.wrote = True

    def _failed(self, context: Any) -> None:
        lent = context.connection.connection if context.connection is not None else None
        if isinstance(lent, _Lent):
            lent.failed = True
        request = current()
        if request is None or context.original_exception is None:
            return
        error = context.original_exception
        text = f"{type(error).__name__} {error}"
        if any(words in text for words in _READ_ONLY_WORDS):
            request.refuse(ReadOnlyError.reason)


_keepers: dict[Engine, _Keeper] = {}


def _no_two_phases(conn: Any, xid: Any) -> None:
    request = current()
    if request is not None:
        raise _refused(request, "a prepared transaction outlives a rollback")


def _refused(request: ShadowRequest, why: str) -> NotIsolatedError:
    request.refuse(NotIsolatedError.reason)
    return NotIsolatedError(why)


def _in_greenlet(end: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    from sqlalchemy.util import greenlet_spawn

    async def awaited() -> None:
        await greenlet_spawn(end)

    return awaited


class _Held:
    """The one connection of a copy, and its transaction that is never committed."""

    def __init__(self, engine: Engine, fairy: Any, *, read_only: bool) -> None:
        self.fairy = fairy
        self.ended = False
        self.open: list[_Lent] = []
        self.commits = 0
        self.names = itertools.count(1)
        self._sqlite = engine.dialect.name == "sqlite"
        self._read_only = read_only
        self._explicit = False
        self._level: Any = None
        try:
            self._begin(engine)
        except BaseException:
            fairy.invalidate()
            raise

    def _begin(self, engine: Engine) -> None:
        connection: Any = self.fairy.dbapi_connection
        if self._sqlite:
            if self._read_only:
                self.run("PRAGMA query_only = ON")
            # Python's driver begins at the first write, and commits before others.
            self._level = connection.isolation_level
            connection.isolation_level = None
        if not _is_in_transaction(self.fairy) and (
            self._sqlite or engine.dialect.detect_autocommit_setting(connection)
        ):
            self._explicit = True
            self.run("BEGIN")
        if self._read_only and not self._sqlite:
            self.run("SET TRANSACTION READ ONLY")
        self.run(f"SAVEPOINT {_SAVEPOINT}")

    def run(self, statement: str) -> None:
        """Run a statement of ours."""
        cursor = self.fairy.cursor()
        try:
            cursor.execute(statement)
        finally:
            cursor.close()

    def end(self) -> None:
        """
        Roll everything back, and return the connection.

        Raises:
            NotIsolatedError: the app has ended the transaction in a way nobody saw.
        """
        if self.ended:
            return
        self.ended = True
        try:
            self.run(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            if self._explicit:
                self.run("ROLLBACK")
            else:
                self.fairy.rollback()
            self._restore()
        except Exception as error:
            self.fairy.invalidate()
            raise NotIsolatedError(
                "the transaction of a copy was ended by the app: what it wrote may "
                "have stayed"
            ) from error
        self.fairy.close()

    def _restore(self) -> None:
        if self._sqlite:
            if self._read_only:
                self.run("PRAGMA query_only = OFF")
            self.fairy.dbapi_connection.isolation_level = self._level


def _is_in_transaction(fairy: Any) -> bool:
    return bool(getattr(fairy.driver_connection, "in_transaction", False))


class _Lent:
    """
    What SQLAlchemy takes for a pooled connection: its transactions are savepoints.

    Everything else is the held connection's.
    """

    def __init__(self, held: _Held) -> None:
        self._held = held
        self._name = f"shadow_{next(held.names)}"
        self._before = 0
        self.wrote = False
        self.failed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._held.fairy, name)

    def cursor(self, *args: Any, **kw: Any) -> Any:
        """Return a cursor; the first begins what the app takes for its transaction."""
        self._alive()
        if self not in self._held.open:
            self._held.run(f"SAVEPOINT {self._name}")
            self._held.open.append(self)
            self._before = self._held.commits
            self.wrote = self.failed = False
        return self._held.fairy.cursor(*args, **kw)

    def commit(self) -> None:
        """End the app's transaction, and keep what it did until the copy's end."""
        self._alive()
        if self in self._held.open:
            self._held.commits += self.wrote
            self._leave()

    def rollback(self) -> None:
        """Undo what the app did in this transaction."""
        if self._held.ended or self not in self._held.open:
            return
        if self.wrote or self.failed:
            if self._held.commits != self._before or self._held.open[-1] is not self:
                raise NotIsolatedError(
                    "two transactions of one copy overlap, and the outer one rolls "
                    "back: on the one connection of a copy it would undo both"
                )
            self._held.run(f"ROLLBACK TO SAVEPOINT {self._name}")
        self._leave()

    def close(self) -> None:
        """Give the connection back; what is uncommitted is undone."""
        self.rollback()

    def _close_special(self, transaction_reset: bool = False) -> None:
        self.close()

    def invalidate(self, *args: Any, **kw: Any) -> None:
        """Give up the connection; the database undoes what was done on it."""
        self._held.ended = True
        self._held.fairy.invalidate(*args, **kw)

    def detach(self) -> None:
        """Refuse: a detached connection is nobody's to roll back."""
        raise NotIsolatedError("a copy must not detach a connection from its pool")

    def _leave(self) -> None:
        held = self._held
        if held.open[-1] is self:
            held.run(f"RELEASE SAVEPOINT {self._name}")
        held.open.remove(self)

    def _alive(self) -> None:
        if self._held.ended:
            raise NotIsolatedError("the copy has ended: nobody would roll this back")
