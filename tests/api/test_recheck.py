"""A recheck asked for over HTTP, with a real shadow that was mended in part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from shadow_middleware.api import api
from shadow_middleware.testing import ShadowServer, asgi
from tests.api.conftest import BEARER, TOKEN
from tests.cli.tea import LIVE, shop
from tests.promises.staging import until


@pytest.fixture
def mended(url: str) -> Iterator[tuple[TestClient, ShadowServer]]:
    """Give the API, and a shadow whose price and phone are right again."""
    with ShadowServer(asgi(shop({**LIVE, "stock": "3"}))) as shadow:
        app = api(token=TOKEN, store_url=url, shadow_url=shadow.url)
        yield TestClient(app, headers=BEARER), shadow


def _group(client: TestClient, path: str) -> str:
    found = client.get("/api/v1/groups", params={"find": f"GET /tea {path}"}).json()
    (group,) = found["items"]
    return f"/api/v1/groups/{group['fingerprint']}"


def _done(client: TestClient, group: str, **asked: Any) -> dict[str, Any]:
    begun = client.post(f"{group}/recheck", json=asked)
    assert 202 == begun.status_code

    def job() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(f"{group}/recheck").json()
        return None if found["running"] else found

    found: dict[str, Any] = until(job)
    return found


def test_what_is_mended_is_resolved_where_that_is_asked_for(
    mended: tuple[TestClient, ShadowServer],
) -> None:
    """The shadow gets marked copies, and the group is out of the count."""
    client, shadow = mended
    group = _group(client, "/price")
    plain = _done(client, group)
    still = client.get(group).json()["row"]["state"]
    resolving = _done(client, group, resolve=True)

    assert ("fixed", False, "") == (plain["fate"], plain["resolved"], plain["problem"])
    assert "open" == still
    assert ("fixed", True) == (resolving["fate"], resolving["resolved"])
    row = client.get(group).json()["row"]
    assert ("resolved", "rechecked") == (row["state"], row["note"])
    assert {"GET"} == {one.method for one in shadow.received}


def test_what_still_differs_stays_open(mended: tuple[TestClient, ShadowServer]) -> None:
    """Also where to resolve it was asked for."""
    client, _ = mended
    group = _group(client, "/stock")
    job = _done(client, group, resolve=True)

    assert ("still diverging", False) == (job["fate"], job["resolved"])
    assert "open" == client.get(group).json()["row"]["state"]


def test_without_a_shadow_nothing_can_be_sent(client: TestClient) -> None:
    """The API says which setting is missing where it runs."""
    answer = client.post(f"{_group(client, '/price')}/recheck", json={})

    assert 409 == answer.status_code
    assert "shadow_url" in answer.json()["detail"]
