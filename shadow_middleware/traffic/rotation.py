"""
One capture file after the other in a directory: named, rotated, finished, given up.

A file ends with `.part` while it is written, and holds a lock for as long as its writer
lives. Several processes share a directory without mixing: each has files of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from shadow_middleware.traffic.files import PART, Framing, framing_of
from shadow_middleware.traffic.ndjson import VERSION, Account, Head, encode

__all__ = ["Limits", "Rotation"]

_ABANDONED: Final = 10.0
"""Seconds after which a file that nobody holds is one whose writer died."""
_ENDINGS: Final = {"zstd": ".ndjson.zst", "gzip": ".ndjson.gz"}


class Limits(msgspec.Struct, frozen=True):
    """When a file is full, and how much is kept. 0 is no limit."""

    coding: str = "zstd"
    rotate_bytes: int = 64 * 1024 * 1024
    rotate_seconds: float = 3600.0
    keep_bytes: int = 0
    keep_files: int = 0


class Rotation:
    """
    Writes lines to the newest file of one writer. For one thread.

    Args:
        folder: Made, for its owner only, where it is not there.
        head: What each file says first; its number and time are set here.
        limits: When the next file begins, and which old ones go.
    """

    def __init__(self, folder: str, head: Head, limits: Limits) -> None:
        self._folder = folder
        self._head = head
        self._limits = limits
        self._number = 0
        self._file = -1
        self._path = ""
        self._framing: Framing = framing_of("")
        self._opened_at = 0.0
        self._size = 0
        self.records = 0
        """Exchanges in the file that is open."""
        self.total_bytes = 0
        """Bytes written so far, to all files."""

    @property
    def path(self) -> str:
        """The file that is open; empty while there is none."""
        return self._path

    def write(self, lines: Sequence[bytes], now: float) -> None:
        """
        Write lines, all of them or none, so that they outlive the process.

        Raises:
            OSError: they are not written. What was before them is a file of its own.
        """
        if self._file < 0:
            self._open(now)
        self._put(b"".join(map(self._framing.add, lines)))
        self.records += len(lines)

    def note(self, account: Account, now: float) -> None:
        """
        Write an account between the records.

        Raises:
            OSError: it is not written.
        """
        if self._file < 0:
            self._open(now)
        self._put(self._framing.add(encode(account)))

    def is_due(self, now: float) -> bool:
        """Whether the file that is open is full or old enough."""
        limits = self._limits
        if self._file < 0:
            return False
        full = 0 < limits.rotate_bytes <= self._size
        return full or 0 < limits.rotate_seconds <= now - self._opened_at

    def is_gone(self) -> bool:
        """Whether somebody has removed the file that is open."""
        if self._file < 0:
            return False
        try:
            return not os.path.samestat(os.fstat(self._file), os.stat(self._path))
        except OSError:
            return True

    def finish(self, account: Account) -> None:
        """
        End the file that is open, if there is one, and let old ones go.

        Raises:
            OSError: the account is not written; the file is finished all the same.
        """
        if self._file < 0:
            return
        try:
            self._put(self._framing.add(encode(account)) + self._framing.end())
        finally:
            self._let_go()
        self._prune()

    def forget(self) -> None:
        """Let go of a file that somebody has removed."""
        if self._file >= 0:
            os.close(self._file)
            self._file, self._path = -1, ""

    # --- one file -----------------------------------------------------------------------

    def _open(self, now: float) -> None:
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        self._adopt_abandoned(now)
        self._number += 1
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
        name = (
            f"{stamp}.{int(now % 1 * 1000):03d}Z-{self._head.process}-{self._number:04d}"
            f"{_ENDINGS[self._limits.coding]}{PART}"
        )
        self._path = os.path.join(self._folder, name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._file = os.open(self._path, flags, 0o600)
        self._framing = framing_of(self._path)
        self._opened_at, self._size, self.records = now, 0, 0
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._let_go()
            raise
        head = msgspec.structs.replace(
            self._head, capture=VERSION, created=now, number=self._number
        )
        self._put(self._framing.add(encode(head)))

    def _put(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            # What was half written must not stand before what follows.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            self._let_go()
            raise
        self._size += len(data)
        self.total_bytes += len(data)

    def _let_go(self) -> None:
        """Close the file, and give it the name of one that is not written any more."""
        if self._file < 0:
            return
        file, self._file = self._file, -1
        path, self._path = self._path, ""
        with contextlib.suppress(OSError):
            if self._size:
                # Once for each file: one that has its name survives a loss of power.
                os.fsync(file)
                os.rename(path, path.removesuffix(PART))
            else:
                os.unlink(path)
        os.close(file)

    # --- the others ---------------------------------------------------------------------

    def _adopt_abandoned(self, now: float) -> None:
        """Finish the names of files whose writers were killed."""
        for entry in self._entries():
            with contextlib.suppress(OSError):
                if (
                    entry.name.endswith(PART)
                    and now - entry.stat().st_mtime > _ABANDONED
                ):
                    _adopt(entry.path)

    def _prune(self) -> None:
        """Remove the oldest files until the rest is within the limits."""
        limits = self._limits
        if not (limits.keep_bytes or limits.keep_files):
            return
        newest_first = sorted(self._entries(), key=_name_of, reverse=True)
        size = 0
        for number, entry in enumerate(newest_first, 1):
            with contextlib.suppress(OSError):
                size += entry.stat().st_size
                many = 0 < limits.keep_files < number
                much = 0 < limits.keep_bytes < size and number > 1
                if (many or much) and not entry.name.endswith(PART):
                    os.unlink(entry.path)

    def _entries(self) -> list[os.DirEntry[str]]:
        ending = _ENDINGS[self._limits.coding]
        with os.scandir(self._folder) as entries:
            return [e for e in entries if e.name.removesuffix(PART).endswith(ending)]


def _name_of(entry: os.DirEntry[str]) -> str:
    return entry.name


def _adopt(path: str) -> None:
    file = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(path, path.removesuffix(PART))
    finally:
        os.close(file)
