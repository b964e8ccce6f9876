"""
One transaction around each shadow request, in every database, rolled back at its end.

Within it the app works as it would alone. Its `atomic` blocks, durable ones too, are
savepoints; a statement outside of them that fails undoes itself alone, as in
autocommit; `on_commit` hooks wait for a commit that never comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from shadow_middleware.errors import (
    NotIsolatedError,
    ReadOnlyError,
)
from shadow_middleware.isolation.context import ShadowRequest, current
from shadow_middleware.isolation.statements import (
    is_ddl,
    is_read,
    is_savepoint,
    outside,
)

__all__ = ["Transactions", "abandoned", "guard_connections", "unfit"]

_SAVEPOINT: Final = "shadow_isolation"
_STATEMENT: Final = "shadow_statement"
_READ_ONLY_WORDS: Final = ("read-only transaction", "readonly database", "query_only")

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


def unfit(aliases: Iterable[str] = ()) -> list[str]:
    """Return why some databases cannot be rolled back; none of them is opened."""
    return [
        f"The database {alias!r} ({connections[alias].vendor}) has no transactions to "
        f"roll back: give the shadow a database of its own, and leave this one out."
        for alias in aliases or connections
        if not _can_roll_back(connections[alias])
    ]


def _can_roll_back(connection: BaseDatabaseWrapper) -> bool:
    # MySQL is asked for its engine only when connected, so its class is taken at
    # its word here; the check of its tables is in the documentation.
    return connection.vendor != "mysql" and bool(connection.features.uses_savepoints)


class Transactions:
    """The open transactions of one shadow request; used from one thread."""

    def __init__(
        self, request: ShadowRequest, aliases: Iterable[str], *, read_only: bool = False
    ) -> None:
        self._request = request
        self._aliases = tuple(aliases)
        self._read_only = read_only
        self._open: list[tuple[BaseDatabaseWrapper, transaction.Atomic]] = []

    def begin(self) -> None:
        """
        Begin one in each database; where one fails, none stays open.

        Raises:
            NotIsolatedError: a transaction is open already, so that what others
                wrote would be rolled back, or the other way round.
        """
        try:
            for alias in self._aliases:
                self._begin(connections[alias])
        except BaseException:
            self.roll_back()
            raise

    def _begin(self, connection: BaseDatabaseWrapper) -> None:
        if connection.in_atomic_block:
            raise _refused(
                self._request,
                f"a transaction is open in {connection.alias!r} before the shadow "
                f"request has begun: put the isolation middleware first",
            )
        if self._read_only:
            _only_read(connection, True)
        atomic = transaction.atomic(using=connection.alias)
        # Durable blocks within are as durable as the whole, as in Django's TestCase.
        atomic._from_testcase = True  # type: ignore[attr-defined]
        connection.ensure_connection()
        held: Any = connection
        with _ours(connection):
            atomic.__enter__()
        self._open.append((connection, atomic))
        held.shadow_request, held.shadow_healed = self._request, False
        with _ours(connection), connection.cursor() as cursor:
            if self._read_only and connection.vendor == "postgresql":
                cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(f"SAVEPOINT {_SAVEPOINT}")

    def roll_back(self) -> None:
        """
        Roll all of them back.

        Raises:
            NotIsolatedError: the app has ended one of them by a way that nobody saw.
        """
        escaped: list[str] = []
        while self._open:
            connection, atomic = self._open.pop()
            if not self._roll_back(connection, atomic):
                escaped.append(connection.alias)
        if escaped:
            raise NotIsolatedError(
                f"the transaction of a shadow request was ended by the app in "
                f"{', '.join(escaped)}: what it wrote may have stayed"
            )

    def _roll_back(
        self, connection: BaseDatabaseWrapper, atomic: transaction.Atomic
    ) -> bool:
        """Roll back, and return whether it was our transaction to the end."""
        whole = connection.closed_in_transaction or _is_whole(connection)
        # What an app has left open within goes with it.
        connection.savepoint_ids.clear()
        del connection.atomic_blocks[1:]
        connection.needs_rollback = True
        try:
            atomic.__exit__(None, None, None)
        finally:
            held: Any = connection
            held.shadow_request = None
            if self._read_only:
                _only_read(connection, False)
        return whole


def abandoned(aliases: Iterable[str]) -> None:
    """Undo a copy before this request on this thread whose stream nobody closed."""
    for alias in aliases:
        left = getattr(connections[alias], "shadow_request", None)
        if left is not None:
            left.end()


def _is_whole(connection: BaseDatabaseWrapper) -> bool:
    """Whether the first savepoint of ours is still there to roll back to."""
    backend: Any = connection
    try:
        # The driver's own cursor: the transaction may be one that failed.
        raw = backend.connection.cursor()
        raw.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
        raw.close()
    except backend.Database.Error:
        return False
    return True


def _only_read(connection: BaseDatabaseWrapper, on: bool) -> None:
    """Have the database itself refuse writes; Postgres is told in the transaction."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        connection.connection.execute(f"PRAGMA query_only = {'ON' if on else 'OFF'}")
    elif connection.vendor != "postgresql" and on:
        raise NotIsolatedError(
            f"read_only works on SQLite and Postgres, and {connection.alias!r} "
            f"is {connection.vendor}"
        )


@contextmanager
def _ours(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let statements of our own pass unseen."""
    wrappers, connection.execute_wrappers = connection.execute_wrappers, []
    try:
        yield
    finally:
        connection.execute_wrappers = wrappers


class _Guard:
    """Sees each statement on one connection; acts on those of shadow requests."""

    def __init__(self, aliases: frozenset[str]) -> None:
        self._aliases = aliases

    def __call__(
        self, execute: Execute, sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        request = current()
        connection = context["connection"]
        if request is None or connection.alias not in self._aliases:
            return execute(sql, params, many, context)
        sql = _text(connection, sql)
        held: object = getattr(connection, "shadow_request", None)
        if held is not request:
            if is_read(sql):
                return execute(sql, params, many, context)
            raise _refused(request, _NOT_HELD.format(alias=connection.alias))
        self._check(request, connection, sql)
        try:
            return _as_alone(execute, sql, params, many, context)
        except DatabaseError as error:
            if any(words in str(error) for words in _READ_ONLY_WORDS):
                request.refuse(ReadOnlyError.reason)
            raise

    def _check(
        self, request: ShadowRequest, connection: BaseDatabaseWrapper, sql: str
    ) -> None:
        if found := outside(sql):
            raise _refused(request, f"{found} in a shadow request could not be undone")
        if is_ddl(sql) and not connection.features.can_rollback_ddl:
            raise _refused(request, f"{connection.vendor} commits with each definition")


_NOT_HELD = (
    "a write to {alias!r} from another thread, or after the end, of a shadow request: "
    "it is on another connection, so nobody would roll it back"
)


def _text(connection: BaseDatabaseWrapper, sql: Any) -> str:
    """Return the statement as text; psycopg has objects for it as well."""
    if isinstance(sql, str):
        return sql
    return str(sql.as_string(connection.connection))


def _refused(request: ShadowRequest, why: str) -> NotIsolatedError:
    request.refuse(NotIsolatedError.reason)
    return NotIsolatedError(why)


def _as_alone(execute: Execute, sql: str, params: Any, many: bool, context: Any) -> Any:
    """Execute; outside of the app's own blocks a failure undoes this statement alone."""
    connection = context["connection"]
    if len(connection.atomic_blocks) != 1 or is_savepoint(sql):
        return execute(sql, params, many, context)
    _heal(connection)
    savepoint = connection.vendor != "sqlite" and not is_read(sql)
    raw = connection.connection
    if savepoint:
        raw.execute(f"SAVEPOINT {_STATEMENT}")
    try:
        result = execute(sql, params, many, context)
    except DatabaseError:
        if savepoint:
            raw.execute(f"ROLLBACK TO SAVEPOINT {_STATEMENT}")
        connection.shadow_healed = savepoint or connection.vendor == "sqlite"
        raise
    if savepoint:
        raw.execute(f"RELEASE SAVEPOINT {_STATEMENT}")
    return result


def _heal(connection: Any) -> None:
    """Go on after a statement that failed alone; Django wants the whole rolled back."""
    if connection.shadow_healed:
        connection.needs_rollback = connection.shadow_healed = False


def guard_connections(aliases: Iterable[str]) -> None:
    """Have every connection looked after that these databases have, or will get."""
    guard = _Guard(frozenset(aliases))

    def look_after(connection: Any, **kwargs: Any) -> None:
        connection.execute_wrappers[:] = [
            each for each in connection.execute_wrappers if not isinstance(each, _Guard)
        ] + [guard]

    connection_created.connect(
        look_after, weak=False, dispatch_uid="shadow_middleware.isolation"
    )
    for connection in connections.all(initialized_only=True):
        look_after(connection)
    _deepen()


def _deepen() -> None:
    """
    Give an app's outermost block a savepoint even where it asks for none.

    Alone it would be a transaction of its own, as those of bulk_create and delete are,
    and a failure in it would leave the rest in order.
    """
    enter = transaction.Atomic.__enter__
    if hasattr(enter, "shadow_isolation"):
        return

    def enter_as_alone(self: Any) -> None:
        connection: Any = connections[self.using or "default"]
        alone = len(connection.atomic_blocks) == 1
        if not alone or getattr(connection, "shadow_request", None) is None:
            enter(self)
            return
        _heal(connection)
        given, self.savepoint = self.savepoint, True
        try:
            enter(self)
        finally:
            self.savepoint = given

    enter_as_alone.shadow_isolation = True  # type: ignore[attr-defined]
    transaction.Atomic.__enter__ = enter_as_alone  # type: ignore[method-assign]
