"""
One address for all agents of a host: each leaves its figures where the others find them.

Each live process has its agent, and only one of them gets the port. It shows the sum,
its own and what the others left in a folder that only their user can enter. A lock
that ends with its process says who is alive; counters of those that have gone are
kept, so a worker that was recycled takes nothing back.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import secrets
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from shadow_middleware.errors import DecodeError
from shadow_middleware.metrics.figures import Figures, added, lasting, pack, unpack

__all__ = ["Share", "folder_of"]

logger = logging.getLogger("shadow_middleware.metrics")

MOST_BYTES: Final = 16 * 1024 * 1024
_GONE: Final = "gone"


def folder_of(address: str) -> Path:
    """Return the folder in which agents that show figures at this address meet."""
    place = re.sub(r"[^A-Za-z0-9.]", "-", address)
    root = Path(tempfile.gettempdir()) / f"shadow_middleware-{os.getuid()}"
    return root / f"metrics-{place}"


class Share:
    """What one agent leaves in the folder, and what it finds there."""

    def __init__(self, folder: Path) -> None:
        """
        Enter the folder; the first to come finds it empty.

        Raises:
            OSError: it cannot be made, or somebody else could read or write there.
        """
        _make_private(folder.parent)
        _make_private(folder)
        self._folder = folder
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._folding = threading.Lock()
        with _locked(folder / "entrance"):
            if not any(self._is_alive(one) for one in folder.glob("*.lock")):
                _clear(folder)
            self._lock = os.open(self._path("lock"), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def leave(self, figures: Figures) -> None:
        """Leave the figures for the others, in place of the last ones."""
        draft = self._path("draft")
        draft.write_bytes(pack(figures))
        draft.replace(self._path("figures"))

    def others(self) -> Figures:
        """Return the sum of what the other agents left, and of those that have gone."""
        with self._folding:
            found = [_read(self._folder / f"{_GONE}.figures")]
            for path in sorted(self._folder.glob("*.figures")):
                if path.stem in (self._name, _GONE):
                    continue
                # Asked first: what one that has gone left is read after its last word.
                alive = self._is_alive(path.with_suffix(".lock"))
                figures = _read(path)
                if alive:
                    found.append(figures)
                else:
                    found[0] = self._keep(path, added([found[0], lasting(figures)]))
            return added(found)

    def has_others(self) -> bool:
        """Whether another agent is there."""
        locks = self._folder.glob("*.lock")
        return any(one.stem != self._name and self._is_alive(one) for one in locks)

    def close(self) -> None:
        """Let go of the lock: what was left counts as that of one that has gone."""
        os.close(self._lock)

    def _keep(self, path: Path, gone: Figures) -> Figures:
        """Remember what an agent that has gone counted, in one place for all of them."""
        draft = self._path("gone")
        draft.write_bytes(pack(gone))
        # In this order: to lose what one has counted is better than to count it twice.
        path.unlink(missing_ok=True)
        draft.replace(self._folder / f"{_GONE}.figures")
        path.with_suffix(".lock").unlink(missing_ok=True)
        return gone

    def _path(self, suffix: str) -> Path:
        return self._folder / f"{self._name}.{suffix}"

    @staticmethod
    def _is_alive(lock: Path) -> bool:
        try:
            descriptor = os.open(lock, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make_private(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise OSError(f"{folder} is not a folder of ours")
    if found.st_mode & 0o077:
        raise OSError(f"{folder} is open to others")


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != "entrance":
            path.unlink(missing_ok=True)


def _read(path: Path) -> Figures:
    try:
        if path.stat().st_size > MOST_BYTES:
            return {}
        return unpack(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, DecodeError) as error:
        logger.warning("figures of another agent could not be read: %s", error)
        return {}
