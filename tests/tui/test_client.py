"""What the client of an API says of one that is away, another's, or of another version."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.routing import Mount, Route

from shadow_middleware import __version__
from shadow_middleware.api import api
from shadow_middleware.errors import ApiError, ConfigurationError
from shadow_middleware.reading import Overview
from shadow_middleware.tui.client import ApiClient
from tests.tui.serving import TOKEN, Served


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Give a server whose app each test chooses."""
    with closing(Served()) as running:
        yield running


def _always(answer: Any) -> Starlette:
    """Return an app with one answer to everything."""

    async def endpoint(_: Any) -> Any:
        return answer

    methods = ["GET", "PATCH", "POST"]
    return Starlette(routes=[Route("/{path:path}", endpoint, methods=methods)])


def _about(version: str) -> dict[str, Any]:
    return {"info": {"title": "shadow_middleware", "version": version}}


def test_one_that_is_there_is_found_below_its_prefix(
    served: Served, tmp_path: object
) -> None:
    """With or without a slash or `/api` at the end of its address."""
    app = api(token=TOKEN, store_url=f"sqlite:///{tmp_path}/x.db")
    served.app = Starlette(routes=[Mount("/shadow", app)])

    for end in ("/shadow", "/shadow/", "/shadow/api", "/shadow/api/"):
        client = ApiClient(served.url + end, TOKEN)
        client.check()
        assert f"{served.url}/shadow" == client.url


def test_a_wrong_token_is_said_to_be_wrong(served: Served, tmp_path: object) -> None:
    """The message names the dashboard, and never the token."""
    served.show(f"sqlite:///{tmp_path}/x.db")
    with pytest.raises(ApiError, match="does not know this token") as caught:
        ApiClient(served.url, "another one").check()

    assert served.url in str(caught.value)
    assert "another one" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        HTMLResponse("<h1>hello</h1>"),
        HTMLResponse("none", 404),
        JSONResponse({"info": {"title": "Petstore", "version": "1"}}),
        RedirectResponse("/elsewhere"),
    ],
)
def test_what_is_no_dashboard_is_said_to_be_none(answer: Any, served: Served) -> None:
    """A mistyped address or a forgotten prefix never looks like an empty store."""
    served.app = _always(answer)
    client = ApiClient(served.url, TOKEN)

    with pytest.raises(ApiError, match="no dashboard of shadow_middleware"):
        client.check()


def test_a_404_of_somebody_else_is_no_group_that_has_gone(served: Served) -> None:
    """A proxy in between that lost its way must not look like an empty store."""
    served.app = _always(HTMLResponse("none", 404))

    with pytest.raises(ApiError, match="no dashboard of shadow_middleware"):
        ApiClient(served.url, TOKEN).read("/v1/groups/0", Overview)


def test_no_redirect_is_followed(served: Served) -> None:
    """The token would go along to wherever it leads."""
    served.app = _always(RedirectResponse("http://127.0.0.1:9/elsewhere"))
    with pytest.raises(ApiError, match="sends us elsewhere"):
        ApiClient(served.url, TOKEN).read("/v1/overview", Overview)


def test_nobody_there_is_said_to_be_nobody() -> None:
    """With the address that was asked and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    with pytest.raises(ApiError, match=rf"127.0.0.1:{port} cannot be reached: .*refus"):
        ApiClient(f"http://127.0.0.1:{port}", TOKEN).check()


def test_one_that_never_answers_is_not_waited_for() -> None:
    """The screen stays, and says since when."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = ApiClient(f"http://127.0.0.1:{silent.getsockname()[1]}", TOKEN, 0.1)
        with pytest.raises(ApiError, match=r"did not answer within 0\.1 seconds"):
            client.check()


def test_another_version_that_answers_otherwise_is_named(served: Served) -> None:
    """Both versions are, so that one knows which to change."""
    served.app = Starlette(
        routes=[
            Mount("/api/v1", _always(JSONResponse({"summary": 1}))),
            Mount("/api", _always(JSONResponse(_about("9.9")))),
        ]
    )
    with pytest.raises(ApiError, match="another form") as caught:
        ApiClient(served.url, TOKEN).read("/v1/overview", Overview)

    assert "is shadow_middleware 9.9" in str(caught.value)
    assert f"than {__version__} here" in str(caught.value)


def test_fields_that_are_new_there_do_no_harm(served: Served) -> None:
    """A newer dashboard can be watched by an older client."""
    served.app = _always(JSONResponse(_about("9.9") | {"more": 1}))

    ApiClient(served.url, TOKEN).check()


def test_a_store_that_is_away_there_is_told_as_it_is(
    served: Served, tmp_path: object
) -> None:
    """The reason is the one that its dashboard gives."""
    served.show(f"sqlite:///{tmp_path}/none/x.db")
    with pytest.raises(ApiError, match=r"answers 503: .*none/x\.db"):
        ApiClient(served.url, TOKEN).read("/v1/overview", Overview)


@pytest.mark.parametrize(
    ("url", "token", "said"),
    [
        ("127.0.0.1:8765", TOKEN, "did you mean 'http://127.0.0.1:8765'"),
        ("http://me:secret@host", TOKEN, "credentials"),
        ("http://host/?a=1", TOKEN, "query"),
        ("http://host", "", "token is empty"),
        ("http://host", "a\r\nb", "no header can carry"),
        ("http://host", "é" * 20, "no header can carry"),
    ],
)
def test_what_cannot_be_asked_is_refused(url: str, token: str, said: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match=said):
        ApiClient(url, token)
