"""`shadow-middleware purge`: removes old evidence, and what was learned long ago."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from shadow_middleware.cli.evidence import open_store, settings_of
from shadow_middleware.cli.options import (
    ConfigFile,
    JsonOutput,
    StoreUrl,
    bytes_of,
    seconds_of,
)
from shadow_middleware.cli.progress import busy
from shadow_middleware.cli.screen import print_json
from shadow_middleware.errors import StoreError
from shadow_middleware.evidence import Purged
from shadow_middleware.retention import Keep
from shadow_middleware.settings import Settings

if TYPE_CHECKING:
    from shadow_middleware.store.sql import SqlStore

__all__ = ["EPILOG", "purge"]

EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware purge --older-than 30d"
    "\n\n"
    "  shadow-middleware purge --keep 10000 --keep-bytes 4GiB"
    "\n\n"
    "  shadow-middleware purge --configured"
)

LEASE: Final = 60.0
"""Seconds after which agents take over where this process has died."""

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
    keep_bytes: Annotated[
        str | None,
        typer.Option(
            "--keep-bytes",
            metavar="SIZE",
            help="Keep only the newest divergences that weigh no more than this "
            "(500MB, 4GiB).",
        ),
    ] = None,
    configured: Annotated[
        bool,
        typer.Option(
            "--configured",
            help="Remove what the settings store_keep_* do not allow, as every agent "
            "does by itself once a minute.",
        ),
    ] = False,
    as_json: JsonOutput = False,
) -> None:
    """
    Remove old evidence, by age, by number, by weight, or as configured.

    It is done in short transactions, so agents write on meanwhile. What went is said
    at the end of every report.
    """
    asked = (older_than, keep, keep_bytes)
    if configured == any(one is not None for one in asked):
        raise typer.BadParameter(
            "say what may go: --older-than 30d, --keep 10000, --keep-bytes 4GiB, or "
            "several of them; or --configured alone"
        )
    most = None if keep_bytes is None else bytes_of(keep_bytes, "--keep-bytes")
    age = None if older_than is None else seconds_of(older_than, "--older-than")
    settings = settings_of(store, config)
    with open_store(settings) as opened, busy("Removing old evidence"):
        if configured:
            removed = _as_configured(opened, settings)
        else:
            before = None if age is None else opened.time() - age
            removed = opened.purge(before, keep, most)
    _show(removed, as_json=as_json)


def _as_configured(opened: SqlStore, settings: Settings) -> Purged:
    """Remove what the settings do not allow, unless an agent is at it."""
    holder = f"purge {uuid.uuid4().hex}"
    if not opened.lease_retention(holder, LEASE):
        raise StoreError(
            f"another process removes old evidence right now; it may take {LEASE:.0f} "
            "seconds to be noticed where it has died"
        )
    try:
        return opened.retain(Keep.of(settings))
    finally:
        opened.leave_retention(holder)


def _show(removed: Purged, *, as_json: bool) -> None:
    counts = msgspec.structs.asdict(removed)
    if as_json:
        print_json("purge", {"removed": counts})
        return
    rows = ", ".join(f"{n:,} {WORDS.get(name, name)}" for name, n in counts.items())
    typer.echo(f"Removed rows: {rows}")
