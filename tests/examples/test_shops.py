"""The shops are real ones: login, CRUD, forms, streams, files, work done later."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from examples.django_app.traffic import TOUR as DJANGO_TOUR
from examples.fastapi_app.traffic import TOUR as FASTAPI_TOUR
from examples.stage.servers import free_port
from examples.stage.show import Side, staged
from examples.stage.visits import Visit
from tests.examples.oracle import Answer, answers
from tests.examples.test_versions import DJANGO, FASTAPI

pytestmark = pytest.mark.usefixtures("children_uncounted")

NOT_200_FASTAPI = {
    ("GET", "/products/999"): 404,
    ("GET", "/categories/glass"): 404,
    ("POST", "/feedback"): 303,
    ("POST", "/orders"): 201,
    ("DELETE", "/orders/1"): 204,
    ("GET", "/nowhere"): 404,
}
NOT_200_DJANGO = {
    ("POST", "/login/"): 302,
    ("GET", "/books/999/"): 404,
    ("GET", "/genres/western/"): 404,
    ("POST", "/contact/"): 302,
    ("POST", "/orders/"): 201,
    ("DELETE", "/orders/1/"): 204,
    ("GET", "/books"): 301,
    ("GET", "/nowhere/"): 404,
}


def toured(side: Side, tour: tuple[Visit, ...], folder: Path) -> list[Answer]:
    """Serve one version, go through the whole tour, stop it properly."""
    port = free_port()
    with side.served(port, folder, "shop", staged(folder, free_port())) as server:
        return answers(server.url, tour)


def the_answer(found: list[Answer], path: str) -> Answer:
    """Return the last answer to a GET of that path."""
    return next(
        answer
        for answer in reversed(found)
        if (answer.visit.method, answer.visit.path) == ("GET", path)
    )


def mails(folder: Path, database: str, table: str) -> list[str]:
    """Return what was sent after the answers had gone out."""
    with closing(sqlite3.connect(folder / database)) as connection:
        rows = connection.execute(f"SELECT message FROM {table} ORDER BY id")
        return [message for (message,) in rows]


@pytest.mark.slow
def test_the_fastapi_shop_serves_its_whole_tour(tmp_path: Path) -> None:
    """Each page answers as the tour expects, and mails go out after the answers."""
    found = toured(FASTAPI["uvicorn"][0], FASTAPI_TOUR, tmp_path)

    before_login, *_ = found
    assert 401 == before_login.status
    assert [
        (it.visit, NOT_200_FASTAPI.get((it.visit.method, it.visit.path), 200))
        for it in found[1:]
    ] == [(it.visit, it.status) for it in found[1:]]
    assert b'{"name":"ada"}' == the_answer(found, "/me").body
    assert b"data: tick 0\n\ndata: tick 1\n\n" in the_answer(found, "/events").body
    export = the_answer(found, "/export")
    assert "chunked" == dict(export.headers)["transfer-encoding"]
    assert 24 == export.body.count(b"\n")
    guide = dict(the_answer(found, "/size-guide").headers)
    assert 'attachment; filename="size-guide.txt"' == guide["content-disposition"]
    told = mails(tmp_path, "fastapi-shop-v1.db", "outbox")
    assert ["Lovely lamp", "order 1 confirmed"] == told


@pytest.mark.slow
def test_the_django_shop_serves_its_whole_tour(seeded: Path) -> None:
    """Each page answers as the tour expects, and mails go out after the answers."""
    found = toured(DJANGO["gunicorn"][0], DJANGO_TOUR, seeded)

    before_login, *_ = found
    assert 401 == before_login.status
    assert [
        (it.visit, NOT_200_DJANGO.get((it.visit.method, it.visit.path), 200))
        for it in found[1:]
    ] == [(it.visit, it.status) for it in found[1:]]
    assert b'{"name": "ada"}' == the_answer(found, "/account/").body
    assert b"data: tick 0\n\ndata: tick 1\n\n" in the_answer(found, "/events/").body
    export = the_answer(found, "/export/")
    assert "chunked" == dict(export.headers)["transfer-encoding"]
    assert 24 == export.body.count(b"\n")
    guide = dict(the_answer(found, "/guide/").headers)
    assert 'attachment; filename="reading-guide.txt"' == guide["content-disposition"]
    told = mails(seeded, "django-shop-v1.db", "shop_outgoingmail")
    assert ["A lovely shop", "order 1 confirmed"] == told
