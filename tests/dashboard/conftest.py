"""A dashboard over a store that real traffic has filled, and one to ask it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from shadow_middleware.dashboard import dashboard
from tests.shared import copied

TOKEN = "a-token-of-the-tests"


@pytest.fixture
def tea(tea_store: Path, tmp_path: Path) -> str:
    """Give the address of a store of its own with what became of real traffic."""
    return copied(tea_store, tmp_path / "tea.db")


def visitor(store_url: str, shadow_url: str = "") -> TestClient:
    """Return a client that nobody knows yet."""
    app = dashboard(token=TOKEN, store_url=store_url, shadow_url=shadow_url)
    return TestClient(app, follow_redirects=False)


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
