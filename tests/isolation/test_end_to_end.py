"""The quick form of `benchmarks/isolation`: real servers, a real agent, 60 writes each."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.isolation.__main__ import WHAT, pg_dump, prove
from benchmarks.isolation.stage import SHOPS
from benchmarks.isolation.world import World
from shadow_middleware import runtime
from tests.postgres import PostgresServer

pytestmark = pytest.mark.usefixtures("children_uncounted")

WRITES = 60


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shop", "on"),
    [
        pytest.param(SHOPS[0], "SQLite", id="django-wsgi-sqlite"),
        pytest.param(SHOPS[1], "Postgres", id="django-asgi-postgres"),
        pytest.param(SHOPS[2], "Postgres", id="fastapi-postgres"),
    ],
)
def test_mirrored_writes_move_nothing(
    shop: object, on: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """All of them match, and the world is bit for bit what it was; an order moves it."""
    if on == "SQLite":
        world = World(tmp_path, (str(tmp_path / "shop.db"), str(tmp_path / "audit.db")))
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        places = server.url(server.create()), server.url(server.create())
        world = World(tmp_path, places, pg_dump())
    try:
        proof = prove(shop, world, WRITES)  # type: ignore[arg-type]
    finally:
        runtime.shutdown(5.0)

    assert WHAT == proof.moved_by_one
    assert () == proof.moved_by_copies
    assert {"match default_ignores": WRITES} == proof.outcomes
