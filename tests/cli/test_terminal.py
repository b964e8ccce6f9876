"""What a person sees: the same commands with a real terminal before them."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

MODULE = [sys.executable, "-m", "shadow_middleware.cli.main"]
COLUMNS = 80


class Terminal:
    """A command on a terminal of its own, and everything that it has written there."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self.text = ""
        self._screen = screen

    def read_until(self, wanted: str) -> bool:
        """Read on until `wanted` is there; return False where all ends before."""
        while wanted not in self.text:
            piece = b""
            with suppress(OSError):  # Linux says so when nobody writes any more
                piece = os.read(self._screen, 65_536)
            if not piece:
                return False
            self.text += piece.decode()
        return True

    def read_all(self) -> str:
        """Read to the end, and return all of it."""
        self.read_until("\0")
        return self.text


@contextmanager
def on_terminal(*arguments: str, **variables: str) -> Iterator[Terminal]:
    """Run a command on a terminal, and end it if it has not."""
    screen, keyboard = pty.openpty()
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", **variables}
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        environment.pop(name, None)
    process = subprocess.Popen(
        [*MODULE, *arguments],
        stdin=keyboard,
        stdout=keyboard,
        stderr=keyboard,
        env=environment,
        start_new_session=True,
        # Whoever runs the tests in the background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(keyboard)
    try:
        yield Terminal(process, screen)
    finally:
        process.kill()
        process.wait()
        os.close(screen)


@pytest.mark.parametrize(
    "command",
    [
        ["report"],
        ["divergences", "list"],
        ["divergences", "show", "1"],
        ["verdict"],
    ],
)
def test_a_terminal_gets_colours(url: str, command: list[str]) -> None:
    """A pipe gets none, and both get the same words."""
    with on_terminal(*command, "--store", url) as terminal:
        shown = terminal.read_all()
        exit_code = terminal.process.wait()
    piped = subprocess.run(
        [*MODULE, *command, "--store", url], capture_output=True, text=True, timeout=60
    )

    assert piped.returncode == exit_code
    assert "\x1b[" in shown
    assert "\x1b[" not in piped.stdout
    assert piped.stdout.split()[0] in shown


def test_json_is_plain_on_a_terminal_too(url: str) -> None:
    """What programs read is the same everywhere."""
    with on_terminal("verdict", "--store", url, "--json") as terminal:
        shown = terminal.read_all()

    assert "\x1b" not in shown
    assert '"exit_code": 3' in shown


@pytest.mark.timeout(120)
def test_the_demo_goes_on_serving_until_ctrl_c(tmp_path: Path) -> None:
    """Live answers after the report; the end is in order, and leaves nothing."""
    with on_terminal("demo", "--seconds", "1", TMPDIR=str(tmp_path)) as terminal:
        assert terminal.read_until("Ctrl-C ends it"), terminal.text
        port = int(terminal.text.partition("127.0.0.1:")[2].partition(" ")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as visitor:
            visitor.sendall(b"GET /users/7 HTTP/1.0\r\n\r\n")
            answer = visitor.recv(100)
        assert "shadow-middleware dashboard --store" in terminal.text
        terminal.process.send_signal(signal.SIGINT)
        terminal.read_all()
        exit_code = terminal.process.wait(90)

    assert (0, b"200") == (exit_code, answer.split()[1])
    assert [] == list(tmp_path.iterdir())
