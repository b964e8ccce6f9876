"""Starting a real server in a process of its own, and stopping it again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["HOST", "ROOT", "Server", "free_port", "serving", "stop", "wait_for_port"]

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]


class Server:
    """A server that runs: where it listens, and the file that it logs to."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.url = f"http://{HOST}:{port}"
        self._log = log

    def output(self) -> str:
        """Everything it has written so far."""
        return self._log.read_text(errors="replace")

    def ends_within(self, seconds: float) -> bool:
        """Wait so long for its end; whether it has ended."""
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(
    command: Sequence[str],
    port: int,
    folder: Path,
    name: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """
    Run `python -m command`, yield once it accepts connections, stop it at the end.

    Raises:
        RuntimeError: it ended, or did not listen in time; its log is in the message.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        server = Server(process, port, log)
        wait_for_port(server, port)
        yield server
    finally:
        stop(process)


def wait_for_port(server: Server, port: int, seconds: float = 90.0) -> None:
    """Return as soon as the port accepts; a server that ended is noticed at once."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _accepts(port):
            return
        if server.ends_within(0.05):
            raise RuntimeError(f"the server ended at its start:\n{server.output()}")
    raise RuntimeError(f"nothing listens on port {port}:\n{server.output()}")


def stop(process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    """Ask it to end with SIGTERM, and kill it only when it does not."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
