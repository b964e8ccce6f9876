"""Who may look: nothing is open by default, and no other site can write."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from shadow_middleware.api.access import SESSION, Access
from shadow_middleware.dashboard import dashboard
from shadow_middleware.dashboard.app import SCREENS
from shadow_middleware.errors import ConfigurationError
from tests.dashboard.conftest import TOKEN

OPEN = {"/login", "/logout"}
HTTPS = "https://testserver"


def test_it_is_not_built_without_a_permission(tea: str) -> None:
    """Forgetting the token is an error, never an open door."""
    with pytest.raises(ConfigurationError, match="token=… or allow=…"):
        dashboard(store_url=tea)


def test_a_token_that_can_be_guessed_is_refused(tea: str) -> None:
    """The message says how to make a good one."""
    with pytest.raises(ConfigurationError, match="secrets"):
        dashboard(token="short", store_url=tea)


def test_every_page_is_closed_to_nobody(nobody: TestClient) -> None:
    """Enumerated from the router, so that no page can be forgotten."""
    routes = [one for one in nobody.app.routes if isinstance(one, Route)]  # type: ignore[attr-defined]
    asked = [
        (method, one.path.replace("{", "").replace("}", ""))
        for one in routes
        for method in one.methods or ()
        if one.path not in OPEN
    ]
    answers = {
        (method, path): nobody.request(method, path).status_code
        for method, path in asked
    }

    assert len(SCREENS) <= len(answers)
    assert {401} == set(answers.values())


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "ü"]
)
def test_a_wrong_token_is_none(nobody: TestClient, header: str) -> None:
    """Close is not enough."""
    given = {"Authorization": header.encode()}

    assert 401 == nobody.get("/", headers=given).status_code  # type: ignore[arg-type]


def test_who_signs_in_comes_to_where_they_wanted(nobody: TestClient) -> None:
    """The page that was asked for is remembered by the form."""
    asked = nobody.get("/routes?since=1h")
    entered = nobody.post("/login", data={"token": TOKEN, "next": "/routes?since=1h"})

    assert 'value="/routes?since=1h"' in asked.text
    assert (303, "/routes?since=1h") == (
        entered.status_code,
        entered.headers["Location"],
    )
    assert 200 == nobody.get("/routes").status_code


@pytest.mark.parametrize("next_", ["//evil", "https://evil", "/\\evil", "", "evil"])
def test_signing_in_leads_to_no_other_host(nobody: TestClient, next_: str) -> None:
    """A prepared link cannot send anybody away."""
    entered = nobody.post("/login", data={"token": TOKEN, "next": next_})

    assert "/" == entered.headers["Location"]


def test_a_session_is_out_of_reach_of_scripts_and_other_sites(
    nobody: TestClient,
) -> None:
    """HttpOnly, SameSite=Strict, and Secure where the connection is."""
    plain = nobody.post("/login", data={"token": TOKEN}).headers["Set-Cookie"]
    safe = nobody.post(f"{HTTPS}/login", data={"token": TOKEN}).headers["Set-Cookie"]

    assert "HttpOnly" in plain
    assert "samesite=strict" in plain.lower()
    assert "Secure" not in plain
    assert "Secure" in safe


def test_a_wrong_token_signs_nobody_in(nobody: TestClient) -> None:
    """The page says so, and no cookie is given."""
    entered = nobody.post("/login", data={"token": "wrong"})

    assert 401 == entered.status_code
    assert "That is not the token" in entered.text
    assert "Set-Cookie" not in entered.headers


@pytest.mark.parametrize("change", ["x", ".", ""])
def test_a_forged_session_is_none(nobody: TestClient, change: str) -> None:
    """A session cannot be made longer, nor made up."""
    nobody.post("/login", data={"token": TOKEN})
    until, _, rest = nobody.cookies[SESSION].partition(".")
    nobody.cookies.clear()
    forged = f"{int(until) + 1}.{rest}{change}"

    answer = nobody.get("/", headers={"Cookie": f"{SESSION}={forged}"})

    assert 401 == answer.status_code


def test_a_session_ends_after_twelve_hours() -> None:
    """Also where the browser keeps the cookie for longer."""
    clock = [1_000.0]
    access = Access(TOKEN, now=lambda: clock[0])
    cookie = _session(access)

    clock[0] += 12 * 3600 - 1
    during = access.visitor(_with(cookie))
    clock[0] += 1
    after = access.visitor(_with(cookie))

    assert during is not None
    assert after is None


def test_who_signs_out_has_no_session(nobody: TestClient) -> None:
    """The cookie is taken back."""
    nobody.post("/login", data={"token": TOKEN})
    csrf = _csrf(nobody.get("/").text)
    left = nobody.post("/logout", data={"csrf_token": csrf})

    assert 303 == left.status_code
    assert 401 == nobody.get("/").status_code


@pytest.mark.parametrize("sent", [{}, {"csrf_token": "wrong"}, {"csrf_token": ""}])
def test_a_session_writes_only_with_its_csrf_token(
    nobody: TestClient, sent: dict[str, str]
) -> None:
    """Another site can make a browser post, but cannot read the token."""
    nobody.post("/login", data={"token": TOKEN})

    answer = nobody.post("/rules/remove", data={"name": "x", **sent})

    assert 403 == answer.status_code


def test_a_session_writes_with_its_csrf_token(nobody: TestClient) -> None:
    """As a form field, or as the header that scripts send."""
    nobody.post("/login", data={"token": TOKEN})
    csrf = _csrf(nobody.get("/").text)
    field = nobody.post("/rules/remove", data={"name": "x", "csrf_token": csrf})
    header = nobody.post(
        "/rules/remove", data={"name": "x"}, headers={"X-CSRF-Token": csrf}
    )

    assert (303, 303) == (field.status_code, header.status_code)


def test_what_another_site_sends_is_refused(nobody: TestClient) -> None:
    """Even with a token that leaked."""
    nobody.post("/login", data={"token": TOKEN})
    csrf = _csrf(nobody.get("/").text)
    answer = nobody.post(
        "/rules/remove",
        data={"name": "x", "csrf_token": csrf},
        headers={"Sec-Fetch-Site": "cross-site"},
    )

    assert 403 == answer.status_code


def test_a_form_that_is_too_long_is_refused(somebody: TestClient) -> None:
    """Nobody fills the memory."""
    assert 413 == somebody.post("/rules/add", data={"toml": "x" * 70_000}).status_code


def test_the_host_can_decide_instead(tea: str) -> None:
    """`allow` is asked for each request; forms need a CSRF token all the same."""
    app = dashboard(allow=lambda one: one.headers.get("x-staff") == "1", store_url=tea)
    staff = {"X-Staff": "1"}
    with TestClient(app, follow_redirects=False) as client:
        page = client.get("/", headers=staff)
        without = client.post("/rules/remove", data={"name": "x"}, headers=staff)
        data = {"name": "x", "csrf_token": _csrf(page.text)}
        written = client.post("/rules/remove", data=data, headers=staff)
        stranger = client.get("/")

    assert (200, 403, 303, 401) == (
        page.status_code,
        without.status_code,
        written.status_code,
        stranger.status_code,
    )


def test_the_hosts_permission_is_never_asked_on_the_loop(tea: str) -> None:
    """It may ask a database, and all other visitors would wait for that."""
    on_loop: list[bool] = []

    def allow(_: HTTPConnection) -> str:
        on_loop.append(asyncio._get_running_loop() is not None)
        return "somebody"

    app = dashboard(allow=allow, token=TOKEN, store_url=tea)
    with TestClient(app, follow_redirects=False) as client:
        csrf = _csrf(client.get("/").text)
        for path in ("/rules/remove", "/logout"):
            data = {"name": "x", "csrf_token": csrf}
            assert 303 == client.post(path, data=data).status_code
        client.get("/api/stats")
        client.get("/metrics")

    assert [False] * 5 == on_loop


def test_csrf_tokens_are_signed_with_the_hosts_secret(tea: str) -> None:
    """So that each process of a host knows the tokens that another one gave."""

    def token_of(who: str, secret: str | None = None) -> str:
        app = dashboard(allow=lambda _: who, secret=secret, store_url=tea)
        with TestClient(app) as client:
            return _csrf(client.get("/rules").text)

    assert token_of("ada", secret="shared") == token_of("ada", secret="shared")
    assert token_of("ada", secret="shared") != token_of("eve", secret="shared")
    assert token_of("ada", secret="shared") != token_of("ada", secret="other")
    assert token_of("ada") != token_of("ada")


def test_without_a_token_nobody_is_asked_for_one(tea: str) -> None:
    """Who may look is the host's to say, and the page tells so."""
    with TestClient(dashboard(allow=lambda _: False, store_url=tea)) as client:
        page = client.get("/")

    assert 401 == page.status_code
    assert "sign in there" in page.text
    assert 'name="token"' not in page.text


def test_a_code_signs_in_once() -> None:
    """The link that the command prints is worth nothing after it was used."""
    access = Access(TOKEN)
    code = access.once()

    assert [False, True, False] == [
        access.is_code("x"),
        access.is_code(code),
        access.is_code(code),
    ]


def _session(access: Access) -> str:
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/"}
    scope["headers"] = []
    scope |= {"scheme": "http", "server": ("x", 80), "query_string": b""}
    response = Response()
    access.sign_in(Request(scope), response)
    return response.headers["Set-Cookie"].partition(";")[0]


def _with(cookie: str) -> HTTPConnection:
    headers = [(b"cookie", cookie.encode())]
    return HTTPConnection({"type": "http", "headers": headers})


def _csrf(text: str) -> str:
    return text.partition('name="csrf-token" content="')[2].partition('"')[0]
