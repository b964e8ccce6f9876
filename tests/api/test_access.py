"""Nothing is open: every endpoint asks who is there, and whose a write is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from shadow_middleware.api import api, endpoints
from shadow_middleware.api.access import SESSION, Access
from shadow_middleware.api.opened import Opened
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.settings import Settings
from tests.api.conftest import BEARER, TOKEN


def _every() -> list[tuple[str, str]]:
    """Return each method and path that the router knows, so that none is forgotten."""
    found = list(_routes_of("", api(token=TOKEN)))
    return [
        (method, path) for path, one in found for method in sorted(one.methods or ())
    ]


def _routes_of(prefix: str, app: Starlette) -> Iterator[tuple[str, Route]]:
    for one in app.routes:
        if isinstance(one, Route):
            yield prefix + one.path, one
        else:
            assert isinstance(one, Mount)
            assert isinstance(one.app, Starlette)
            yield from _routes_of(prefix + one.path, one.app)


@pytest.mark.parametrize(("method", "path"), [*_every(), ("GET", "/api/none")])
def test_a_request_without_a_token_is_refused(
    method: str, path: str, stranger: TestClient
) -> None:
    """So it is on every endpoint, and where there is none nothing is told either."""
    answer = stranger.request(method, path)

    assert 401 == answer.status_code
    assert "Bearer" == answer.headers["www-authenticate"]


def test_all_endpoints_are_tried() -> None:
    """The list that the test above walks is the router's own."""
    assert len(_every()) > 38
    assert ("GET", "/metrics") in _every()


@pytest.mark.parametrize(
    "given", ["", "Bearer", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer é"]
)
def test_a_wrong_token_is_no_token(given: str, stranger: TestClient) -> None:
    """Neither a part of it nor another scheme will do."""
    answer = stranger.get("/api/stats", headers=[(b"Authorization", given.encode())])

    assert 401 == answer.status_code


def test_an_api_that_anybody_could_ask_is_not_built() -> None:
    """Without a token or the host's permission it refuses, and says what to give."""
    with pytest.raises(ConfigurationError, match="token=… or allow=…"):
        api()


def test_a_store_has_to_be_named() -> None:
    """An empty one would show nothing for ever."""
    with pytest.raises(ConfigurationError, match="store_url is empty"):
        api(token=TOKEN, store_url="")


def test_the_hosts_own_permission_opens_the_door(url: str) -> None:
    """It is asked for each request, and its word is the last."""

    def is_staff(request: HTTPConnection) -> bool:
        return request.headers.get("x-user") == "staff"

    client = TestClient(api(allow=is_staff, store_url=url))

    assert 200 == client.get("/api/stats", headers={"X-User": "staff"}).status_code
    assert 401 == client.get("/api/stats", headers={"X-User": "guest"}).status_code


def test_a_session_writes_with_its_csrf_token_alone(url: str) -> None:
    """A cookie goes along by itself, so it cannot say that a write was meant."""
    access = Access(TOKEN)
    client = TestClient(
        Starlette(
            routes=[
                Mount("/api", endpoints(Opened(Settings(store_url=url)), access)),
                Route("/in", _signs_in(access)),
            ]
        )
    )
    client.get("/in")
    session = client.cookies[SESSION]
    known = access.visitor(HTTPConnection(_scope(session)))
    assert known is not None
    rule = {"toml": 'path = "/a"\n'}

    assert 200 == client.get("/api/stats").status_code
    assert 403 == client.post("/api/v1/rules", json=rule).status_code
    wrong = {"X-CSRF-Token": known.csrf[:-1]}
    assert 403 == client.post("/api/v1/rules", json=rule, headers=wrong).status_code
    right = {"X-CSRF-Token": known.csrf}
    other = right | {"Sec-Fetch-Site": "cross-site"}
    assert 403 == client.post("/api/v1/rules", json=rule, headers=other).status_code
    assert 201 == client.post("/api/v1/rules", json=rule, headers=right).status_code


def test_every_answer_is_inert(client: TestClient) -> None:
    """No browser runs, frames, guesses or keeps it, whatever it is."""
    for path in ("/api/stats", "/api/none"):
        headers = client.get(path).headers

        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "nosniff" == headers["x-content-type-options"]
        assert "DENY" == headers["x-frame-options"]
        assert headers["cache-control"] in ("no-cache", "no-store")


def test_a_write_has_to_be_json(client: TestClient) -> None:
    """A form of another site can send text, and not JSON."""
    form = BEARER | {"Content-Type": "text/plain"}

    answer = client.post("/api/v1/rules", content=b"{}", headers=form)

    assert 415 == answer.status_code


def _scope(session: str) -> dict[str, object]:
    cookie = f"{SESSION}={session}".encode()
    return {"type": "http", "headers": [(b"cookie", cookie)]}


def _signs_in(access: Access):  # type: ignore[no-untyped-def]
    async def sign_in(request):  # type: ignore[no-untyped-def]
        response = Response()
        access.sign_in(request, response)
        return response

    return sign_in
