"""Captures of real apps behind real servers: whole, unmixed, and no burden to live."""

from __future__ import annotations

import http.client
import os
import random
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from shadow_middleware import runtime
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.exchange import Exchange, Outcome
from shadow_middleware.settings import load
from shadow_middleware.testing import ShadowServer, asgi, collect
from shadow_middleware.traffic.files import read_file
from shadow_middleware.traffic.ndjson import Account, Head
from shadow_middleware.traffic.recorded import BadRecord, Recorded
from tests.promises.staging import counted, echo, serving
from tests.traffic.test_writer import until
from tests.transparency.servers import ROOT, free_port, wait_until_up

APP = textwrap.dedent("""
    import os
    from shadow_middleware import asgi, wsgi

    settings = {
        "engine": "file",
        "capture_to": os.environ["CAPTURE"],
        "methods": ("GET", "POST"),
        "key": "cookie:sid",
        "credentials": "pass",
    }

    async def new(scope, receive, send):
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        head = [(b"x-twice", b"1"), (b"x-twice", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body[::-1]})

    def old(environ, start_response):
        start_response("200 OK", [("Content-Length", "5")])
        return [b"hello"]

    new = asgi.ShadowMiddleware(new, **settings)
    old = wsgi.ShadowMiddleware(old, **settings)
""")
UVICORN = "uvicorn stage:new --port {port} --log-level warning --lifespan off"
GUNICORN = "gunicorn stage:old -b 127.0.0.1:{port} --workers 2 --threads 2"


class Running(NamedTuple):
    """A server with our middleware, and where it captures to."""

    port: int
    pid: int
    folder: Path

    def ask(self, method: str, target: str, sid: str, body: bytes = b"") -> bytes:
        """Be a client: one request on a connection of its own."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, 20)) as live:
            live.request(method, target, body, {"Cookie": f"sid={sid}"})
            return live.getresponse().read()

    @property
    def agents(self) -> list[psutil.Process]:
        """Every agent of the server."""
        children = psutil.Process(self.pid).children(recursive=True)
        return [one for one in children if "shadow_middleware.agent" in one.cmdline()]


@contextmanager
def server(command: str, tmp_path: Path) -> Iterator[Running]:
    """Run a server; at its end it is told to stop, and its agents have gone."""
    (tmp_path / "stage.py").write_text(APP)
    port, folder = free_port(), tmp_path / "captures"
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command.format(port=port).split()],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path, "CAPTURE": str(folder)},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until_up(process, port, log)
        running = Running(port, process.pid, folder)
        yield running
        agents = running.agents
        process.send_signal(signal.SIGTERM)
        process.wait(90)
        until(lambda: not any(agent.is_running() for agent in agents))
    finally:
        process.kill()
        process.wait()


def read(folder: Path) -> tuple[list[Exchange], list[Account], list[BadRecord]]:
    """Return all that the files of a folder say."""
    exchanges, accounts, bad = [], [], []
    for path in sorted(folder.glob("*.ndjson*")):
        for each in read_file(str(path)):
            if isinstance(each, Recorded):
                exchanges.append(each.exchange)
            elif isinstance(each, Account):
                accounts.append(each)
            elif isinstance(each, BadRecord):
                bad.append(each)
    return exchanges, accounts, bad


def test_what_an_app_was_asked_is_in_the_file_though_its_agent_is_killed(
    tmp_path: Path,
) -> None:
    """Byte for byte, with both answers; kill -9 takes nothing that was written."""
    chance = random.Random(3)
    bodies = {f"/{n}?q=%C3%A9&q={n}": chance.randbytes(3 * n) for n in range(40)}
    with server(UVICORN, tmp_path) as live:
        asked = list(bodies.items())
        for target, body in asked[:20]:
            assert body[::-1] == live.ask("POST", target, "ann", body)
        until(lambda: len(read(live.folder)[0]) == 20 if live.folder.exists() else 0)
        (agent,) = live.agents
        agent.kill()
        agent.wait(90)
        for target, body in asked[20:]:
            assert body[::-1] == live.ask("POST", target, "ann", body)
        until(lambda: len(read(live.folder)[0]) == 40)
    exchanges, accounts, bad = read(live.folder)

    assert [] == bad
    assert not list(tmp_path.glob("*.db"))
    assert [] == [name for name in live.folder.iterdir() if name.suffix == ".part"][1:]
    assert [{}] == [each.not_written for each in accounts]
    for exchange in exchanges:
        request, response = exchange.request, exchange.response
        sent = bodies[f"{request.path.decode()}?{request.query.decode()}"]
        assert response is not None
        assert (sent, sent[::-1]) == (request.body.data, response.body.data)
        assert [b"1", b"2"] == [v for k, v in response.headers if k == b"x-twice"]
    assert 1 == len({exchange.key for exchange in exchanges})


def test_workers_share_a_directory_without_mixing(tmp_path: Path) -> None:
    """Each has files of its own, all is there, and one user is one session in all."""
    with server(GUNICORN, tmp_path) as live:
        # Until both have served somebody, whoever accepts first.
        asked = 0
        while len(live.agents) < 2 or asked < 60:
            live.ask("GET", f"/{asked}", f"user-{asked % 3}")
            asked += 1
            assert asked < 2000
    exchanges, accounts, bad = read(live.folder)

    assert [] == bad
    assert asked == len(exchanges) == sum(each.written for each in accounts)
    assert asked == len({exchange.id for exchange in exchanges})
    assert 2 <= len({exchange.session for exchange in exchanges})
    sessions: dict[str, set[int]] = {}
    for exchange in exchanges:
        number = int(exchange.request.path[1:])
        sessions.setdefault(exchange.key or "", set()).add(number % 3)
    assert [1, 1, 1] == [len(users) for users in sessions.values()]
    for path in live.folder.glob("*.ndjson.zst"):
        said = list(read_file(str(path)))
        assert 1 == sum(isinstance(each, Head) for each in said)
        processes = {
            each.exchange.session for each in said if isinstance(each, Recorded)
        }
        assert 1 == len(processes)


def test_a_capture_is_written_beside_replays(tmp_path: Path) -> None:
    """Every exchange is replayed and written; both accounts hold."""
    folder = tmp_path / "captures"
    store = f"sqlite:///{tmp_path}/store.db"
    with (
        ShadowServer(asgi(echo)) as shadow,
        collect() as seen,
        serving(
            shadow_url=shadow.url,
            engine="thread",
            store_url=store,
            capture_to=str(folder),
        ) as live,
    ):
        for number in range(10):
            live.ask(target=f"/{number}")
        assert {Outcome.MATCH: 10} == seen.wait_for(10)
        assert runtime.shutdown(90.0)
    exchanges, accounts, _ = read(folder)

    assert 10 == len(exchanges) == sum(each.written for each in accounts)
    assert {("shadow", "match"): 10} == counted(store)


def test_a_capture_that_cannot_be_written_harms_neither_live_nor_replays(
    tmp_path: Path,
) -> None:
    """The directory is a place where none can be; all else goes on."""
    place = tmp_path / "file"
    place.write_text("")
    with (
        ShadowServer(asgi(echo)) as shadow,
        collect() as seen,
        serving(
            shadow_url=shadow.url,
            engine="thread",
            store_url="",
            capture_to=str(place / "captures"),
        ) as live,
    ):
        assert (200, b"hello") == live.ask()
        assert {Outcome.MATCH: 1} == seen.wait_for(1)
        assert runtime.shutdown(90.0)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"engine": "file"},
            "engine: .*needs to know where to write .*; give capture_to",
        ),
        (
            {"engine": "file", "capture_to": "c", "shadow_url": "http://x"},
            "engine: .*sends nothing, but a target is set",
        ),
        ({"capture_to": "c/a.ndjson.zst"}, "capture_to: .*names a file .*; name a dir"),
        (
            {"shadow_url": "http://x", "capture_keep_files": 3},
            "capture_keep_files: has no effect without a capture",
        ),
        (
            {"capture_to": "c", "capture_keep_bytes": 5, "capture_rotate_bytes": 10},
            "capture_keep_bytes: 5 bytes are less than one file",
        ),
        ({"capture_to": "c", "capture_coding": "lz4"}, "capture_coding: "),
        ({"engine": "fil"}, "unknown engine 'fil'.*file"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(
    settings: dict[str, object], said: str
) -> None:
    """At start-up, with the key and what would be right."""
    with pytest.raises(ConfigurationError, match=said):
        load(settings, environ={})


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    """Before the first request, for nobody reads an agent's log in time."""
    place = tmp_path / "file"
    place.write_text("")

    with (
        pytest.raises(ConfigurationError, match="is a file; name a directory"),
        serving(engine="file", capture_to=str(place)),
    ):
        pass


def test_a_capture_needs_no_target() -> None:
    """Every engine takes one; `file` is for those that never send."""
    for engine in ("file", "agent", "thread"):
        assert load({"engine": engine, "capture_to": "c"}, environ={}).mirrored_methods
