"""
What waits for the broker on disk: in order, bounded, and there after a kill.

    folder  one for each live process; who works in it holds its lock
    files   NNNNNNNN.spool, each some MiB of length-prefixed MessagePack
            progress: how many items of the first file are done with

A file is removed when all of it is at the broker. What a killed process left is taken
over by the next agent. Nothing is forced to the disk: a power cut may take the last
seconds.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from collections import OrderedDict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from shadow_middleware.broker.item import Item

__all__ = ["Spool"]

SEGMENT: Final = 8 * 1024 * 1024
"""Bytes after which a new file begins."""
_FIRST: Final = 10_000_000
"""Numbers below are for what waited in memory when an agent ended."""
_LENGTH: Final = struct.Struct(">I")
_decoder: Final = msgspec.msgpack.Decoder(Item)

Spot = tuple[int, int]
"""The number of a file, and of an item in it."""


class Spool:
    """
    A queue on disk, for one process at a time.

    Args:
        folder: It is made, and only its owner may look into it.
        most: Bytes that the files may have.

    Raises:
        OSError: it cannot be used, or another process works in it.
    """

    def __init__(self, folder: Path, most: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self._most = most
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise
        self._files = deque(sorted(map(_number, folder.glob("*.spool"))))
        self._sizes = {one: self._path(one).stat().st_size for one in self._files}
        self._writing: int | None = None
        self._items: Iterator[tuple[Spot, Item]] = iter(())
        self._read: set[int] = set()
        self._counts: dict[int, int] = {}
        self._under_way: OrderedDict[Spot, bool] = OrderedDict()
        self._skip = self._progress()
        self.waiting = sum(len(list(self._in(one))) for one in self._files)
        self.waiting -= min(self.waiting, self._skip[1])

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(self._sizes.values())

    def append(self, item: Item) -> bool:
        """Keep an item after all others; False where there is no room."""
        data = msgspec.msgpack.encode(item)
        if self.size + len(data) > self._most:
            return False
        try:
            number = self._file_to_write()
            self._write(number, _LENGTH.pack(len(data)) + data)
        except OSError:
            return False
        self._sizes[number] += _LENGTH.size + len(data)
        self.waiting += 1
        return True

    def _write(self, number: int, data: bytes) -> None:
        path = self._path(number)
        try:
            with path.open("ab", buffering=0) as file:
                if file.write(data) < len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            # What was half written must not stand before what follows.
            with contextlib.suppress(OSError):
                os.truncate(path, self._sizes[number])
            raise

    def put_back(self, items: list[Item]) -> bool:
        """Keep items before all others, for the next process; whether that was done."""
        first = min([_FIRST, *self._files]) - 1
        try:
            with self._path(first).open("xb") as file:
                for item in items:
                    data = msgspec.msgpack.encode(item)
                    file.write(_LENGTH.pack(len(data)) + data)
        except OSError:
            return False
        self._note_progress(first, 0)
        return True

    def next(self) -> tuple[Spot, Item] | None:
        """Hand out the next item; None where there is none for now."""
        while True:
            for spot, item in self._items:
                self._under_way[spot] = False
                self.waiting -= 1
                return spot, item
            unread = [one for one in self._files if one not in self._read]
            if not unread:
                return None
            self._begin(unread[0])

    def _begin(self, number: int) -> None:
        # What is read is written no more: a file's items are then known to be all.
        if number == self._writing:
            self._writing = None
        self._read.add(number)
        found = list(self._in(number))
        self._counts[number] = len(found)
        done = self._skip[1] if self._skip[0] == number else 0
        spots = [((number, place), item) for place, item in enumerate(found)]
        self._items = iter(spots[done:])
        if done >= len(found):
            self._remove(number)

    def done(self, spot: Spot) -> None:
        """Take note that an item is at the broker, or was counted as lost."""
        self._under_way[spot] = True
        passed: Spot | None = None
        for one, is_done in list(self._under_way.items()):
            if not is_done:
                break
            passed = one
            del self._under_way[one]
        if passed is None:
            return
        number, place = passed
        if place + 1 == self._counts[number]:
            self._remove(number)
        else:
            self._note_progress(number, place + 1)

    def close(self) -> None:
        """Let another process work in it; an empty one is removed."""
        if not self._files and not list(self.folder.glob("*.spool")):
            for name in ("progress", "lock"):
                with contextlib.suppress(OSError):
                    (self.folder / name).unlink()
            with contextlib.suppress(OSError):
                self.folder.rmdir()
        os.close(self._lock)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08}.spool"

    def _file_to_write(self) -> int:
        number = self._writing
        if number is None or self._sizes[number] >= SEGMENT:
            number = max([_FIRST, *(one + 1 for one in self._files), *self._read])
            number += number in self._read
            descriptor = os.open(self._path(number), os.O_CREAT | os.O_WRONLY, 0o600)
            os.close(descriptor)
            self._writing = number
            self._files.append(number)
            self._sizes[number] = 0
        return number

    def _in(self, number: int) -> Iterator[Item]:
        """Yield the items of a file, up to where a kill cut one off."""
        data = self._path(number).read_bytes()
        at = 0
        while at + _LENGTH.size <= len(data):
            (length,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size
            if at + length > len(data):
                return
            try:
                yield _decoder.decode(data[at : at + length])
            except msgspec.MsgspecError:
                return
            at += length

    def _remove(self, number: int) -> None:
        with contextlib.suppress(OSError):
            self._path(number).unlink()
        if number in self._sizes:
            self._files.remove(number)
            del self._sizes[number]
        self._counts.pop(number, None)

    def _note_progress(self, number: int, count: int) -> None:
        with contextlib.suppress(OSError):
            (self.folder / "progress").write_text(f"{number} {count}")

    def _progress(self) -> Spot:
        try:
            number, count = (self.folder / "progress").read_text().split()
            return int(number), int(count)
        except (OSError, ValueError):
            return (-1, 0)


def _number(path: Path) -> int:
    return int(path.stem) if path.stem.isdigit() else 0
