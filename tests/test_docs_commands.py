"""
Pages whose commands need a server, a run to resume or each other are typed in order.

Every single command is run by `tests/promises/test_project.py`, but for those.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from importlib.metadata import metadata
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from shadow_middleware.cli import main
from shadow_middleware.offline.asked import Asked, sources_of
from shadow_middleware.offline.conduct import begun, surveyed
from shadow_middleware.settings import load
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.testing import Reply, ShadowServer
from tests.offline.recordings import FAST, recorded, settings_for, written
from tests.promises import test_project
from tests.promises.staging import until
from tests.shared import copied
from tests.test_docs import PAGES, ROOT, fences
from tests.test_docs_tutorials import PATIENCE, free_port

pytestmark = pytest.mark.usefixtures("children_uncounted")

SHELLS = ("sh", "bash")
ELSEWHERE = {
    "docs/broker.md": "tests/broker",
    "docs/dashboard.md": "README.md shows the same",
    "docs/quickstart": "tests/test_docs_tutorials.py",
    "benchmarks/README.md": "tests/benchmarks",
}
"""Pages whose commands are run by others."""
NOT_ALONE = re.compile(rf"^curl |{test_project.ELSEWHERE.pattern}")
"""Commands that cannot be run each by itself."""
NOT_OURS = re.compile(r"pip install |tshark ")
FIXTURES = ROOT / "tests" / "traffic" / "importers" / "fixtures"
TOKEN = "a-token-of-your-own"
POSTGRES = "postgresql://shadow@db.internal/shadow"
GONE_FOR_GOOD = "3f2a9c10"
"""The run that pages resume."""


def is_run_here(page: Path) -> bool:
    """Whether the page has commands that no other test runs."""
    if str(page.relative_to(ROOT)).startswith(tuple(ELSEWHERE)):
        return False
    shown = [text for kind, _, text in fences(page) if kind in SHELLS]
    return any(NOT_ALONE.search(line) for text in shown for line in lines_of(text))


def lines_of(text: str) -> list[str]:
    """Return the commands of a block, continued lines joined."""
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [x for line in lines if (x := re.sub(r"(^|\s)#\s.*", "", line).strip())]


class Reader:
    """Somebody who has traffic, a shadow and some evidence, and types what a page shows."""

    def __init__(self, folder: Path, shadow: str) -> None:
        self.folder = folder
        self.servers: list[subprocess.Popen[str]] = []
        self.ports: dict[str, int] = {}
        self.answer = ""
        self.instead = {
            r"/run/shadow/": f"{folder}/",
            r"@/etc/nginx/nginx\.conf": "@nginx.conf",
            r"shadow\.log(?= --format apache)": "apache.log",
            r"(?<=--target )http://\S+|(?<=--control )http://\S+": shadow,
        }

    def types(self, line: str) -> None:
        """Run one line, and see that it ends well."""
        for words, meant in self.instead.items():
            line = re.sub(words, meant, line)
        if line.startswith("curl "):
            self.answer = self.asks(shlex.split(line))
        elif re.search(r"(dashboard|targets serve|agent --listen)\b", line):
            self.starts(line)
        else:
            self.runs(line)

    def runs(self, line: str) -> None:
        """Run a command to its end; what it prints goes where the line says."""
        line, _, file = line.removesuffix(" || true").partition(" > ")
        line, _, after = line.partition(" | ")
        words = shlex.split(line)
        assert "shadow-middleware" == words[0], line
        result = CliRunner().invoke(main.app, words[1:], env={"COLUMNS": "88"})
        assert result.exit_code in (0, 1, 3), f"{line}\n{result.output}"
        assert not isinstance(result.exception, Exception), line
        if file:
            printed = without_answers(result.stdout) if after else result.stdout
            (self.folder / file).write_text(printed, encoding="utf-8")

    def starts(self, line: str) -> None:
        """Start what serves, and wait until it does."""
        words = [x for x in shlex.split(line) if not re.match("[A-Z_]+=", x)]
        port = self.ports[named_port(words)] = free_port()
        if "--listen" not in words:
            words = [*(x for x in words if x not in ("--port", named_port(words)))]
            words += ["--port", str(port)]
        self.servers.append(
            subprocess.Popen(
                [Path(sys.executable).parent / words[0], *words[1:]],
                cwd=self.folder,
                env=shell_environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        agent = self.folder / "agent.sock"
        is_there = agent.exists if "--listen" in words else partial(serves, port)
        assert until(lambda: is_there() or self.servers[-1].poll(), PATIENCE), line
        assert self.servers[-1].poll() is None, self.servers[-1].communicate()

    def asks(self, words: list[str]) -> str:
        """Do what curl does with these options."""
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        bearer = words[words.index("-H") + 1].replace("$TOKEN", TOKEN)
        url = httpx.URL(words[-1])
        url = url.copy_with(port=self.ports[str(url.port)])
        headers = dict([bearer.split(": ", 1)])
        return httpx.request(method, url, headers=headers, trust_env=False).text

    def leaves(self) -> None:
        """Press Ctrl-C wherever something serves; each ends well."""
        for server in self.servers:
            server.send_signal(signal.SIGINT)
        ends = [server.communicate(timeout=PATIENCE)[1] for server in self.servers]
        codes = [server.returncode for server in self.servers]
        assert [0] * len(codes) == codes, ends


def serves(port: int) -> bool:
    """Tell whether somebody answers there, if only that a token is missing."""
    try:
        httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
    except httpx.TransportError:
        return False
    return True


def named_port(words: list[str]) -> str:
    """Return the port that the page speaks of."""
    return words[words.index("--port") + 1] if "--port" in words else ""


def without_answers(lines: str) -> str:
    """Return what `jq -c 'del(.response, .crc)'` makes of lines of JSON."""
    every = [json.loads(line) for line in lines.splitlines()]
    kept = [{k: v for k, v in x.items() if k not in ("response", "crc")} for x in every]
    return "".join(json.dumps(x) + "\n" for x in kept)


def shell_environment() -> dict[str, str]:
    """Return what a shell has, with the token that pages speak of."""
    tokens = ("SHADOW_MIDDLEWARE_DASHBOARD_TOKEN", "SHADOW_MIDDLEWARE_TARGETS_TOKEN")
    return {
        **os.environ,
        **dict.fromkeys(tokens, TOKEN),
    }


@pytest.fixture(scope="module")
def shadow() -> Iterator[ShadowServer]:
    """Give a shadow that answers as was recorded."""
    with ShadowServer(Reply.json({"ok": True})) as server:
        yield server


def put_files(folder: Path) -> None:
    """Put there what pages take for granted: captures, logs, and files they show."""
    for name in ("captures", "traffic"):
        (folder / name).mkdir()
        records = [recorded(n, route="GET /users/{id}") for n in range(1, 20)]
        written(folder / name / "20261120T101500-0.ndjson.zst", records)
    bare = written(folder / "whole.ndjson", [recorded(n) for n in range(1, 5)])
    text = without_answers("\n".join(bare.read_text().splitlines()[1:]))
    (folder / "requests.ndjson").write_text(text)
    for name, source in {
        "access.log": "nginx_combined.log",
        "access.log.1": "apache_combined.log",
        "a.log": "nginx_combined.log",
        "shadow.log": "nginx_recommended.log",
        "apache.log": "apache_recommended.log",
        "haproxy.log": "haproxy.log",
        "packets.json": "packets.json",
    }.items():
        shutil.copy(FIXTURES / source, folder / name)
    (folder / "nginx.conf").write_text(
        "http {\n  log_format main '$remote_addr - $remote_user [$time_local] "
        '"$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"\';\n}\n'
    )
    for page in PAGES:
        for kind, name, text in fences(page):
            if kind == "toml" and name:
                (folder / name).write_text(text, encoding="utf-8")


def put_evidence(url: str, folder: Path, shadow: ShadowServer) -> None:
    """Put two runs into the store, and one that never ended."""
    target = ("--target", shadow.url, "--speed", "max")
    for name in ("main", "branch"):
        done = CliRunner().invoke(
            main.app, ["replay", "traffic/", *target, "--name", name]
        )
        assert 0 <= done.exit_code != 2, done.output
    files = [str(file) for file in (folder / "traffic").iterdir()]
    asked = Asked(sources=sources_of(files), target=shadow.url, plan=FAST)
    settings = settings_for(shadow.url)
    with closing(SqlStore(url)) as store:
        store.begin_run(
            begun(GONE_FOR_GOOD, "", asked, surveyed(asked, settings), settings)
        )


@pytest.fixture(scope="module")
def stage(
    tea_store: Path, shadow: ShadowServer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give a folder with all that pages take for granted."""
    folder = tmp_path_factory.mktemp("stage")
    put_files(folder)
    url = copied(tea_store, folder / "shadow_middleware.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        put_evidence(url, folder, shadow)
    return folder


@contextmanager
def leaving(reader: Reader) -> Iterator[Reader]:
    """Give the reader, and see that whatever was started ends."""
    try:
        yield reader
        reader.leaves()
    finally:
        for server in reader.servers:
            server.kill()
            server.communicate()


@pytest.mark.parametrize(
    "page",
    [pytest.param(x, id=str(x.relative_to(ROOT))) for x in PAGES if is_run_here(x)],
)
def test_every_command_of_a_page_runs(
    page: Path,
    stage: Path,
    shadow: ShadowServer,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Typed in the order of the page; what `curl` shows is what comes back."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(stage, tmp_path, dirs_exist_ok=True)
    reader = Reader(tmp_path, shadow.url)
    if POSTGRES in page.read_text("utf-8"):
        reader.instead[POSTGRES] = request.getfixturevalue("postgres_url")

    with leaving(reader):
        for kind, title, text in fences(page):
            if kind == "toml" and not title and "target_allow" in text:
                config = tmp_path / "page.toml"
                config.write_text(text, encoding="utf-8")
                assert load(config=config, environ={}).target_allow
                monkeypatch.setenv("SHADOW_MIDDLEWARE_CONFIG", str(config))
            if kind in SHELLS:
                for line in lines_of(text):
                    if not NOT_OURS.match(line):
                        reader.types(line)
            elif kind == "text" and reader.answer:
                assert text == reader.answer
                reader.answer = ""


def test_extras_that_pages_install_exist() -> None:
    """`pip install 'shadow-middleware[x]'` names what the package offers."""
    named = {
        extra
        for page in PAGES
        for found in re.findall(r"shadow-middleware\[([\w,]+)\]", page.read_text())
        for extra in found.split(",")
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert named
    assert set() == named - set(project["optional-dependencies"])
    assert named <= set(metadata("shadow-middleware").get_all("Provides-Extra") or ())
