"""Whatever becomes of the store, live answers and the shadow is asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shadow_middleware import runtime
from shadow_middleware.exchange import Outcome
from shadow_middleware.testing import Reply, ShadowServer, collect
from tests.promises.staging import counted, serving
from tests.transparency.servers import free_port


def no_database(folder: Path) -> str:
    """Return a store that is something else."""
    (folder / "store.db").write_bytes(b"not a database " * 1000)
    return f"sqlite:///{folder}/store.db"


def full(folder: Path) -> str:
    """Return a store on a disk without room."""
    return "sqlite:////dev/full"


def nobody_there(folder: Path) -> str:
    """Return a store that refuses connections."""
    return f"postgresql+psycopg://u:p@127.0.0.1:{free_port()}/d?connect_timeout=2"


@pytest.mark.parametrize("away", [no_database, full, nobody_there])
def test_live_and_shadow_go_on_without_a_store(
    away: Callable[[Path], str], tmp_path: Path
) -> None:
    """W46: every request is answered, replayed, and has its outcome."""
    with (
        ShadowServer(Reply(200, (), b"other")) as shadow,
        collect() as outcomes,
        serving(
            shadow_url=shadow.url, store_url=away(tmp_path), drain_timeout=0.5
        ) as live,
    ):
        assert [(200, b"hello")] * 20 == [live.ask() for _ in range(20)]
        assert {Outcome.DIVERGENCE: 20} == outcomes.wait_for(20)
        assert (1, {}) == (live.side.state.agents, live.side.state.dropped)


def test_a_locked_store_gets_it_later(store: str, tmp_path: Path) -> None:
    """W46: somebody else writes all the while; in the end nothing is missing."""
    counted(store)
    with (
        ShadowServer(Reply(200, (), b"other")) as shadow,
        collect() as outcomes,
        serving(shadow_url=shadow.url, store_url=store) as live,
    ):
        with closing(sqlite3.connect(tmp_path / "store.db")) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert [(200, b"hello")] * 20 == [live.ask() for _ in range(20)]
            outcomes.wait_for(20)
            other.rollback()
        assert runtime.shutdown(90.0)

    assert {("shadow", "divergence"): 20} == counted(store)
