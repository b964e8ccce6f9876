"""However a server ends, what it handed over has an end as well."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from shadow_middleware.store.sql import SqlStore
from shadow_middleware.testing import Reply, ShadowServer, slow
from tests.promises.staging import counted, until
from tests.transparency.client import Client, get
from tests.transparency.servers import ROOT, free_port, wait_until_up

APP = textwrap.dedent("""
    import os
    from shadow_middleware import asgi, wsgi

    settings = {"shadow_url": os.environ["SHADOW"], "store_url": os.environ["STORE"],
                "drain_timeout": 60.0}

    async def new(scope, receive, send):
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"hello"})

    def old(environ, start_response):
        start_response("200 OK", [("Content-Length", "5")])
        return [b"hello"]

    new = asgi.ShadowMiddleware(new, **settings)
    old = wsgi.ShadowMiddleware(old, **settings)
""")
SERVERS = {
    "uvicorn": "uvicorn stage:new --port {port} --log-level warning --lifespan off",
    "hypercorn": "hypercorn stage:new --bind 127.0.0.1:{port}",
    "granian": "granian --interface asgi --port {port} --workers 1 stage:new",
    "gunicorn": "gunicorn stage:old -b 127.0.0.1:{port} --threads 2 --preload",
    "waitress": "waitress --listen 127.0.0.1:{port} stage:old",
}
ASKED = 24


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_told_to_stop_loses_nothing_in_silence(
    name: str, store: str, tmp_path: Path
) -> None:
    """W40: what is under way ends, and each exchange is counted, once and whole."""
    (tmp_path / "stage.py").write_text(APP)
    behaviour = slow(0.3, Reply(200, (), b"other"))
    with ShadowServer(behaviour) as shadow:
        agents = serve_and_stop(SERVERS[name], tmp_path, shadow, store)
        until(lambda: not any(agent.is_running() for agent in agents))

    found = counted(store)
    assert ASKED == sum(found.values())
    assert ASKED == found["shadow", "divergence"] == stored(store)


def serve_and_stop(
    command: str, folder: Path, shadow: ShadowServer, store: str
) -> list[psutil.Process]:
    """Ask a server, send it SIGTERM while the shadow is busy, return its agents."""
    port = free_port()
    path = os.pathsep.join([str(folder), str(ROOT)])
    environment = {"SHADOW": shadow.url, "STORE": store, "PYTHONPATH": path}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command.format(port=port).split()],
            env=os.environ | environment,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until_up(process, port, folder / "server.log")
        client = Client(port, folder)
        for _ in range(ASKED):
            client.exchange(get("/"))
        shadow.wait_for(1)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        process.wait(90)
        return [child for child in children if is_agent(child)]
    finally:
        process.kill()
        process.wait()


def is_agent(process: psutil.Process) -> bool:
    """Whether it still runs, as an agent."""
    try:
        return "shadow_middleware.agent" in process.cmdline()
    except psutil.Error:
        return False


def stored(url: str) -> int:
    """Return how many divergences can be read, whole."""
    with closing(SqlStore(url)) as store:
        return store.count_divergences()
