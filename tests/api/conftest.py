"""A store that real traffic has filled, and the API over it."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from shadow_middleware.api import api
from tests.shared import copied

TOKEN = "a-token-that-nobody-guesses"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def url(tea_store: Path, tmp_path: Path) -> str:
    """Give the address of a store of its own with what became of real traffic."""
    return copied(tea_store, tmp_path / "tea.db")


@pytest.fixture
def client(url: str) -> TestClient:
    """Give a client with the token."""
    return TestClient(api(token=TOKEN, store_url=url), headers=BEARER)


@pytest.fixture
def stranger(url: str) -> TestClient:
    """Give a client without the token."""
    return TestClient(api(token=TOKEN, store_url=url))
