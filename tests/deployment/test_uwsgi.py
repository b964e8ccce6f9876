"""The middleware under uWSGI, which forks and holds threads back unless told otherwise."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from shadow_middleware.exchange import Outcome
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.testing import ShadowServer

pytestmark = pytest.mark.usefixtures("children_uncounted")

pytest.importorskip(
    "pyuwsgi", reason="no uWSGI for this platform", exc_type=ImportError
)

ROOT = Path(__file__).resolve().parents[2]
REQUESTS = 40
APP = """
import os
from shadow_middleware.wsgi import ShadowMiddleware

def app(environ, start_response):
    body = b"hello"
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]

application = ShadowMiddleware(
    app, shadow_url=os.environ["SHADOW"], store_url=os.environ["STORE"], drain_timeout=60
)
"""
THREADS = "--enable-threads"


@contextmanager
def uwsgi(folder: Path, shadow_url: str, *options: str) -> Iterator[int]:
    """Run two processes of it; yield the port. It is ended as systemd would."""
    (folder / "site_under_test.py").write_text(APP)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    program = Path(sys.executable).parent / "uwsgi"
    command = [program, "--http-socket", f"127.0.0.1:{port}", "--master"]
    command += ["--processes", "2", "--module", "site_under_test", "--die-on-term"]
    environment = os.environ | {
        "SHADOW": shadow_url,
        "STORE": f"sqlite:///{folder / 'store.db'}",
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT), *sys.path]),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*map(str, command), *options],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        until(lambda: is_open(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        yield port
        family = [psutil.Process(process.pid)]
        family += family[0].children(recursive=True)
        process.terminate()
        process.wait(90)
        _, left = psutil.wait_procs(family, timeout=30)
        assert [] == left
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_open(port: int) -> bool:
    """Tell whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + 60.0
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ask(port: int, number: int) -> bytes:
    """Ask for one page."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{number}", timeout=30) as one:
        found: bytes = one.read()
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [(THREADS,), (THREADS, "--lazy-apps")], ids=" ".join
)
def test_every_request_is_mirrored_and_nothing_is_left_behind(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Whether the app is loaded before the fork or after; its agents end with it."""
    with ShadowServer() as shadow:
        with uwsgi(tmp_path, shadow.url, *options) as port:
            assert {b"hello"} == {ask(port, n) for n in range(REQUESTS)}
            shadow.wait_for(REQUESTS, timeout=60.0)
        with closing(SqlStore(f"sqlite:///{tmp_path / 'store.db'}")) as store:
            totals = store.totals()
            assert REQUESTS == sum(one.count for one in totals)
            assert Outcome.DROPPED not in {one.outcome for one in totals}
            progress = store.progress()
            assert REQUESTS == sum(one.selected for one in progress)
            assert REQUESTS == sum(one.ended for one in progress)


@pytest.mark.slow
def test_without_threads_the_app_answers_all_the_same(tmp_path: Path) -> None:
    """uWSGI lets no thread run then, so nothing starts an agent; live does not notice."""
    with ShadowServer() as shadow, uwsgi(tmp_path, shadow.url) as port:
        assert {b"hello"} == {ask(port, n) for n in range(REQUESTS)}
