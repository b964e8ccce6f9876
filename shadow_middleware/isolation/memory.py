"""
Which markers were seen: each counts once.

`SeenHere` knows what one process has seen. Where several processes serve the shadow,
they share a `SeenInFile`, or on several hosts something of yours with the same method.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import sqlite3
import threading
from pathlib import Path
from typing import Protocol

from shadow_middleware.errors import ConfigurationError

__all__ = ["Memory", "SeenHere", "SeenInFile"]


class Memory(Protocol):
    """Remembers markers until they are too old to count anyway."""

    def first(self, value: bytes, at: float, until: float, now: float) -> bool:
        """
        Return whether the marker has not been seen before; from now on it has.

        One call in all processes that share the memory returns true, never two.

        Args:
            value: The marker, as it was sent.
            at: When it was signed, in seconds since the epoch.
            until: When it is too old to count, so that it can be forgotten.
            now: Seconds since the epoch.
        """
        ...


class SeenHere:
    """What this process has seen: bounded, and without a file."""

    def __init__(self, most: int = 100_000) -> None:
        """
        Begin with nothing seen.

        Args:
            most: Markers remembered. With more of them in the window, the oldest is
                forgotten, and nothing as old as that counts from then on.
        """
        self._most = most
        self._seen: set[bytes] = set()
        self._ages: list[tuple[float, float, bytes]] = []
        self._too_old = float("-inf")
        self._lock = threading.Lock()

    def first(self, value: bytes, at: float, until: float, now: float) -> bool:
        """Return whether the marker has not been seen before; see `Memory`."""
        name = _digest(value)
        with self._lock:
            if at <= self._too_old or name in self._seen:
                return False
            self._seen.add(name)
            heapq.heappush(self._ages, (at, until, name))
            while self._ages and self._ages[0][1] < now:
                self._seen.discard(heapq.heappop(self._ages)[2])
            if len(self._ages) > self._most:
                oldest, _, forgotten = heapq.heappop(self._ages)
                self._seen.discard(forgotten)
                self._too_old = oldest
            return True


class SeenInFile:
    """
    What all processes of a host have seen, in a SQLite file that they share.

    The file holds digests and times; it can be removed while nothing is served.
    """

    _SWEEP_EVERY = 1000

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """
        Open the file, or make it, readable for its owner alone.

        Raises:
            ConfigurationError: it cannot be opened for writing.
        """
        self._path = Path(path)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._calls = 0
        try:
            self._open()
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"the memory of markers {str(self._path)!r} cannot be used: {error}; "
                f"it has to be a file in a folder that this process can write to"
            ) from error

    def first(self, value: bytes, at: float, until: float, now: float) -> bool:
        """Return whether the marker has not been seen before; see `Memory`."""
        with self._lock:
            connection = self._open()
            self._calls += 1
            if self._calls % self._SWEEP_EVERY == 1:
                connection.execute("DELETE FROM seen WHERE until < ?", (now,))
            done = connection.execute(
                "INSERT OR IGNORE INTO seen (marker, until) VALUES (?, ?)",
                (_digest(value), until),
            )
            return done.rowcount == 1

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        # A connection must not be used on both sides of a fork.
        if self._connection is None or self._pid != os.getpid():
            self._path.touch(mode=0o600)
            connection = sqlite3.connect(
                self._path, timeout=5.0, isolation_level=None, check_same_thread=False
            )
            # What a crash of the host forgets is too old when it is up again.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS seen"
                " (marker BLOB PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID"
            )
            self._connection, self._pid = connection, os.getpid()
        return self._connection


def _digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=16).digest()
