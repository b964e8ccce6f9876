"""`shadow-middleware watch`: the evidence on screens that stay fresh."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from shadow_middleware.cli.evidence import open_store, settings_of
from shadow_middleware.cli.options import ConfigFile, Since, StoreUrl, since_of
from shadow_middleware.cli.verdict_policy import policy_of
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.reading import Reading, Triage

__all__ = ["EPILOG", "watch"]

EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware watch"
    "\n\n"
    "  shadow-middleware watch --store sqlite:///evidence.db --since 24h --interval 2"
)


def watch(
    store: StoreUrl = None,
    config: ConfigFile = None,
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

    It reads the store again and again. Where the store is away, what was read last
    stays, with a banner that says since when. Press ? for the keys, q to quit.
    """
    # Here, because the screens are an extra: what is missing has to say so.
    from shadow_middleware.tui.app import WatchApp
    from shadow_middleware.tui.stored import StoreSource

    since_of(since, time.time())
    policy = policy_of(None, config, {})
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise ConfigurationError(
                "watch needs a terminal; shadow-middleware report prints the same"
            )
        source = StoreSource(
            Reading(opened, settings, policy),
            Triage(opened, settings),
            lambda: since_of(since, time.time()),
        )
        WatchApp(source, interval).run()
