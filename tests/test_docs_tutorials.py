"""Tutorials are done as a newcomer would: files, commands, what they print."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scripts import reference
from shadow_middleware.cli import main
from shadow_middleware.errors import ShadowMiddlewareError
from tests.promises.staging import until

pytestmark = pytest.mark.usefixtures("children_uncounted")

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.M | re.S)
PATIENCE = 60.0
"""Seconds that a server or an agent may take on a busy machine."""
SET_UP = re.compile(r"mkdir tea|python3 -m venv|\. venv|pip install")
"""What the environment of the tests has done already."""


class Newcomer:
    """Somebody with a folder, a few terminals, and the page."""

    def __init__(self, folder: Path, ports: dict[str, int]) -> None:
        self.folder = folder
        self.ports = ports
        self.terminals: dict[str, tuple[str, subprocess.Popen[str]]] = {}
        self.printed = ""
        self.changed = False
        self.stops_early = False

    def do(self, page: str) -> None:
        """Do what each block of the page says, in order, up to one's own app."""
        own, decide = page.index("\n## Your own "), page.index("\n## 6. Decide")
        for match in FENCE.finditer(page, 0, own):
            kind, title, text = match.groups()
            if self.stops_early and match.start() > decide and kind != "diff":
                continue
            text = re.sub(r"\b[89]000\b", lambda m: str(self.ports[m.group()]), text)
            steps: dict[str, Callable[[str, str], None]] = {
                "python": self.write,
                "sh": self.start if title else self.run,
                "text": self.compare,
                "diff": self.change,
            }
            steps[kind](title, text)

    def write(self, title: str, text: str) -> None:
        """Write a file of the page, or the end of one."""
        name, _, where = title.partition(", ")
        with (self.folder / name).open("a" if where else "w") as file:
            file.write(text)

    def start(self, title: str, text: str) -> None:
        """Start a server in a terminal of its own, and wait until it listens."""
        self.stop(title)
        (port,) = [port for port in self.ports.values() if str(port) in text] or [0]
        words = shlex.split(text)
        if "dashboard" in words:
            if self.stops_early:
                return
            port = free_port()
            words += ["--port", str(port)]
        terminal = subprocess.Popen(
            [Path(sys.executable).parent / words[0], *words[1:]],
            cwd=self.folder,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.terminals[title] = (text, terminal)
        assert until(lambda: listens(port), PATIENCE)

    def stop(self, title: str) -> None:
        """Press Ctrl-C in a terminal, if anything runs there."""
        if title in self.terminals:
            _, terminal = self.terminals.pop(title)
            terminal.terminate()
            terminal.wait(PATIENCE)

    def run(self, _: str, text: str) -> None:
        """Type each line into a shell, and wait for what it leads to."""
        self.printed = ""
        if self.changed:
            self.start_again()
        for line in filter(lambda line: not SET_UP.match(line), text.splitlines()):
            if line.startswith("shadow-middleware "):
                self.printed += self.command(*shlex.split(line)[1:])
                continue
            done = subprocess.run(
                line,
                shell=True,
                cwd=self.folder,
                env=environment(),
                check=True,
                capture_output=True,
                text=True,
            )
            self.printed += done.stdout

    def command(self, *words: str) -> str:
        """Return what a command of ours prints."""
        result = CliRunner().invoke(main.app, words, env={"COLUMNS": "88"})
        assert not isinstance(result.exception, Exception), result.exception
        assert result.exit_code != ShadowMiddlewareError.exit_code, result.output
        return result.output

    def compare(self, _: str, text: str) -> None:
        """Find each line of the page in what was printed; blanks do not count."""
        printed = {" ".join(line.split()) for line in self.printed.splitlines()}
        shown = [" ".join(line.split()) for line in text.splitlines()]

        assert [] == [line for line in shown if line not in printed], self.printed

    def change(self, _: str, text: str) -> None:
        """Change the rewrite as the page shows."""
        before = "".join(f"{x[1:]}\n" for x in text.splitlines() if x[0] == "-")
        after = "".join(f"{x[1:]}\n" for x in text.splitlines() if x[0] == "+")
        (file,) = [
            path
            for path in (
                *self.folder.glob("shadow.py"),
                *self.folder.glob("new/*/*.py"),
            )
            if path.read_text().count(before) == 1
        ]
        file.write_text(file.read_text().replace(before, after))
        self.changed = True

    def start_again(self) -> None:
        """Start the rewrite again, once all of it is mended."""
        (title,) = [title for title in self.terminals if title.startswith("Terminal 1")]
        self.start(title, self.terminals[title][0])
        self.changed = False


def environment() -> dict[str, str]:
    """Return what a newcomer's shell has: the tools of the environment, no settings."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        **{n: v for n, v in os.environ.items() if not n.startswith("SHADOW_")},
        "PATH": path,
    }


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def listens(port: int) -> bool:
    """Tell whether somebody listens there."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Newcomer]:
    """Somebody in an empty folder; whatever they start is stopped."""
    monkeypatch.chdir(tmp_path)
    newcomer = Newcomer(tmp_path, {"8000": free_port(), "9000": free_port()})
    yield newcomer
    for title in list(newcomer.terminals):
        newcomer.stop(title)


def page_of(name: str) -> str:
    """Return a tutorial as readers see it."""
    source = f"quickstart/{name}.md"
    return reference.filled((ROOT / "docs" / source).read_text("utf-8"), source)


def test_a_newcomer_reaches_a_verdict(newcomer: Newcomer) -> None:
    """Copied from the page, every file and command of a tutorial works as it says."""
    newcomer.do(page_of("asgi"))

    assert newcomer.printed.startswith("600 visits\nVerdict on shadow: PROMOTE")


@pytest.mark.parametrize("name", ["django", "flask"])
def test_the_other_tutorials_find_the_same(name: str, newcomer: Newcomer) -> None:
    """Their files work as well; what follows the findings is word for word the same."""
    page, first = page_of(name), page_of("asgi")
    newcomer.stops_early = True
    newcomer.do(page)

    assert newcomer.printed.startswith("Verdict on shadow: DO NOT PROMOTE")
    assert newcomer.changed
    assert parts(first)[4:8] == parts(page)[4:8]


def parts(page: str) -> list[str]:
    """Return the sections of a tutorial."""
    return page.split("\n## ")
