"""What is costly and never changes: made once for all workers of a run, and copied."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shadow_middleware.store.sql import SqlStore
from tests.cli.tea import mirror

__all__ = ["copied", "empty_store", "made_once", "tea_store"]


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]
) -> Path:
    """
    Return a folder that `make` has filled, by whichever worker asked first.

    The others wait for it. Nobody writes into it afterwards; see `copied`.
    """
    base = factory.getbasetemp()
    # Each worker of xdist has a folder of its own below the one of the run.
    root = (base.parent if base.name.startswith("popen-") else base) / "shared"
    root.mkdir(exist_ok=True)
    folder, half = root / name, root / f"{name}.half"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(half, ignore_errors=True)  # of somebody who failed
            half.mkdir()
            make(half)
            half.rename(folder)
    return folder


def copied(source: Path, to: Path) -> str:
    """Copy an SQLite store, with what its log still holds; return the copy's address."""
    with (
        closing(sqlite3.connect(source)) as one,
        closing(sqlite3.connect(to)) as other,
    ):
        one.backup(other)
    return f"sqlite:///{to}"


@pytest.fixture(scope="session")
def tea_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a store that real traffic has filled. Copy it."""

    def make(folder: Path) -> None:
        mirror(f"sqlite:///{folder / 'store.db'}")

    return made_once(tmp_path_factory, "tea", make) / "store.db"


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a store with tables and nothing in them. Copy it."""

    def make(folder: Path) -> None:
        SqlStore(f"sqlite:///{folder / 'store.db'}").close()

    return made_once(tmp_path_factory, "empty", make) / "store.db"
