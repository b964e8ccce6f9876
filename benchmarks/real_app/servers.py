"""Datasette in two versions on the loopback: environments, processes, requests."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.real_app.traffic import DATABASES, fill, targets
from shadow_middleware.knowledge import CONTROL
from shadow_middleware.store.sql import SqlStore

__all__ = ["environment", "run"]

ROOT = Path(__file__).parent.parent.parent
PINNED = ("setuptools<81", "uvicorn")
"""Old versions import pkg_resources."""
OVERRIDES = "asgiref>=3.8\n"
"""Old versions forbid it without a need, and Django's adapter in ours asks for it."""

SETTINGS = {
    "sql_time_limit_ms": 20_000,
    "facet_time_limit_ms": 10_000,
    "facet_suggest_time_limit_ms": 10_000,
}
"""Else a busy machine leaves out facets here and there, on any side."""

LIVE_APP = '''
import json, re
from datasette.app import Datasette
from shadow_middleware.asgi import ShadowMiddleware

inner = Datasette(
    immutables={databases!r},
    inspect_data=json.load(open({inspected!r})),
    metadata=json.load(open({metadata!r})),
    settings={settings!r},
).app()
PAGES = [
    (re.compile(pattern), template)
    for pattern, template in (
        (r"/?", "/"),
        (r"/-/static/.*", "/-/static/{{file}}"),
        (r"/-/.*", None),
        (r"/[^/]+[.]([a-z]+)", "/{{database}}.{{format}}"),
        (r"/[^/]+", "/{{database}}"),
        (r"/[^/]+/[^/]+[.]([a-z]+)", "/{{database}}/{{table}}.{{format}}"),
        (r"/[^/]+/[^/]+", "/{{database}}/{{table}}"),
        (r"/[^/]+/[^/]+/[^/]+[.]([a-z]+)", "/{{database}}/{{table}}/{{row}}.{{format}}"),
        (r"/[^/]+/[^/]+/[^/]+", "/{{database}}/{{table}}/{{row}}"),
    )
]

async def named(scope, receive, send):
    """Tell the middleware what datasette tells nobody: which page is asked for."""
    if scope["type"] == "http":
        path = scope["raw_path"].decode("latin-1").partition("?")[0]
        for pattern, template in PAGES:
            found = pattern.fullmatch(path)
            if found:
                shown = template or path
                if found.groups():
                    shown = shown.replace("{{format}}", found[1])
                scope["path_template"] = shown
                break
    await inner(scope, receive, send)

app = ShadowMiddleware(
    named,
    shadow_url={shadow!r},
    control_url={control!r},
    store_url={store!r},
    rules_file={rules!r},
    max_response_body=4_000_000,
)
'''


def environment(home: Path, version: str, *, ours: bool = False) -> Path:
    """
    Return the folder of the programs of an environment with this version.

    One that is there already is used again, with `ours` as it is now.
    """
    place = home / f"datasette-{version}{'-live' if ours else ''}"
    python = place / "bin" / "python"
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    overrides = home / "overrides.txt"
    overrides.write_text(OVERRIDES)
    install = [uv, "pip", "install", "-q", "--override", str(overrides)]
    install += ["--python", str(python)]
    if not python.exists():
        subprocess.run([uv, "venv", "-q", "-p", sys.executable, str(place)], check=True)
        wanted = [f"datasette=={version}", *PINNED, *([str(ROOT)] if ours else [])]
        subprocess.run([*install, *wanted], check=True)
    elif ours:
        again = ["--no-deps", "--reinstall-package", "shadow-middleware", str(ROOT)]
        subprocess.run([*install, *again], check=True)
    return place / "bin"


def run(
    home: Path,
    programs: tuple[Path, Path, Path],
    store: str,
    rules: Path | None,
    number: int,
) -> Counter[int]:
    """
    Serve live, shadow and control, and send so many requests to live.

    Returns how many answers of live had each status.
    """
    live, shadow, control = programs
    fill(home)
    _inspect(home, control)
    ports = [_free_port() for _ in range(3)]
    (home / "live_datasette.py").write_text(
        LIVE_APP.format(
            databases=[str(home / name) for name in DATABASES],
            inspected=str(home / "inspected.json"),
            metadata=str(home / "metadata.json"),
            settings=SETTINGS,
            shadow=f"http://127.0.0.1:{ports[1]}",
            control=f"http://127.0.0.1:{ports[2]}",
            store=store,
            rules=str(rules or ""),
        )
    )
    whole = ("-m", "uvicorn", "--log-level", "warning", "live_datasette:app", "--port")
    with (
        _serving(home, shadow / "python", *_datasette(home), str(ports[1])),
        _serving(home, control / "python", *_datasette(home), str(ports[2])),
        _serving(home, live / "python", *whole, str(ports[0])),
    ):
        for port in ports:
            _wait_for_port(port)
        answers = Counter(_ask(ports[0], target) for target in targets(number))
        _wait_for_replays(store, number)
    return answers


def _datasette(home: Path) -> tuple[str, ...]:
    options = [word for name in DATABASES for word in ("-i", str(home / name))]
    for name, value in SETTINGS.items():
        options += ["--setting", name, str(value)]
    files = (
        *("--inspect-file", str(home / "inspected.json")),
        *("-m", str(home / "metadata.json")),
    )
    return ("-m", "datasette", *options, *files, "-p")


def _inspect(home: Path, programs: Path) -> None:
    """Count all rows before anything is served, as for databases that do not change."""
    files = [str(home / name) for name in DATABASES]
    wanted = ["inspect", *files, "--inspect-file", str(home / "inspected.json")]
    command = [str(programs / "python"), "-W", "ignore", "-m", "datasette", *wanted]
    subprocess.run(command, check=True, cwd=home)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *given: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))


def _ask(port: int, target: str) -> int:
    try:
        with _opener.open(f"http://127.0.0.1:{port}{target}", timeout=30) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.read()
        return error.code


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_port(port: int) -> None:
    for _ in range(600):
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port)),
        ):
            return
        time.sleep(0.1)
    raise SystemExit(f"nobody listens at port {port}")


def _wait_for_replays(store: str, number: int) -> None:
    """Return when so many have ended, or nothing has for a while."""
    ended, still = -1, 0
    while ended < number and still < 20:
        time.sleep(1)
        with contextlib.closing(SqlStore(store)) as reader:
            now = sum(t.count for t in reader.totals() if t.target != CONTROL)
        still = still + 1 if ended == now else 0
        ended = now


@contextlib.contextmanager
def _serving(home: Path, *command: str | Path) -> Iterator[None]:
    """Run a program for as long as the block lasts."""
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with (home / "servers.log").open("ab") as log:
        running = subprocess.Popen(
            command, cwd=home, env=quiet, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        running.terminate()
        running.wait(15)
