"""Real servers in processes of their own, each with the commands that start it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.transparency.scenarios import ASGI, DJANGO, WSGI, Scenario

ROOT = Path(__file__).parents[2]
APPS = "tests.transparency.apps"
SETTINGS = f"{APPS}.django_project"


class Server(NamedTuple):
    """How to start a server, and what to ask of it."""

    command: str
    """Arguments to `python -m`; `{port}` is filled in."""
    scenarios: Mapping[str, Scenario]


UVICORN = (
    f"uvicorn {APPS}.asgi_app:app --port {{port}} --ws wsproto --log-level warning"
)
HYPERCORN = f"hypercorn {APPS}.asgi_app:app --bind 127.0.0.1:{{port}}"
GUNICORN = (
    f"gunicorn {APPS}.wsgi_app:app --bind 127.0.0.1:{{port}} --graceful-timeout 1"
)
GRANIAN = "granian --host 127.0.0.1 --port {port} --no-ws --workers 1"

SERVERS: dict[str, Server] = {
    "uvicorn h11 asyncio": Server(f"{UVICORN} --http h11 --loop asyncio", ASGI),
    "uvicorn httptools uvloop": Server(
        f"{UVICORN} --http httptools --loop uvloop", ASGI
    ),
    "hypercorn asyncio": Server(f"{HYPERCORN} --worker-class asyncio", ASGI),
    "hypercorn trio": Server(f"{HYPERCORN} --worker-class trio", ASGI),
    "granian asgi": Server(
        f"{GRANIAN.replace(' --no-ws', '')} --interface asgi {APPS}.asgi_app:app", ASGI
    ),
    "gunicorn uvicorn worker": Server(
        f"{GUNICORN.replace('wsgi_app', 'asgi_app')} -k uvicorn_worker.UvicornWorker",
        ASGI,
    ),
    "gunicorn uvicorn worker preload": Server(
        f"{GUNICORN.replace('wsgi_app', 'asgi_app')} -k uvicorn_worker.UvicornWorker --preload",
        ASGI,
    ),
    "gunicorn sync": Server(f"{GUNICORN} -k sync", WSGI),
    "gunicorn threads": Server(f"{GUNICORN} -k gthread --threads 4", WSGI),
    "gunicorn preload": Server(f"{GUNICORN} -k gthread --threads 4 --preload", WSGI),
    "waitress": Server(
        f"waitress --listen 127.0.0.1:{{port}} {APPS}.wsgi_app:app", WSGI
    ),
    "granian wsgi": Server(f"{GRANIAN} --interface wsgi {APPS}.wsgi_app:app", WSGI),
    "django runserver": Server(
        f"django runserver --noreload --settings {SETTINGS} 127.0.0.1:{{port}}", DJANGO
    ),
    "django gunicorn": Server(
        f"{GUNICORN.replace('wsgi_app', 'django_wsgi')} -k gthread --threads 4", DJANGO
    ),
    "django uvicorn": Server(
        f"{UVICORN.replace('asgi_app', 'django_asgi')} --lifespan off", DJANGO
    ),
}


class Running(NamedTuple):
    """A server that answers."""

    port: int
    pid: int


@contextmanager
def running(server: Server, folder: Path, shadow_url: str = "") -> Iterator[Running]:
    """Start a server, wait until it answers, and stop it as an operator would."""
    port = free_port()
    log = folder / "server.log"
    environment = os.environ | {
        "MATRIX_FOLDER": str(folder),
        "MATRIX_SHADOW_URL": shadow_url,
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", *server.command.format(port=port).split()]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until_up(process, port, log)
        yield Running(port, process.pid)
        process.send_signal(signal.SIGTERM)
        process.wait(90)
    finally:
        # The workers as well, where a test has failed half-way.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return when the port answers; a server that died says why."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended:\n{log.read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
    raise TimeoutError(f"no answer on port {port}:\n{log.read_text()}")
