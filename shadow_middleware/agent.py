"""
The agent process: replays, compares and records, away from the live app.

Started by the live process with one end of a socket pair (`--fd`), or by hand for
all apps of a host (`shadow-middleware agent --listen unix:PATH`). It ends when
nobody is connected any more, so it is never an orphan.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import stat
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.handoff.priority import give_way
from shadow_middleware.logs import JsonFormatter
from shadow_middleware.loops import COLLECTED, run
from shadow_middleware.runtime import serve_connection
from shadow_middleware.settings import Settings, to_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shadow_middleware.service import Service

__all__ = ["main", "serve"]

logger = logging.getLogger("shadow_middleware")


def main(argv: list[str] | None = None) -> int:
    """Run as the agent of one live process; the entry point of the child."""
    parser = argparse.ArgumentParser(prog="python -m shadow_middleware.agent")
    parser.add_argument("--fd", type=int, required=True, help="a connected socket")
    descriptor = parser.parse_args(argv).fd
    _stand_apart()
    _prepare()
    connection = socket.socket(fileno=descriptor)
    run(serve_connection(connection, on_start=_stop_on_signals, on_settings=_log_as))
    return 0


def _stand_apart() -> None:
    """Let nothing that befalls the app's terminal or session befall the agent."""
    for signum in (signal.SIGHUP, signal.SIGTTOU):
        # The first comes where live ends while we are stopped, the second where a
        # terminal lets only the app write (setpgid(2), termios(3)).
        signal.signal(signum, signal.SIG_IGN)


def serve(listen: str, settings: Settings | None = None, *, nice: int = 0) -> int:
    """
    Be the agent of every app that connects to a Unix socket, until SIGTERM.

    Args:
        listen: `unix:PATH`. Only the user who runs the agent can connect.
        settings: Used for every app, in place of what each brings.
        nice: Steps by which to lower the priority of this process.

    Returns:
        The exit status.

    Raises:
        ConfigurationError: the address is not one, or somebody listens there.
    """
    path = _checked_path(listen)
    _prepare()
    if not give_way(nice):
        logger.warning("this agent could not lower its priority by %d", nice)
    try:
        run(_serve_path(path, settings))
    finally:
        path.unlink(missing_ok=True)
    return 0


async def _serve_path(path: Path, settings: Settings | None) -> None:
    from shadow_middleware.drivers import open_works
    from shadow_middleware.service import Service, Works

    fixed = None if settings is None else to_wire(settings)

    def opened(wire: bytes) -> Works:
        bench = open_works(fixed or wire)
        _log_as(bench.settings)
        return bench

    service = Service(opened, ends_when_alone=False)
    _stop_on_signals(service)
    with socket.socket(socket.AF_UNIX) as door:
        with _private_umask():
            door.bind(os.fspath(path))
        server = await asyncio.get_running_loop().create_unix_server(
            service.connect, sock=door.dup()
        )
        logger.info("the shadow agent listens at unix:%s", path)
        async with server:
            await service.run(partial(_let_in, door, service))


async def _let_in(door: socket.socket, service: Service) -> None:
    """Connect all who wait at the door."""
    loop = asyncio.get_running_loop()
    door.setblocking(False)
    with contextlib.suppress(OSError):  # nobody waits, or there are too many
        while True:
            connection, _ = door.accept()
            await loop.connect_accepted_socket(service.connect, connection)


def _checked_path(listen: str) -> Path:
    if not listen.startswith("unix:") or listen == "unix:":
        raise ConfigurationError(
            f"--listen: {listen!r} is not an address of an agent; give unix:PATH"
        )
    path = Path(listen.removeprefix("unix:"))
    if not path.parent.is_dir():
        raise ConfigurationError(f"--listen: the folder {path.parent} does not exist")
    if path.exists():
        _remove_stale(path)
    return path


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens at; refuse anything else."""
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise ConfigurationError(f"--listen: {path} exists and is not a socket")
    with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
        probe.connect(os.fspath(path))
        raise ConfigurationError(f"--listen: an agent already listens at {path}")
    path.unlink()


@contextlib.contextmanager
def _private_umask() -> Iterator[None]:
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)


def _prepare() -> None:
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    for name in ("httpx", "httpcore", "asyncio", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    gc.set_threshold(*COLLECTED)


def _log_as(settings: Settings) -> None:
    """Write what follows as JSON where an app asks for it; there is one log for all."""
    if settings.log_format == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonFormatter())


def _stop_on_signals(service: Service) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, service.stop)
    loop.add_signal_handler(signal.SIGINT, service.stop)


if __name__ == "__main__":
    raise SystemExit(main())
