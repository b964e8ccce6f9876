"""Servers that replace their workers while clients ask: nobody notices, all is counted."""

from __future__ import annotations

import os
import signal
import textwrap
from pathlib import Path

import psutil
import pytest

from shadow_middleware.testing import Reply, ShadowServer
from tests.promises.staging import counted, until
from tests.promises.test_shutdown import is_agent
from tests.transparency.client import Client, get
from tests.transparency.servers import Server, running

APP = textwrap.dedent("""
    import os
    from shadow_middleware import wsgi

    def app(environ, start_response):
        start_response("200 OK", [("Content-Length", "5")])
        return [b"hello"]

    app = wsgi.ShadowMiddleware(
        app, shadow_url=os.environ["MATRIX_SHADOW_URL"], store_url=os.environ["STORE"]
    )
""")
COMMAND = (
    "gunicorn reloading:app -k gthread --threads 4 --pythonpath {folder} "
    "--bind 127.0.0.1:{{port}} --graceful-timeout 20 --log-level warning"
)


def workers(pid: int) -> set[int]:
    """Return the workers that a gunicorn has now."""
    children = psutil.Process(pid).children()
    return {child.pid for child in children if not is_agent(child)}


def test_a_gunicorn_that_reloads_under_load_loses_nothing(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGHUP: the old worker hands over all that it served, the new one goes on."""
    (tmp_path / "reloading.py").write_text(APP)
    monkeypatch.setenv("STORE", store)
    served = Server(COMMAND.format(folder=tmp_path), {})
    answers: list[bytes] = []
    with ShadowServer(Reply(200, (), b"hello")) as shadow:
        with running(served, tmp_path, shadow.url) as server:
            client = Client(server.port, tmp_path)
            answers += [client.exchange(get("/")) for _ in range(10)]
            old = workers(server.pid)
            os.kill(server.pid, signal.SIGHUP)

            def the_old_are_gone() -> bool:
                answers.append(client.exchange(get("/")))
                return not old & workers(server.pid)

            until(the_old_are_gone)
            answers += [client.exchange(get("/")) for _ in range(10)]
        until(lambda: len(answers) <= sum(counted(store).values()))

    assert {b"hello"} == {answer.rpartition(b"\r\n")[2] for answer in answers}
    assert {("shadow", "match"): len(answers)} == counted(store)
    assert len(answers) == len(shadow.received)
