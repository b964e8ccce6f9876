"""Starts what a drill needs, finds its processes, and ends them in good order."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil

from benchmarks.drill.account import ended_in
from benchmarks.drill.app import SETTINGS
from benchmarks.drill.ledger import ENV, Ledger

__all__ = [
    "UVICORN",
    "Net",
    "Server",
    "Stage",
    "free_port",
    "in_time",
    "stopped",
    "until",
]

ROOT: Final = Path(__file__).parents[2]
CLOCK: Final = Path(__file__).parent / "clock"
ALL_METHODS: Final = ("GET", "POST", "PUT", "DELETE")
UVICORN: Final = (
    "-m uvicorn benchmarks.drill.app:app --host {host} --port {port} "
    "--http httptools --loop uvloop --no-access-log --log-level warning"
)


class Server(NamedTuple):
    """What serves live."""

    command: str = UVICORN
    """Arguments to `python`; `{host}`, `{port}` and `{folder}` are filled in."""
    fresh: bool = False
    """Whether clients take a new connection for each request, as where workers come
    and go: who ends an idle connection may always meet a request on its way."""


class Net(NamedTuple):
    """Where processes run: two hosts, or one."""

    near: tuple[str, ...] = ()
    """What a command of the live host begins with."""
    far: tuple[str, ...] = ()
    near_address: str = "127.0.0.1"
    far_address: str = "127.0.0.1"


ONE_UVICORN: Final = Server()
ONE_HOST: Final = Net()


class Stage:
    """A live app with its agent, a shadow and clients; each may be harmed."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any],
        *,
        server: Server = ONE_UVICORN,
        net: Net = ONE_HOST,
        rate: float = 200.0,
        users: int = 64,
        capacity: int = 200_000,
        read_url: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.server = server
        self.net = net
        self.users = users
        self.ledger = Ledger.create(folder / "ledger", capacity)
        self.ledger.rate = rate
        self.ledger.behaviour = "answering"
        self.live_port, self.shadow_port = free_port(), free_port()
        self.settings: dict[str, Any] = {
            "shadow_url": f"http://{net.far_address}:{self.shadow_port}",
            "methods": ALL_METHODS,
            "key": "header:x-user",
            "store_url": f"sqlite:///{folder}/store.db",
            **settings,
        }
        self.read_url = read_url or self.settings["store_url"]
        """Where the evidence can be read, whatever is done to it."""
        self._environ = {
            **os.environ,
            ENV: self.ledger.path,
            SETTINGS: json.dumps(self.settings),
            "PYTHONPATH": os.pathsep.join([str(CLOCK), str(ROOT)]),
            **(environ or {}),
        }
        self._log = (folder / "processes.log").open("ab")
        self._stack = ExitStack()
        self.load: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []
        self.killed = 0
        """How many agents were killed."""
        self.begun = 0.0

    @property
    def log(self) -> str:
        """What the processes have said."""
        return (self.folder / "processes.log").read_text("utf-8", "replace")

    def __enter__(self) -> Stage:
        with self._stack as stack:
            stack.callback(self._log.close)
            place = self.net.far_address, str(self.shadow_port)
            self.shadow = self.start("-m", "benchmarks.drill.shadow", *place, far=True)
            command = self.server.command.format(
                host=self.net.near_address, port=self.live_port, folder=self.folder
            )
            self.live = self.start(*command.split())
            self._wait_for(self.net.near, self.net.near_address, self.live_port)
            self._wait_for(self.net.far, self.net.far_address, self.shadow_port)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def _start(self, command: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command,
            env=self._environ,
            cwd=ROOT,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
            **how,
        )
        self._stack.callback(_end, process)
        return process

    def start(self, *arguments: str, far: bool = False) -> subprocess.Popen[bytes]:
        """Start one more Python process of the drill, on either host."""
        where = self.net.far if far else self.net.near
        return self._start([*where, sys.executable, *arguments])

    def employ(self) -> None:
        """Start one more worker, under live's settings."""
        file = self.folder / "worker.toml"
        # What JSON says of text, numbers and lists of them, TOML says as well.
        file.write_text(
            "".join(f"{name} = {json.dumps(v)}\n" for name, v in self.settings.items())
        )
        command = ("-m", "shadow_middleware.cli.main", "worker", "--config", str(file))
        self.workers.append(self.start(*command, "--json"))

    def dismiss(self) -> None:
        """Let the workers finish all that waits, then stop them as an operator would."""
        if self.workers:
            until(self._all_has_ended, 120.0, lambda: self.log, every=0.5)
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            worker.wait(60)

    def _all_has_ended(self) -> bool:
        return ended_in(self.read_url) >= self.ledger.come()

    def _wait_for(self, where: Sequence[str], address: str, port: int) -> None:
        probe = f"import socket; socket.create_connection(({address!r}, {port}), 1)"
        command = [*where, sys.executable, "-c", probe]
        until(
            lambda: subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0,
            60.0,
            lambda: self.log,
        )

    # --- traffic --------------------------------------------------------------------

    def begin(self) -> None:
        """Let the clients begin."""
        arguments = [self.net.near_address, str(self.live_port), str(self.users)]
        if self.server.fresh:
            arguments.append("fresh")
        self.load = self._start(
            [*self.net.near, sys.executable, "-m", "benchmarks.drill.load", *arguments],
            stdin=subprocess.PIPE,
        )
        # Until it runs as it will: agent and store take their time at first.
        until(self._is_under_way, 180.0, lambda: self.log)
        self.begun = time.monotonic()

    def _is_under_way(self) -> bool:
        if not self.settings.get("enabled", True):
            return self.ledger.answered >= 2 * self.users
        return ended_in(self.read_url) > 0

    def silence(self) -> None:
        """Let the clients have their last answers, and be gone."""
        if self.load is not None:
            assert self.load.stdin is not None
            self.load.stdin.close()
            self.load.wait(60)

    def finish(self, seconds: float = 60.0) -> None:
        """Stop live as an operator would, and wait for its agents."""
        agents = self.agents()
        self.live.send_signal(signal.SIGTERM)
        self.live.wait(seconds)
        _, left = psutil.wait_procs(agents, timeout=seconds)
        if left:
            raise TimeoutError(f"an agent would not end:\n{self.log[-3000:]}")

    # --- who is there ---------------------------------------------------------------

    def agents(self) -> list[psutil.Process]:
        """Return the agents that are there now."""
        found = []
        for child in psutil.Process(self.live.pid).children(recursive=True):
            with suppress(psutil.Error):
                if "shadow_middleware.agent" in child.cmdline():
                    found.append(child)
        return found

    def agent(self) -> psutil.Process:
        """Return the one agent; waits until there is one."""
        found: list[psutil.Process] = until(
            lambda: [a for a in self.agents() if a.status() != psutil.STATUS_ZOMBIE],
            60.0,
            lambda: self.log,
        )
        return found[0]


@contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    """Freeze a process with all its threads, and let it go on."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGCONT)


@contextmanager
def in_time(seconds: float) -> Iterator[None]:
    """
    End what takes longer, wherever it waits; for the main thread.

    Raises:
        TimeoutError: it did.
    """

    def ring(number: int, frame: object) -> None:
        raise TimeoutError(f"it was not over after {seconds:,.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(
    condition: Callable[[], Any],
    seconds: float,
    say: Callable[[], str] = lambda: "",
    every: float = 0.05,
) -> Any:
    """Return what the condition gives once it is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"it did not become true in {seconds} s\n{say()[-3000:]}"
            )
        time.sleep(every)
    return value


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those of its group, whatever state they are in."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()
