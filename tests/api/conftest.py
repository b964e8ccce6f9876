"""A store that real traffic has filled, and the API over it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from shadow_middleware.api import api
from tests.cli.tea import mirror

TOKEN = "a-token-that-nobody-guesses"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="session")
def _mirrored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a store that real traffic has filled, made once."""
    file = tmp_path_factory.mktemp("api") / "tea.db"
    mirror(f"sqlite:///{file}")
    return file


@pytest.fixture
def url(_mirrored: Path, tmp_path: Path) -> str:
    """Give the address of a store of its own with what became of real traffic."""
    copy = tmp_path / "tea.db"
    with (
        closing(sqlite3.connect(_mirrored)) as source,
        closing(sqlite3.connect(copy)) as to,
    ):
        source.backup(to)
    return f"sqlite:///{copy}"


@pytest.fixture
def client(url: str) -> TestClient:
    """Give a client with the token."""
    return TestClient(api(token=TOKEN, store_url=url), headers=BEARER)


@pytest.fixture
def stranger(url: str) -> TestClient:
    """Give a client without the token."""
    return TestClient(api(token=TOKEN, store_url=url))
