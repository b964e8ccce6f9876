"""Two hosts of two processes each write to one Postgres: a report adds all of them up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from shadow_middleware.testing import Reply, ShadowServer
from tests.deployment.test_uwsgi import until
from tests.transparency.servers import Server, running

pytestmark = pytest.mark.usefixtures("children_uncounted")

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).parent / "shadow-middleware"
SAME, OTHER = 90, 30
"""Requests to each host that the shadow answers alike, and otherwise."""
APP = """
import os
from shadow_middleware import wsgi

def app(environ, start_response):
    body = b"hello" if environ["PATH_INFO"].startswith("/same") else b"good bye"
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]

app = wsgi.ShadowMiddleware(app, config=os.environ["CONFIG"])
"""
SERVER = Server(
    "gunicorn site_of_host:app -k gthread --threads 2 --workers 2 --pythonpath {folder} "
    "--bind 127.0.0.1:{{port}} --graceful-timeout 20 --log-level warning",
    {},
)


@contextmanager
def host(
    folder: Path, store: str, shadow: str, patch: pytest.MonkeyPatch
) -> Iterator[int]:
    """Be a host: an agent and two live processes, with settings and a socket of its own."""
    folder.mkdir()
    (folder / "site_of_host.py").write_text(APP)
    socket = folder / "agent.sock"
    (folder / "shadow.toml").write_text(
        f'shadow_url = "{shadow}"\nengine = "unix:{socket}"\n'
        f'store_url = "{store}"\ndrain_timeout = 60\n'
    )
    patch.setenv("CONFIG", str(folder / "shadow.toml"))
    with (folder / "agent.log").open("wb") as log:
        agent = subprocess.Popen(
            [PROGRAM, "agent", "--listen", f"unix:{socket}"],
            cwd=folder,
            stdout=log,
            stderr=log,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
    try:
        until(lambda: socket.exists() or agent.poll() is not None)
        server = Server(SERVER.command.format(folder=folder), {})
        with running(server, folder, shadow) as live:
            yield live.port
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait(90)


def load(port: int) -> int:
    """Send a host its traffic; return how many requests were answered."""
    paths = [f"same/{n}" for n in range(SAME)] + [f"other/{n}" for n in range(OTHER)]

    def ask(path: str) -> int:
        with urlopen(f"http://127.0.0.1:{port}/{path}", timeout=60) as answer:
            return int(answer.status)

    with ThreadPoolExecutor(4) as clients:
        return list(clients.map(ask, paths)).count(200)


def report(config: Path) -> dict[str, Any]:
    """Return the report as it is made on a host."""
    told = subprocess.run(
        [PROGRAM, "report", "--config", config, "--json"],
        cwd=config.parent,
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@pytest.mark.slow
def test_a_report_from_anywhere_is_the_sum_of_what_was_sent(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes, routes and stored divergences, and nothing is left open."""
    folders = [tmp_path / "one", tmp_path / "two"]
    with ShadowServer(Reply(200, ((b"Content-Type", b"text/plain"),), b"hello")) as it:
        with (
            host(folders[0], postgres_url, it.url, monkeypatch) as one,
            host(folders[1], postgres_url, it.url, monkeypatch) as two,
            ThreadPoolExecutor(2) as generators,
        ):
            sent = sum(generators.map(load, (one, two)))
        found = [report(folder / "shadow.toml") for folder in folders]

    assert 2 * (SAME + OTHER) == sent
    for summary in found:
        [target] = summary["targets"]
        assert {"match": 2 * SAME, "divergence": 2 * OTHER} == target["outcomes"]
        assert (sent, sent) == (target["selected"], target["ended"])
        assert (0, 0) == (target["in_flight"], target["unaccounted"])
        assert 2 * OTHER == summary["stored"]
    assert found[0] == found[1]
