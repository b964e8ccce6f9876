"""Every test of a promise begins without agents and leaves none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shadow_middleware import runtime


@pytest.fixture(autouse=True)
def _no_agent_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Part from every agent that the test has started."""
    monkeypatch.setattr(runtime, "_handoffs", {})
    yield
    runtime.shutdown(10.0)


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Give the URL of a store that nobody has used."""
    return f"sqlite:///{tmp_path}/store.db"
