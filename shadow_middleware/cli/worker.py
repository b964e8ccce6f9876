"""`shadow-middleware worker`: replays what agents publish to a broker."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shadow_middleware.cli.options import ConfigFile, StoreUrl
from shadow_middleware.cli.worker_screen import Screen
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.logs import JsonFormatter
from shadow_middleware.settings import Settings, load

if TYPE_CHECKING:
    from shadow_middleware.worker.worker import Worker

__all__ = ["EPILOG", "worker"]

EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware worker --config shadow.toml"
    "\n\n"
    "  shadow-middleware worker --broker nats://broker:4222 "
    "--target http://canary:8000 --store postgresql://shadow@db/shadow"
    "\n\n"
    "  shadow-middleware worker --config shadow.toml --json --interval 10"
)


def worker(
    config: ConfigFile = None,
    broker: Annotated[
        str | None,
        typer.Option(
            "--broker",
            metavar="URL",
            help="Where exchanges wait: nats://HOST:4222. Left out: broker_url of the "
            "settings. A password belongs into the settings: a command line can be seen.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="URL",
            help="The shadow, named 'shadow'. Left out: the targets of the settings.",
        ),
    ] = None,
    store: StoreUrl = None,
    imports: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            metavar="MODULE",
            help="A Python module to import first, such as one that subscribes to "
            "signals: they are sent where replays end, which is here. May be repeated.",
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print a line of JSON at each interval, and one at the end."
        ),
    ] = False,
    interval: Annotated[
        float,
        typer.Option(
            "--interval",
            metavar="SECONDS",
            min=0.2,
            help="Seconds between two lines of status.",
        ),
    ] = 5.0,
) -> None:
    """
    Replay what agents have published to a broker; on as many hosts as you like.

    Agents publish where their settings have a broker_url; give workers the same
    settings. Workers share the stream's partitions by themselves: start one more and it
    gets its part, stop or kill one and the others take over what it had. Requests of one
    key are replayed in their order, whoever replays them, and no write is sent twice.

    Ctrl-C or SIGTERM finishes what is under way and hands the rest on; a second Ctrl-C
    leaves at once.
    """
    given = {"broker_url": broker, "shadow_url": target, "store_url": store}
    overrides = {name: value for name, value in given.items() if value is not None}
    settings = _settings(overrides, config)
    _import(imports or [])
    _log(settings, as_json)
    raise typer.Exit(_run(settings, Screen(as_json), interval))


def _settings(overrides: dict[str, str], config: str | None) -> Settings:
    """Return the settings; what a worker lacks is said in a worker's words."""
    place = "command line"
    settings = load(overrides, config=config, source=place, require_target=False)
    if not settings.broker_url:
        raise ConfigurationError(
            "there is no broker to take from: name one with --broker nats://HOST:4222, "
            "or set broker_url"
        )
    if not (settings.all_targets or settings.target_allow):
        raise ConfigurationError(
            "there is no shadow to replay to: name one with --target URL, or set shadow_url"
        )
    return load(overrides, config=config, source=place)


def _import(modules: list[str]) -> None:
    # As `python -m` does: what lies in the working directory can be named.
    if modules and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ConfigurationError(f"--import {name}: {error}") from None


def _log(settings: Settings, as_json: bool) -> None:
    logging.basicConfig(
        level=logging.INFO if as_json or not sys.stderr.isatty() else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    for name in ("httpx", "httpcore", "asyncio", "alembic", "nats"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if settings.log_format == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonFormatter())


def _run(settings: Settings, screen: Screen, interval: float) -> int:
    from shadow_middleware.loops import run_punctually
    from shadow_middleware.worker.worker import Worker

    async def work() -> int:
        one = Worker(settings)
        stopped = _listen(one, screen)
        showing = asyncio.get_running_loop().create_task(_show(one, screen, interval))
        began = time.monotonic()
        try:
            await one.run()
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
            screen.close()
        screen.end(await one.status(), time.monotonic() - began)
        return 130 if stopped() > 1 else 0

    return run_punctually(work())


def _listen(one: Worker, screen: Screen) -> Callable[[], int]:
    """Let the first signal finish what is under way, and the second leave at once."""
    times = 0

    def stop() -> None:
        nonlocal times
        times += 1
        if times > 2:
            os._exit(130)  # it was asked for three times: nothing is waited for
        screen.note(
            "finishing what is under way; Ctrl-C again leaves at once"
            if times == 1
            else "leaving at once; others do over what was not written"
        )
        one.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return lambda: times


async def _show(one: Worker, screen: Screen, interval: float) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            screen.show(await one.status())
            await asyncio.sleep(interval)
