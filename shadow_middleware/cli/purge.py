"""`shadow-middleware purge`: removes old evidence."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
import typer

from shadow_middleware.cli.evidence import open_store
from shadow_middleware.cli.options import (
    ConfigFile,
    JsonOutput,
    StoreUrl,
    seconds_of,
)
from shadow_middleware.cli.screen import print_json

__all__ = ["EPILOG", "purge"]

EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware purge --older-than 30d"
    "\n\n"
    "  shadow-middleware purge --keep 10000"
)


def purge(
    store: StoreUrl = None,
    config: ConfigFile = None,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than",
            metavar="TIME",
            help="Remove counts, latencies and divergences older than this: 12h, 30d.",
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep",
            metavar="N",
            min=0,
            help="Keep only the newest N divergences; counts stay.",
        ),
    ] = None,
    as_json: JsonOutput = False,
) -> None:
    """Remove old evidence, by age, by number, or both."""
    if older_than is None and keep is None:
        raise typer.BadParameter(
            "say what may go: --older-than 30d, --keep 10000, or both"
        )
    before = None
    if older_than is not None:
        before = time.time() - seconds_of(older_than, "--older-than")
    with open_store(store, config) as opened:
        removed = opened.purge(before, keep)
    counts = msgspec.structs.asdict(removed)
    if as_json:
        print_json("purge", {"removed": counts})
        return
    rows = ", ".join(f"{n:,} {name}" for name, n in counts.items())
    typer.echo(f"Removed rows: {rows}")
