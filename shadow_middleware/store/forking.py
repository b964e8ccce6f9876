"""
No connection to a database is carried over a fork.

A child inherits what SQLite noted about its locks, but not the locks: files that the
parent had open at that moment it would write to unprotected, also through connections
of its own (https://sqlite.org/howtocorrupt.html, 2.6). To Postgres, parent and child
would speak through one socket.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol
from weakref import WeakSet

__all__ = ["creating", "forget_before_forks", "in_use"]

PATIENCE: Final = 1.0
"""Seconds that a fork waits for what is being read or written."""


class Closable(Protocol):
    """What opens its connections again when it needs them."""

    def close(self) -> None:
        """Release every connection."""
        ...


class _Gate:
    """Lets readings and writings pass, and none while a fork is under way."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._forking = 0

    def enter(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._forking == 0)
            self._inside += 1

    def leave(self) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def shut(self) -> None:
        with self._changed:
            self._forking += 1
            # One who is inside and forks, or hangs in a database, is not waited for.
            self._changed.wait_for(lambda: self._inside == 0, PATIENCE)

    def open(self) -> None:
        with self._changed:
            self._forking -= 1
            self._changed.notify_all()


_gate = _Gate()
_creating = threading.Lock()
_databases: WeakSet[Closable] = WeakSet()


def forget_before_forks(database: Closable) -> None:
    """Close the database's connections before each fork."""
    with in_use():
        _databases.add(database)


@contextmanager
def in_use() -> Iterator[None]:
    """Keep forks away while a connection is in use, for a second at most."""
    gate = _gate
    gate.enter()
    try:
        yield
    finally:
        gate.leave()


@contextmanager
def creating() -> Iterator[None]:
    """
    Let one thread at a time see to its file.

    Or one might close a new file that another has begun to use.
    """
    with _creating:
        yield


def _before_fork() -> None:
    _gate.shut()
    for database in list(_databases):
        database.close()


def _after_fork_in_child() -> None:
    global _gate, _creating
    # Whoever held them is no thread of this process.
    _gate, _creating = _Gate(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=lambda: _gate.open(),
        after_in_child=_after_fork_in_child,
    )
