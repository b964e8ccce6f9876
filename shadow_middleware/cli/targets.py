"""`shadow-middleware targets`: how each shadow stands, and what is set of it at run time."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from shadow_middleware.cli.evidence import open_store, settings_of
from shadow_middleware.cli.options import ConfigFile, JsonOutput, StoreUrl
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.cli.targets_screen import show_targets
from shadow_middleware.cli.targets_serve import EPILOG as SERVING
from shadow_middleware.cli.targets_serve import serve
from shadow_middleware.cli.targets_set import (
    EPILOGS,
    add,
    change,
    disable,
    enable,
    remove,
)
from shadow_middleware.reading import Reading

__all__ = ["app"]


class _ListByDefault(TyperGroup):
    """Lists where no other command is named, as `targets` did before it had any."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        asks_help = args and args[0] in ("-h", "--help", "--show-completion")
        if not args or (args[0].startswith("-") and not asks_help):
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ListByDefault,
    help="Targets: how each stands, and what is set of it at run time, for all hosts.",
    epilog=(
        "Without a command they are listed."
        "\n\n"
        "What is set is in the store, so every agent follows within two seconds and "
        "live is not touched. Stop all of them with:  shadow-middleware switch off"
    ),
    rich_markup_mode="markdown",
)


@app.command(
    "list",
    epilog=(
        "Examples:\n\n  shadow-middleware targets\n\n"
        "  shadow-middleware targets list --config shadow.toml --json"
    ),
)
def list_targets(
    store: StoreUrl = None, config: ConfigFile = None, as_json: JsonOutput = False
) -> None:
    """
    List targets: whether each gets copies, what was set of it, and whether it answers.

    Counts and the breaker are those of the last minutes. Address and rate are what
    holds by the settings here and the store; other processes may have other settings.
    """
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        reading = Reading(opened, settings)
        found, switch = reading.targets(), reading.switch()
    if as_json:
        print_json("targets", {"targets": found, "switch": switch})
    else:
        show_targets(console(), found, switch)


app.command("add", epilog=EPILOGS["add"])(add)
app.command("set", epilog=EPILOGS["set"])(change)
app.command("enable", epilog=EPILOGS["enable"])(enable)
app.command("disable", epilog=EPILOGS["disable"])(disable)
app.command("remove", epilog=EPILOGS["remove"])(remove)
app.command("serve", epilog=SERVING)(serve)
