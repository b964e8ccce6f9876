"""A real store with known evidence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shadow_middleware.store.sql import SqlStore
from tests.tui.evidence import evidence


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    """Give a store on disk that `evidence` is in."""
    with closing(SqlStore(f"sqlite:///{tmp_path / 'evidence.db'}")) as opened:
        opened.write(evidence())
        yield opened
