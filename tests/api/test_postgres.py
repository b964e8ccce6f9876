"""The API over Postgres answers as it does over SQLite."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from shadow_middleware.api import endpoints
from shadow_middleware.api.access import Access
from shadow_middleware.api.metrics import metrics_route
from shadow_middleware.api.opened import Opened
from shadow_middleware.settings import Settings
from shadow_middleware.store.sql import SqlStore
from tests.api.conftest import BEARER, TOKEN
from tests.api.test_endpoints import READS
from tests.tui.evidence import PHONE, PRICE, evidence

ONE = [
    f"/api/v1/groups/{PRICE.fingerprint}",
    f"/api/v1/groups/{PHONE.fingerprint}",
    "/api/v1/divergences/1",
    "/api/v1/exchanges/bb-1",
    "/api/v1/groups?state=all&find=phone",
    "/api/v1/groups?state=open,noise&limit=1&offset=1",
    "/api/v1/divergences?route=GET%20/a",
    "/metrics",
]


def test_every_endpoint_answers_the_same_on_both(
    postgres_url: str, tmp_path: Path
) -> None:
    """Before and after decisions that are written through it."""
    rule = {"toml": '[[rules]]\nname = "price"\npath = "/price"\n'}
    urls = (f"sqlite:///{tmp_path}/x.db", postgres_url)
    opened = [Opened(Settings(store_url=one)) for one in urls]
    for url in urls:
        with closing(SqlStore(url)) as store:
            store.write(evidence())

    with closing(opened[0]), closing(opened[1]):
        clients = [_client(one) for one in opened]
        _same_on(clients, rule)


def _same_on(clients: list[TestClient], rule: dict[str, str]) -> None:
    for state in ("open", "ignored"):
        for path in (*READS, *ONE):
            expected, found = (_plain(one, path) for one in clients)
            assert expected == found, path
        for one in clients:
            group = f"/api/v1/groups/{PRICE.fingerprint}"
            assert 200 == one.patch(group, json={"state": "ignored"}).status_code
            added = one.post("/api/v1/rules", json=rule).json()
            assert {"added": int(state == "open")} == added


def _client(evidence: Opened) -> TestClient:
    access = Access(TOKEN)
    routes = [
        Mount("/api", endpoints(evidence, access)),
        metrics_route(evidence, access),
    ]
    return TestClient(Starlette(routes=routes), headers=BEARER)


def _plain(client: TestClient, path: str) -> tuple[int, str]:
    """Return the answer without when something was decided, which is no two times alike."""
    answer = client.get(path)
    assert 200 == answer.status_code, answer.text
    names = "decided_at|at" if path.endswith("rules") else "decided_at"
    return answer.status_code, re.sub(rf'"({names})":[0-9.e+]+', "", answer.text)
