"""How long a session lasts: in pages and API alike, across processes and tokens."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from shadow_middleware.api.access import SESSION, Access
from shadow_middleware.api.opened import Opened
from shadow_middleware.dashboard import dashboard
from shadow_middleware.dashboard.app import serve_pages
from shadow_middleware.settings import Settings
from tests.dashboard.conftest import TOKEN

HOURS = 3600.0
PLACES = ("/", "/groups", "/api/stats", "/metrics")


def _signed_in(client: TestClient) -> str:
    """Sign in, and return the cookie's value."""
    answer = client.post("/login", data={"token": TOKEN}, follow_redirects=False)
    assert 303 == answer.status_code
    return client.cookies[SESSION]


def _seen(client: TestClient, cookie: str) -> set[int]:
    client.cookies.clear()
    headers = {"Cookie": f"{SESSION}={cookie}"}
    return {client.get(place, headers=headers).status_code for place in PLACES}


def test_a_session_opens_everything_for_twelve_hours_and_nothing_after(
    tea: str,
) -> None:
    """Nothing that is done in between makes it longer, nor do browsers that keep it."""
    now = [1.9e9]
    access = Access(TOKEN, now=lambda: now[0])
    app = serve_pages(Opened(Settings(store_url=tea)), access)
    with TestClient(app, follow_redirects=False) as client:
        cookie = _signed_in(client)
        (csrf,) = re.findall(r'name="csrf-token" content="(\w+)"', client.get("/").text)
        now[0] += 12 * HOURS - 1
        during = _seen(client, cookie)
        now[0] += 2
        after = _seen(client, cookie)
        write = {"name": "x", "csrf_token": csrf}
        headers = {"Cookie": f"{SESSION}={cookie}"}
        posted = client.post("/rules/remove", data=write, headers=headers).status_code

    assert ({200}, {401}, 401) == (during, after, posted)


def test_browsers_are_told_the_same_time(tea: str) -> None:
    """A cookie that outlives its session would only confuse."""
    with TestClient(dashboard(token=TOKEN, store_url=tea)) as client:
        answer = client.post("/login", data={"token": TOKEN}, follow_redirects=False)

    assert f"Max-Age={12 * 3600};" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("then", "status"),
    [
        ({"token": TOKEN}, 200),
        ({"token": "another token, as long"}, 401),
        ({"token": TOKEN, "secret": "of the host"}, 401),
    ],
)
def test_a_session_belongs_to_its_token(
    then: dict[str, str], status: int, tea: str
) -> None:
    """It lives on when the process begins anew; a new token ends all of them."""
    with TestClient(dashboard(token=TOKEN, store_url=tea)) as client:
        cookie = _signed_in(client)
    begun_anew = dashboard(store_url=tea, **then)  # type: ignore[arg-type]
    with TestClient(begun_anew) as client:
        assert {status} == _seen(client, cookie)


def test_two_sessions_have_each_a_csrf_token_of_its_own(tea: str) -> None:
    """What leaked from one browser is worth nothing in another."""
    with TestClient(dashboard(token=TOKEN, store_url=tea)) as client:
        found = set()
        for _ in range(2):
            client.cookies.clear()
            _signed_in(client)
            text = client.get("/rules").text
            found |= set(re.findall(r'name="csrf-token" content="(\w+)"', text))

    assert 2 == len(found)
