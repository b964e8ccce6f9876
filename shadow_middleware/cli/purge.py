"""`shadow-middleware purge`: removes old evidence, and what was learned long ago."""

from __future__ import annotations

import time
from typing import Annotated, Final

import msgspec
import typer

from shadow_middleware.cli.evidence import open_store, settings_of
from shadow_middleware.cli.options import (
    ConfigFile,
    JsonOutput,
    StoreUrl,
    seconds_of,
)
from shadow_middleware.cli.progress import busy
from shadow_middleware.cli.screen import print_json

__all__ = ["EPILOG", "purge"]

EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware purge --older-than 30d"
    "\n\n"
    "  shadow-middleware purge --keep 10000"
)

WORDS: Final = {
    "samples": "samples of groups",
    "noise": "counts of noise",
    "rule_hits": "hits of rules",
    "uses": "uses of routes",
}
"""What rows are called where the name of their field says too little."""


def purge(
    store: StoreUrl = None,
    config: ConfigFile = None,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than",
            metavar="TIME",
            help="Remove what is older than this (12h, 30d): counts, latencies, "
            "divergences, and what was learned: noise, groups, hits of rules, uses "
            "of routes. What a person decided stays, and so do rules and routes.",
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep",
            metavar="N",
            min=0,
            help="Keep only the newest N divergences, and their samples in groups; "
            "all else stays.",
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
    with (
        open_store(settings_of(store, config)) as opened,
        busy("Removing old evidence"),
    ):
        removed = opened.purge(before, keep)
    counts = msgspec.structs.asdict(removed)
    if as_json:
        print_json("purge", {"removed": counts})
        return
    rows = ", ".join(f"{n:,} {WORDS.get(name, name)}" for name, n in counts.items())
    typer.echo(f"Removed rows: {rows}")
