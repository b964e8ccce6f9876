"""`shadow-middleware watch` as it is started: in a terminal, without one, without Textual."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from shadow_middleware.cli.dashboard import TOKEN as TOKEN_VARIABLE
from tests.cli.conftest import Run, words
from tests.tui.serving import TOKEN, Served

WITHOUT_TEXTUAL = """
import sys
sys.modules["textual"] = None
from shadow_middleware.cli.main import main
sys.argv = ["shadow-middleware", "watch", "--store", sys.argv[1]]
main()
"""
_PATIENCE = 90.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")


class Terminal:
    """A pseudo-terminal with the command in it."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._mine, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "shadow_middleware.cli.main", "watch", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "COLUMNS": "80",
                "LINES": "24",
                **environment,
            },
        )
        os.close(theirs)
        self.output = ""

    def wait_for(self, text: str) -> None:
        """Read until the text was printed; cursor movements between letters are lost."""
        until = time.monotonic() + _PATIENCE
        while text not in _ESCAPES.sub("", self.output):
            assert time.monotonic() < until, f"no {text!r} was printed"
            ready, _, _ = select.select([self._mine], [], [], 0.5)
            if ready:
                self.output += os.read(self._mine, 65_536).decode(errors="replace")

    def press(self, key: str) -> None:
        """Send a key."""
        os.write(self._mine, key.encode())

    def end(self) -> int:
        """Return the exit code."""
        # What is still printed has to go somewhere, or the process waits.
        until = time.monotonic() + _PATIENCE
        while self.process.poll() is None and time.monotonic() < until:
            ready, _, _ = select.select([self._mine], [], [], 0.1)
            if ready:
                try:
                    self.output += os.read(self._mine, 65_536).decode(errors="replace")
                except OSError:  # the other end of a pty is closed
                    break
        return self.process.wait(_PATIENCE)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._mine)


def test_it_shows_the_store_and_ends_with_q(url: str) -> None:
    """The overview comes by itself, a key opens the groups, and q gives 0."""
    with Terminal("--store", url) as terminal:
        terminal.wait_for("Target shadow")
        terminal.press("3")
        terminal.wait_for("GET /b/{id}")
        terminal.press("q")
        code = terminal.end()

    assert 0 == code
    assert _COLOUR.search(terminal.output)


def test_no_color_is_heard(url: str) -> None:
    """Not one colour is asked of the terminal."""
    with Terminal("--store", url, NO_COLOR="1") as terminal:
        terminal.wait_for("Target shadow")
        terminal.press("q")
        assert 0 == terminal.end()

    assert None is _COLOUR.search(terminal.output)


def test_the_interval_is_that_of_the_option(url: str) -> None:
    """Readings come by themselves, as often as is asked for."""
    with Terminal("--store", url, "--interval", "0.5") as terminal:
        terminal.wait_for("Target shadow")
        Path(url.removeprefix("sqlite:///")).unlink()
        terminal.wait_for("SOURCE AWAY")
        assert "again every 0.5 s" in _ESCAPES.sub("", terminal.output)
        terminal.press("q")
        assert 0 == terminal.end()


def test_since_leaves_out_what_is_older(url: str) -> None:
    """What is older does not count on any screen."""
    with Terminal("--store", url, "--since", "2099-01-01") as terminal:
        terminal.wait_for("selected = 0 ended")
        terminal.press("q")
        assert 0 == terminal.end()


def test_the_policy_is_that_of_the_configuration(url: str, tmp_path: Path) -> None:
    """The verdict asks for what the file says."""
    file = tmp_path / "shadow.toml"
    file.write_text("[verdict]\nminimum_rate = 0.123\n", "utf-8")
    with Terminal("--store", url, "--config", str(file)) as terminal:
        terminal.wait_for("12.3 %")
        terminal.press("q")
        assert 0 == terminal.end()


def test_without_a_terminal_it_says_what_to_use(run: Run, url: str) -> None:
    """A pipe gets a sentence, not the codes of a screen."""
    result = run("watch", "--store", url)

    assert 2 == result.exit_code
    assert "watch needs a terminal; shadow-middleware report" in words(result)


def test_without_the_extra_it_prints_the_install_line(url: str) -> None:
    """Who lacks Textual is told the one command that helps."""
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_TEXTUAL, url],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )

    assert 2 == ran.returncode
    assert "pip install 'shadow-middleware[tui]'" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_it_shows_the_api_of_a_dashboard_with_the_token_that_is_typed(
    url: str,
) -> None:
    """Nothing of the token is seen while it is typed."""
    with closing(Served()) as served:
        served.show(url)
        with Terminal("--url", served.url, **{TOKEN_VARIABLE: ""}) as terminal:
            terminal.wait_for("Token of the dashboard: ")  # what comes before is lost
            terminal.press(f"{TOKEN}\r")
            terminal.wait_for("Target shadow")
            terminal.press("q")
            assert 0 == terminal.end()

    assert TOKEN not in terminal.output


def test_the_token_of_an_api_is_taken_from_the_environment(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An option goes before it; each is asked about before any screen is drawn."""
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    with closing(Served()) as served:
        served.show(url)
        known = run("watch", "--url", served.url)
        unknown = run("watch", "--url", served.url, "--token", "another one")

    assert "watch needs a terminal" in words(known)
    assert 2 == unknown.exit_code
    assert "does not know this token" in words(unknown)
    assert "cannot be reached" in words(run("watch", "--url", served.url))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--token", "x"), "name it with --url"),
        (("--url", "http://127.0.0.1:9"), "no token is given"),
        (("--url", "127.0.0.1:9", "--token", "x"), "did you mean 'http://"),
        (("--url", "http://127.0.0.1:9", "--store", "x"), "leave out --store"),
        (("--url", "http://127.0.0.1:9", "--config", "x"), "leave out --store"),
        (("--since", "yesterday"), "is no time"),
        (("--interval", "0.1"), "0.5"),
        (("--store", "sqlite:///nowhere/at/all.db"), "nowhere"),
    ],
)
def test_wrong_usage_is_refused(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    """Each mistake has its sentence, and 2 for an exit code."""
    result = run("watch", *arguments)

    assert 2 == result.exit_code
    assert said in words(result)
