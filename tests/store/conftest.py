"""Every kind of store, so that one test asks the same of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from shadow_middleware.store.base import (
    Curator,
    Reader,
    Runs,
    Store,
    Targets,
)
from shadow_middleware.store.memory import MemoryStore
from shadow_middleware.store.purger import Purger
from shadow_middleware.store.sql import SqlStore


class WholeStore(Store, Reader, Curator, Purger, Runs, Targets, Protocol):
    """A store that can do everything."""

    def close(self) -> None:
        """Release every connection."""
        ...


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Give the address of a file that is not there yet."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """Give the address of an empty store, on each database."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[WholeStore]:
    """Give each kind of store."""
    made: WholeStore
    if request.param == "memory":
        made = MemoryStore(most_divergences=10_000)
    else:
        made = SqlStore(request.getfixturevalue(f"{request.param}_url"))
    yield made
    made.close()


@pytest.fixture
def open_sql() -> Iterator[Callable[[str], SqlStore]]:
    """Give what opens stores, all of which are closed at the end."""
    opened: list[SqlStore] = []

    def open_one(url: str) -> SqlStore:
        opened.append(SqlStore(url))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
