"""What the project promises of itself: its gate, its documents, its data on disk."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

import shadow_middleware
from shadow_middleware import runtime
from shadow_middleware.cli.main import app
from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.targets import TargetChange
from shadow_middleware.testing import Reply, ShadowServer, collect
from tests.promises.staging import serving, until
from tests.promises.test_nothing_listens import is_open
from tests.test_docs import blocks, command_lines

pytestmark = pytest.mark.usefixtures("children_uncounted")

ROOT = Path(__file__).parents[2]
PACKAGE = Path(shadow_middleware.__file__).parent

# --- the gate ---------------------------------------------------------------------------

PASSING = "echo '=== 3 passed in 1s ==='"
GATES = {
    "all is well": ("true", PASSING, 0),
    "lint fails": ("false", PASSING, 1),
    "a test fails": ("true", "echo '=== 1 failed in 1s ==='; exit 1", 1),
    "no test runs": ("true", "true", 1),
    "pytest dies": ("true", "exit 3", 1),
}


@pytest.mark.parametrize(("other", "tests", "status"), GATES.values(), ids=GATES)
def test_continuous_integration_fails_where_anything_does(
    other: str, tests: str, status: int, tmp_path: Path
) -> None:
    """W47: with its real script; a run without tests is no success."""
    bodies = {"lint": other, "docs": "true", "test": tests}
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".ci").mkdir()
    gate = tmp_path / ".ci" / "run"
    gate.write_bytes((ROOT / ".ci" / "run").read_bytes())
    for name, body in bodies.items():
        script = tmp_path / "scripts" / name
        script.write_text(f"#!/usr/bin/env bash\n{body}\n")
        script.chmod(0o755)

    done = subprocess.run(["bash", gate], capture_output=True, check=False, timeout=60)

    assert status == done.returncode


ADDED = """
import asyncio, sys, time
from shadow_middleware.asgi import ShadowMiddleware

async def bare(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": HEAD})
    await send({"type": "http.response.body", "body": BODY})

HEAD, BODY = [(b"content-type", b"application/json")], b"x" * 1000
SCOPE = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/",
         "query_string": b"", "headers": [(b"host", b"live")], "http_version": "1.1"}
wrapped = ShadowMiddleware(bare, shadow_url=sys.argv[1], store_url="", drain_timeout=0)
idle = ShadowMiddleware(bare, shadow_url=sys.argv[1], store_url="", rate=0.0)

async def receive(): ...
async def send(message): ...

async def cpu(app, number=1000):
    began = time.process_time()
    for _ in range(number):
        await app(dict(SCOPE), receive, send)
    return (time.process_time() - began) / number * 1e6

async def measure():
    rounds = []
    for _ in range(6):
        rounds.append([await cpu(app) for app in (bare, wrapped, idle)])
        await asyncio.sleep(0.05)
    return [min(column) for column in zip(*rounds)]

plain, mirrored, off = asyncio.run(measure())
print(mirrored - plain, off - plain, wrapped.live.state.selected)
"""


def test_mirroring_costs_live_little() -> None:
    """W47: several times the aim, for busy machines; `benchmarks/` has the figures."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    with ShadowServer() as shadow:
        done = subprocess.run(
            [sys.executable, "-c", ADDED, shadow.url],
            cwd=ROOT,
            env=clean,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    mirrored, off, selected = map(float, done.stdout.split())

    assert 0 < mirrored < 30
    assert off < 5
    assert 6_000 == selected


# --- the documents ------------------------------------------------------------------------


class Stage(NamedTuple):
    """A folder as a reader of the documentation has it, and what is in its store."""

    folder: Path
    found: StoredDivergence
    shadow: str
    control: str


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give a store with a divergence and two runs, logs, and captures; made once."""
    folder = tmp_path_factory.mktemp("stage")
    store = store_in(folder)
    captures = folder / "captures"
    with (
        ShadowServer(Reply(200, (), b"other")) as shadow,
        ShadowServer() as control,
        collect() as outcomes,
        serving(
            shadow_url=shadow.url,
            engine="thread",
            store_url=store,
            capture_to=str(captures),
        ) as live,
    ):
        live.ask()
        outcomes.wait_for(1)
        assert runtime.shutdown(90.0)
        for name, module in FILES.items():
            shutil.copy(LOGS / module, folder / name)
        shutil.copytree(captures, folder / "traffic")
        for end in ("traffic.ndjson.zst", "day.ndjson.zst", "requests.ndjson"):
            made = run(["capture", "merge", "captures/", "-o", end], folder)
            assert 0 == made.returncode, made.stderr
        for name in ("main", "branch"):
            words = ["replay", "traffic/", "--target", shadow.url, "--store", store]
            made = run([*words, "--name", name, "--speed", "max"], folder)
            assert 3 == made.returncode, made.stderr
        with closing(SqlStore(store)) as opened:
            (found,) = opened.divergences()
            opened.change_target(TargetChange(name="v2", url=V2))
        yield Stage(folder, found, shadow.url, control.url)


V2 = "http://v2.lab.internal"
"""A target that documents set at run time."""
LOGS = Path(__file__).parents[1] / "traffic" / "importers" / "fixtures"
FILES = {
    "access.log": "nginx_combined.log",
    "access.log.1": "apache_combined.log",
    "haproxy.log": "haproxy.log",
    "packets.json": "packets.json",
    "nginx-shadow.log": "nginx_recommended.log",
    "apache-shadow.log": "apache_recommended.log",
}
TO_COPY = {line for block in blocks("sh") for line in block.values[0].splitlines()}
ELSEWHERE = re.compile(r"--listen|--resume|/etc/| (demo|watch|dashboard|worker)\b")
"""The agent is below; what goes on until Ctrl-C has tests of its own in `tests/cli`."""
EXIT_CODES = {"verdict": 3, "recheck": 3, "replay": 3, "capture grep": 1}
"""One divergence is not enough evidence, live's shadow has gone since, and nothing that
is searched for in an example is there."""


def store_in(folder: Path) -> str:
    """Return the address of the store that a folder has."""
    return f"sqlite:///{folder}/store.db"


def words_of(line: str, stage: Stage, folder: Path) -> list[str]:
    """Return the words of a command, with what is at hand for what is an example."""
    line = line.removesuffix(" || true").partition(" > ")[0]
    words = shlex.split(line, comments=True)[1:]
    words = [re.sub(r"^(ID|\d+)$", str(stage.found.id), word) for word in words]
    group = stage.found.record.groups[0]
    words = [re.sub(r"^(GROUP|[0-9a-f]{4})$", group, word) for word in words]
    words = [re.sub(r"^postgresql://.*", store_in(folder), word) for word in words]
    words = [re.sub(r"^http://(localhost|new):.*", stage.shadow, w) for w in words]
    words = [re.sub(r"^http://old:.*", stage.control, word) for word in words]
    if words[:2] == ["targets", "add"]:
        words = [re.sub(r"^v2$", "v3", word) for word in words]
    log = "apache-shadow.log" if "apache" in words else "nginx-shadow.log"
    return [log if word == "shadow.log" else word for word in words]


@pytest.mark.parametrize(
    "line", [x for x in command_lines() if not ELSEWHERE.search(x)]
)
def test_every_documented_command_runs(
    line: str, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W48: against a store that was really written; a mere mention may ask for more."""
    folder = shutil.copytree(stage.folder, tmp_path / "stage")
    monkeypatch.setenv("SHADOW_MIDDLEWARE_STORE_URL", store_in(folder))
    monkeypatch.setenv("SHADOW_MIDDLEWARE_SHADOW_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SHADOW_MIDDLEWARE_TARGET_ALLOW", V2)
    (folder / "shadow.toml").write_text("[verdict]\n", encoding="utf-8")
    (folder / "shadow_rules.toml").write_text("", encoding="utf-8")
    monkeypatch.chdir(folder)
    words = words_of(line, stage, folder)
    if "completion" in line:  # which asks what shell it was started from
        done = run(words, folder)
        ended, told = done.returncode, done.stderr
    else:
        here = CliRunner().invoke(app, words)
        ended, told = here.exit_code, here.output
        assert isinstance(here.exception, SystemExit | None), here.exception
    asks = ended == 2 and line not in TO_COPY

    expected = EXIT_CODES.get(words[0], EXIT_CODES.get(" ".join(words[:2]), 0))
    assert asks or expected == ended, told
    assert "Traceback" not in told


@pytest.mark.parametrize("line", [x for x in command_lines() if "--listen" in x])
def test_every_documented_agent_starts_and_stops(line: str, tmp_path: Path) -> None:
    """W48, W40: it listens where it is told to, and ends when it is told to."""
    path = tmp_path / "agent.sock"
    words = shlex.split(re.sub(r"unix:\S+", f"unix:{path}", line))[1:]
    ours = os.environ | {"PYTHONPATH": str(ROOT)}
    agent = subprocess.Popen([*COMMAND, *words], env=ours, cwd=tmp_path)
    try:
        until(lambda: path.exists() and is_open(path))
    finally:
        agent.send_signal(signal.SIGTERM)

    assert 0 == agent.wait(90)


COMMAND = [sys.executable, "-m", "shadow_middleware.cli.main"]


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of ours in a folder of its own."""
    return subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


# --- data ---------------------------------------------------------------------------------

RUNS_CODE = {"cloudpickle", "dill", "jsonpickle", "marshal", "pickle", "shelve", "yaml"}
BUILTINS = {"eval", "exec", "compile"}


def test_nothing_that_is_read_can_run() -> None:
    """W58: no module of ours knows a way to turn data into code."""
    found = [
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in named(node)
        if name.partition(".")[0] in RUNS_CODE | BUILTINS
    ]

    assert [] == found
    assert ["pickle"] == list(named(ast.parse("import pickle").body[0]))


def named(node: Any) -> Iterator[str]:
    """Return the modules that a node imports, or the builtin that it calls."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or ""
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield node.func.id
