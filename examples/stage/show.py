"""The whole play in one command: shadow, live, visitors, then the report."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from examples.stage.servers import HOST, ROOT, Server, serving
from examples.stage.visits import Visit, send

__all__ = ["Example", "Side", "gunicorn", "runserver", "show", "staged", "uvicorn"]


def uvicorn(application: str, port: int) -> list[str]:
    """Return the command that serves an ASGI application."""
    return ["uvicorn", application, "--host", HOST, "--port", str(port)]


def gunicorn(application: str, port: int, *options: str) -> list[str]:
    """Return the command that serves a WSGI application."""
    return ["gunicorn", application, "--bind", f"{HOST}:{port}", *options]


def runserver(port: int) -> list[str]:
    """Return the command of Django's development server."""
    return ["examples.django_app.manage", "runserver", "--noreload", f"{HOST}:{port}"]


@dataclass(frozen=True, slots=True)
class Side:
    """How one side is served: a command for a port, and what it needs before."""

    command: Callable[[int], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Sequence[str] = ()
    """A command that is run to its end before the server starts."""

    @contextmanager
    def served(
        self, port: int, folder: Path, name: str, environment: Mapping[str, str]
    ) -> Iterator[Server]:
        """Prepare and serve; the name is that of its log file in the folder."""
        together = {**environment, **self.environment}
        if self.prepare:
            run(self.prepare, together)
        with serving(self.command(port), port, folder, name, together) as server:
            yield server


@dataclass(frozen=True, slots=True)
class Example:
    """One example: its two sides and its visitors."""

    live: Side
    shadow: Side
    plan: Callable[[int, int], list[Visit]]


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run `python -m command` to its end, its output on ours; return the exit code."""
    sys.stdout.flush()
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    )
    return ended.returncode


def staged(folder: Path, shadow_port: int) -> dict[str, str]:
    """Return the environment in which both sides find each other and the store."""
    return {
        "SHOP_FOLDER": str(folder),
        "SHOP_KEY": secrets.token_hex(),
        "SHOP_SHADOW_URL": f"http://{HOST}:{shadow_port}",
        "SHADOW_MIDDLEWARE_STORE_URL": f"sqlite:///{folder / 'evidence.db'}",
    }


def show(example: Example, arguments: Sequence[str]) -> None:
    """Run as a command: serve both sides, send visitors, print what was found."""
    options = _options(arguments)
    visits = example.plan(int(options.seconds * options.rate), options.seed)
    with tempfile.TemporaryDirectory(prefix="shadow-example-") as name:
        folder = Path(name)
        environment = staged(folder, options.shadow_port)
        with (
            example.shadow.served(options.shadow_port, folder, "shadow", environment),
            example.live.served(options.port, folder, "live", environment) as live,
        ):
            _tell(f"{len(visits)} visits to {live.url} at {options.rate:g} a second")
            send(live.url, visits, options.rate)
            wait_until_replayed(live, environment)
        _tell("What the signal handler said, the first lines of it:")
        alerts = [line for line in live.output().splitlines() if "ALERT" in line]
        _tell("\n".join(alerts[:5]))
        run(["shadow_middleware.cli.main", "report", "--limit", "20"], environment)
        run(["shadow_middleware.cli.main", "verdict"], environment)


def wait_until_replayed(
    live: Server, environment: Mapping[str, str], seconds: float = 60.0
) -> None:
    """
    Return once nothing is in flight, or after so long.

    Nothing would be lost without: the agent works off what it has. But signals are
    fired in the live process, so they end with it.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not live.ends_within(0.25):
        told = subprocess.run(
            [sys.executable, "-m", "shadow_middleware.cli.main", "report", "--json"],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            check=False,
        )
        targets = json.loads(told.stdout)["targets"] if told.returncode == 0 else []
        if targets and not any(target["in_flight"] for target in targets):
            return


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve both sides and compare them.")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=40.0, help="visits a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--shadow-port", type=int, default=8001)
    return parser.parse_args(arguments)


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command's result
