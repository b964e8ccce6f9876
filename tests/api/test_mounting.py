"""The dashboard and its API within a host: under a prefix, with the host's permission."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from shadow_middleware.api.headers import FOR_DATA
from shadow_middleware.dashboard import dashboard
from tests.api.conftest import BEARER, TOKEN


@pytest.mark.parametrize("host", [Starlette, FastAPI])
def test_a_host_mounts_it_under_a_prefix(host: Any, url: str) -> None:
    """Its API, its pages and its description know where they are."""
    app = host()
    app.mount("/shadow", dashboard(token=TOKEN, store_url=url))
    client = TestClient(app)

    assert 401 == client.get("/shadow/api/stats").status_code
    assert 200 == client.get("/shadow/api/stats", headers=BEARER).status_code
    document = client.get("/shadow/api/openapi.json", headers=BEARER).json()
    assert [{"url": "/shadow/api"}] == document["servers"]
    answer = client.get("/shadow/api/stats", headers=BEARER)
    assert FOR_DATA == answer.headers["content-security-policy"]
    page = client.get("/shadow/", headers=BEARER)
    assert 'href="/shadow/groups' in page.text


def test_the_hosts_permission_sees_the_hosts_request(url: str) -> None:
    """What middleware of the host has put into the scope can be asked."""

    def allow(request: HTTPConnection) -> bool:
        return bool(request.scope.get("staff"))

    app = Starlette()
    app.mount("/shadow", dashboard(allow=allow, store_url=url))

    async def with_staff(scope: Any, receive: Any, send: Any) -> None:
        staff = (b"x-staff", b"yes") in scope.get("headers", [])
        await app({**scope, "staff": staff}, receive, send)

    client = TestClient(with_staff)

    assert 401 == client.get("/shadow/api/stats").status_code
    assert (
        200 == client.get("/shadow/api/stats", headers={"X-Staff": "yes"}).status_code
    )
