"""A dashboard over a store that real traffic has filled, and one to ask it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from shadow_middleware.dashboard import dashboard
from tests.cli.tea import mirror

TOKEN = "a-token-of-the-tests"


@pytest.fixture(scope="session")
def _mirrored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a store that real traffic has filled, made once."""
    file = tmp_path_factory.mktemp("tea") / "tea.db"
    mirror(f"sqlite:///{file}")
    return file


@pytest.fixture
def tea(_mirrored: Path, tmp_path: Path) -> str:
    """Give the address of a store of its own with what became of real traffic."""
    copy = tmp_path / "tea.db"
    with (
        closing(sqlite3.connect(_mirrored)) as source,
        closing(sqlite3.connect(copy)) as to,
    ):
        source.backup(to)
    return f"sqlite:///{copy}"


def visitor(store_url: str, **options: object) -> TestClient:
    """Return a client that nobody knows yet."""
    app = dashboard(token=TOKEN, store_url=store_url)
    return TestClient(app, follow_redirects=False, **options)  # type: ignore[arg-type]


@pytest.fixture
def nobody(tea: str) -> Iterator[TestClient]:
    """Give a client without a token."""
    with visitor(tea) as client:
        yield client


@pytest.fixture
def somebody(tea: str) -> Iterator[TestClient]:
    """Give a client that sends the token."""
    with visitor(tea) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client
