"""A wrong setting keeps a server from starting, and is no answer to any client."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from shadow_middleware.asgi import ShadowMiddleware
from shadow_middleware.errors import ConfigurationError

ROOT = Path(__file__).parents[2]


def make(**settings: Any) -> Starlette:
    """Return an app that makes its middleware when it is first called."""

    async def home(request: Any) -> PlainTextResponse:
        return PlainTextResponse("home")

    app = Starlette(routes=[Route("/", home)])
    given = settings or {"rat": 1}
    app.add_middleware(ShadowMiddleware, shadow_url="http://127.0.0.1:9", **given)
    return app


@pytest.mark.slow
@pytest.mark.parametrize(
    "server",
    [
        "uvicorn --factory {app}:make --port 0",
        "hypercorn {app}:make() --bind 127.0.0.1:0",
        "hypercorn {app}:make() --bind 127.0.0.1:0 --worker-class trio",
        "granian --interface asgi --factory {app}:make --port 0",
    ],
    ids=["uvicorn", "hypercorn", "hypercorn trio", "granian"],
)
def test_no_server_starts_with_a_misspelt_setting(server: str) -> None:
    """W5: the mistake is named at start-up, under a framework that builds late."""
    command = server.format(app=__name__).split()
    # That it ends at all is the point; hypercorn exits with 0 even so.
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    said = done.stdout + done.stderr
    assert "rat" in said
    assert "rate" in said


def test_outside_of_a_loop_the_mistake_is_raised_at_once() -> None:
    """Where an app is wrapped at import, the import fails."""
    with pytest.raises(ConfigurationError, match="rate"):
        ShadowMiddleware(make(), shadow_url="http://127.0.0.1:9", rat=1)


@pytest.mark.parametrize(
    "settings",
    [{"rat": 1}, {"broker_url": "nats://127.0.0.1:9"}],
    ids=["a misspelt setting", "an extra that is not installed"],
)
def test_without_a_lifespan_requests_are_answered_as_if_we_were_not_there(
    settings: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """W5: a server that has no lifespan gets answers and a line in the log."""
    monkeypatch.setitem(sys.modules, "nats", None)
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [],
        "http_version": "1.1",
    }
    asyncio.run(make(**settings)(scope, receive, send))

    assert [200, b"home"] == [sent[0]["status"], sent[1]["body"]]
    assert "nothing is mirrored" in caplog.text
