"""The three servers of the demo, started and stopped."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any

from shadow_middleware.errors import ShadowMiddlewareError

__all__ = ["DemoError", "Stage", "stage"]

_MODULE = "shadow_middleware.cli.demo.server"
_STOP_TIMEOUT = 15.0


class DemoError(ShadowMiddlewareError):
    """The demo's own servers did not start."""


class Stage:
    """All servers, running."""

    def __init__(self, live_port: int, shadow_url: str, control_url: str) -> None:
        self.live_port = live_port
        self.live_url = _url(live_port)
        self.shadow_url = shadow_url
        self.control_url = control_url


@contextlib.contextmanager
def stage(store_url: str, settings: Mapping[str, Any]) -> Iterator[Stage]:
    """Yield the servers while they run; live mirrors every request to both others."""
    with _server("shadow", {}) as shadow_port, _server("control", {}) as control_port:
        shadow_url, control_url = _url(shadow_port), _url(control_port)
        given = {
            **settings,
            "shadow_url": shadow_url,
            "control_url": control_url,
            "store_url": store_url,
        }
        with _server("live", given) as live_port:
            yield Stage(live_port, shadow_url, control_url)


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _server(role: str, settings: Mapping[str, Any]) -> Iterator[int]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, role, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(),
            # Ctrl-C is for the demo alone: it ends its servers in order.
            start_new_session=True,
        )
        try:
            yield _port_of(process, role, log)
        finally:
            _stop(process)


def _environment() -> dict[str, str]:
    """Return the environment without settings of ours that stand in it by chance."""
    prefix = "SHADOW_MIDDLEWARE_"
    return {
        name: value for name, value in os.environ.items() if not name.startswith(prefix)
    }


def _port_of(process: subprocess.Popen[bytes], role: str, log: IO[bytes]) -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.strip().isdigit():
        process.wait(_STOP_TIMEOUT)
        log.seek(0)
        said = log.read().decode(errors="replace").strip().rpartition("\n")[2]
        raise DemoError(f"the {role} server of the demo did not start: {said}")
    return int(line)


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(_STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
