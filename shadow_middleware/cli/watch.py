"""`shadow-middleware watch`: the evidence on screens that stay fresh."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from shadow_middleware.cli.dashboard import TOKEN
from shadow_middleware.cli.evidence import open_store, settings_of
from shadow_middleware.cli.options import ConfigFile, Since, StoreUrl, since_of
from shadow_middleware.cli.verdict_policy import policy_of
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.reading import Reading, Triage

if TYPE_CHECKING:
    from shadow_middleware.tui.source import Source

__all__ = ["EPILOG", "watch"]

EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware watch"
    "\n\n"
    "  shadow-middleware watch --store sqlite:///evidence.db --since 24h --interval 2"
    "\n\n"
    "  shadow-middleware watch --url https://shop.example/shadow"
)
_Start = Callable[[], float | None]


def watch(
    store: StoreUrl = None,
    config: ConfigFile = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="Read from the API of a dashboard instead of a store, such as "
            "http://127.0.0.1:8765, with the prefix it is below.",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            metavar="TOKEN",
            help=f"What that dashboard knows us by. Left out: {TOKEN}, or it is asked "
            "for. Other people on this machine can see what a command was given.",
        ),
    ] = None,
    since: Since = None,
    interval: Annotated[
        float,
        typer.Option(
            "--interval",
            metavar="SECONDS",
            min=0.5,
            help="Seconds between two readings.",
        ),
    ] = 5.0,
) -> None:
    """
    Watch the evidence in the terminal: overview, groups, divergences, routes, noise.

    It reads the store, or the API of a dashboard elsewhere, again and again. Where that
    is away, what was read last stays, with a banner that says since when. Press ? for
    the keys, q to quit.
    """
    # Here, because the screens are an extra: what is missing has to say so.
    from shadow_middleware.tui.app import WatchApp

    since_of(since, time.time())
    if url is None and token is not None:
        raise typer.BadParameter(
            "is for the API of a dashboard; name it with --url", param_hint="--token"
        )

    def start() -> float | None:
        return since_of(since, time.time())

    opened = (
        _stored(store, config, since)
        if url is None
        else _remote(url, token, start, store or config)
    )
    with opened as source:
        if not _is_terminal():
            raise ConfigurationError(
                "watch needs a terminal; shadow-middleware report prints the same"
            )
        WatchApp(source, interval).run()


@contextmanager
def _stored(
    store: str | None, config: str | None, since: str | None
) -> Iterator[Source]:
    from shadow_middleware.tui.stored import StoreSource

    policy = policy_of(None, config, {})
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        reading = Reading(opened, settings, policy)
        triage = Triage(opened, settings)
        yield StoreSource(reading, triage, lambda: since_of(since, opened.time()))


@contextmanager
def _remote(
    url: str, token: str | None, start: _Start, other: str | None
) -> Iterator[Source]:
    from shadow_middleware.tui.client import ApiClient
    from shadow_middleware.tui.remote import ApiSource

    if other is not None:
        raise typer.BadParameter(
            "reads from a dashboard, which has a store and a policy of its own; leave "
            "out --store and --config",
            param_hint="--url",
        )
    client = ApiClient(url, _token(token))
    client.check()  # a mistyped address is said here, and not by every screen
    yield ApiSource(client, start)


def _token(given: str | None) -> str:
    known = given or os.environ.get(TOKEN, "")
    if known:
        return known
    if not _is_terminal():
        raise ConfigurationError(f"no token is given: set {TOKEN}, or use --token")
    asked: str = typer.prompt("Token of the dashboard", hide_input=True)
    return asked.strip()


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
