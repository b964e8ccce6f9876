"""What the live process loads, seen from inside a process that has just served."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

HEAVY = (
    "aiohttp",
    "httptools",
    "alembic",
    "deepdiff",
    "httpx",
    "httpx2",
    "psycopg",
    "pyreqwest",
    "rich",
    "sqlalchemy",
    "typer",
)

SERVE_ASGI = """
    import asyncio
    from shadow_middleware.asgi import ShadowMiddleware

    async def hello(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})

    app = ShadowMiddleware(hello, **SETTINGS)
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1",
        "method": "GET", "scheme": "http", "path": "/", "raw_path": b"/",
        "query_string": b"", "root_path": "", "headers": [(b"host", b"live")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
    }
    asyncio.run(app(scope, receive, send))
    assert sent[-1]["body"] == b"hello"
"""
SERVE_WSGI = """
    from wsgiref.util import setup_testing_defaults
    from shadow_middleware.wsgi import ShadowMiddleware

    def hello(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    environ = {}
    setup_testing_defaults(environ)
    answer = ShadowMiddleware(hello, **SETTINGS)(environ, lambda *_: None)
    assert b"".join(answer) == b"hello"
    getattr(answer, "close", lambda: None)()
"""
SERVE_FLASK = """
    import flask
    from shadow_middleware.flask import Shadow

    app = flask.Flask("live")
    app.add_url_rule("/", view_func=lambda: "hello")
    Shadow(app, **SETTINGS)
    assert app.test_client().get("/").data == b"hello"
"""
SERVE_DJANGO = """
    import django
    from django.conf import settings
    from django.http import HttpResponse
    from django.urls import path

    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SHADOW_MIDDLEWARE=SETTINGS,
        INSTALLED_APPS=["shadow_middleware.django"],
        MIDDLEWARE=["shadow_middleware.django.ShadowMiddleware"],
    )
    urlpatterns = [path("", lambda request: HttpResponse("hello"))]
    django.setup()
    from django.test import Client

    assert Client().get("/").content == b"hello"
"""
REPORT = """
    import json, sys
    print(json.dumps(sorted(name for name in HEAVY if name in sys.modules)))
"""

CALL = """
    from shadow_middleware.experiment import Experiment

    assert 1 == Experiment("one", store_url="").run(lambda: 1, lambda: 2)
"""


def loaded_after(code: str, tmp_path: Path) -> list[str]:
    """Run the code in a fresh interpreter; return the heavy modules it loaded."""
    settings = {
        "shadow_url": "http://127.0.0.1:9",
        "store_url": "",
        "drain_timeout": 0.1,
    }
    given = f"HEAVY = {HEAVY!r}\nSETTINGS = {settings!r}\n"
    script = tmp_path / "live.py"
    script.write_text(given + textwrap.dedent(code) + textwrap.dedent(REPORT))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    loaded: list[str] = json.loads(done.stdout.splitlines()[-1])
    return loaded


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import shadow_middleware", id="package"),
        pytest.param("from shadow_middleware import signals, Settings", id="names"),
        pytest.param(SERVE_ASGI, id="asgi"),
        pytest.param(SERVE_WSGI, id="wsgi"),
        pytest.param(SERVE_FLASK, id="flask"),
        pytest.param(SERVE_DJANGO, id="django"),
        pytest.param(CALL, id="experiment"),
    ],
)
def test_the_live_process_stays_light(code: str, tmp_path: Path) -> None:
    """Importing and serving loads no HTTP client, no diff, no SQL, no terminal."""
    assert [] == loaded_after(code, tmp_path)


def test_the_check_sees_what_it_looks_for(tmp_path: Path) -> None:
    """A heavy import anywhere in the process does show."""
    assert ["deepdiff"] == loaded_after("import deepdiff", tmp_path)


def test_an_agent_is_ready_before_what_speaks_to_databases_is_loaded(
    tmp_path: Path,
) -> None:
    """That takes longer than all the rest, and is done beside the first exchanges."""
    code = "import shadow_middleware.agent, shadow_middleware.drivers"

    assert [] == loaded_after(code, tmp_path)


def test_the_django_adapter_without_django_says_how_to_install_it(
    tmp_path: Path,
) -> None:
    """Where the framework is missing, the error holds the line to type."""
    code = """
        import sys
        sys.modules["django"] = None  # what Python does for a module it cannot find
        try:
            import shadow_middleware.django
        except Exception as error:
            assert "pip install 'shadow-middleware[django]'" in str(error), error
        else:
            raise AssertionError("nothing was raised")
    """

    assert [] == loaded_after(code, tmp_path)


@pytest.mark.parametrize("adapter", ["asgi", "flask", "wsgi"])
def test_other_adapters_need_no_framework(adapter: str, tmp_path: Path) -> None:
    """They speak the protocol, or to the app that they are given."""
    code = f"""
        import sys
        import shadow_middleware.{adapter}
        assert not {{"django", "flask", "starlette", "werkzeug"}} & set(sys.modules)
    """

    assert [] == loaded_after(code, tmp_path)
