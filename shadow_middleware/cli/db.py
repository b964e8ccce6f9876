"""`shadow-middleware db`: the store's tables."""

from __future__ import annotations

import typer

from shadow_middleware.cli.evidence import settings_of
from shadow_middleware.cli.options import ConfigFile, JsonOutput, StoreUrl
from shadow_middleware.cli.screen import print_json
from shadow_middleware.errors import ConfigurationError

__all__ = ["app"]

app = typer.Typer(
    help="Prepare and upgrade the store's tables.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_EPILOG = (
    "Example:\n\n  shadow-middleware db upgrade --store postgresql://user@host/shadow"
)


@app.command("upgrade", epilog=_EPILOG)
def upgrade(
    store: StoreUrl = None, config: ConfigFile = None, as_json: JsonOutput = False
) -> None:
    """
    Create the tables, or bring them to the form that this version knows.

    Writers do so by themselves; run it to do it ahead of time, or with another role.
    """
    from shadow_middleware.store import upgrade as schema

    url = settings_of(store, config).store_url
    if not url:
        raise ConfigurationError(
            "store_url is empty, so there is nothing to upgrade; use --store URL"
        )
    before, now = schema.upgrade(url)
    if as_json:
        print_json("db-upgrade", {"before": before, "now": now})
    elif before == now:
        typer.echo(f"The tables are up to date: {now}.")
    else:
        typer.echo(f"Upgraded the tables from {before or 'nothing'} to {now}.")
