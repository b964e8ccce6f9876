"""`shadow-middleware switch`: stops all copies to all targets, and begins again."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from shadow_middleware.cli.evidence import open_store, settings_of
from shadow_middleware.cli.options import ConfigFile, JsonOutput, StoreUrl
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.cli.targets_screen import show_switch
from shadow_middleware.cli.targets_set import who
from shadow_middleware.reading import Steering

__all__ = ["EPILOG", "switch"]

EPILOG = (
    "Examples:"
    "\n\n"
    '  shadow-middleware switch off --reason "incident 7"'
    "\n\n"
    "  shadow-middleware switch on"
    "\n\n"
    "  shadow-middleware switch"
)


class Turn(enum.StrEnum):
    """How the switch can be."""

    ON = "on"
    OFF = "off"


def switch(
    turn: Annotated[
        Turn | None,
        typer.Argument(help="Left out: only say how it is.", show_default=False),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for all to see.")
    ] = "",
    store: StoreUrl = None,
    config: ConfigFile = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Stop all copies to all targets on every host, or have them made again.

    Off, requests are not even captured: agents tell their apps within two seconds. What
    is under way still ends. Single targets are disabled with `targets disable`.
    """
    if turn is None and reason:
        raise typer.BadParameter("say on or off", param_hint="--reason")
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        if turn is None:
            found = opened.targets_state().switch
        else:
            steering = Steering(opened, settings)
            found = steering.turn(on=turn is Turn.ON, reason=reason, by=who())
    if as_json:
        print_json("switch", {"switch": found})
    else:
        show_switch(console(), found)
