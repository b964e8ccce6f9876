"""`shadow-middleware divergences`: list them, and show what one is."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from shadow_middleware.cli.divergence_screen import show_divergence, show_list
from shadow_middleware.cli.evidence import check_names, open_store, settings_of
from shadow_middleware.cli.options import (
    ConfigFile,
    JsonOutput,
    OneRoute,
    OneRun,
    OneTarget,
    Since,
    StoreUrl,
    since_of,
)
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.evidence import DivergenceFilter, StoredDivergence

__all__ = ["app"]

app = typer.Typer(
    help="List divergences, and show what one of them is.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_LIST_EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware divergences list --since 1h"
    "\n\n"
    '  shadow-middleware divergences list --route "GET /users/{id}" --limit 100'
)
_SHOW_EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware divergences show 17"
    "\n\n"
    "  shadow-middleware divergences show 3f2a-9c --target shadow --full"
)


@app.command("list", epilog=_LIST_EPILOG)
def list_divergences(
    store: StoreUrl = None,
    config: ConfigFile = None,
    since: Since = None,
    target: OneTarget = None,
    route: OneRoute = None,
    run: OneRun = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="How many, the newest first.")
    ] = 20,
    as_json: JsonOutput = False,
) -> None:
    """List divergences, the newest first: where, and what differs."""
    with open_store(settings_of(store, config), run=run) as opened:
        start = since_of(since, opened.time())
        where = DivergenceFilter(target=target, route=route, since=start)
        if target or route:
            check_names(opened.totals(), target, route)
        found = opened.divergences(where, limit=limit)
        total = opened.count_divergences(where)
    if as_json:
        rows = [_as_json(one) for one in found]
        print_json("divergences", {"total": total, "divergences": rows})
    else:
        show_list(console(), found, total, run)


@app.command("show", epilog=_SHOW_EPILOG)
def show(
    key: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="The number in `divergences list`, or an exchange id or its beginning.",
        ),
    ],
    store: StoreUrl = None,
    config: ConfigFile = None,
    target: OneTarget = None,
    run: OneRun = None,
    full: Annotated[
        bool, typer.Option("--full", help="Also print both answers whole.")
    ] = False,
    as_json: JsonOutput = False,
) -> None:
    """
    Show one divergence: what changed, with both sides, redacted.

    What was redacted before it was stored cannot be shown by anyone.
    """
    with open_store(settings_of(store, config), run=run) as opened:
        # Every id begins with nothing.
        stored = opened.find(key) if key.strip() else []
    found = [one for one in stored if target in (None, one.record.target)]
    if not found:
        raise typer.BadParameter(
            f"no stored divergence{'' if run else ' of live'} has the number or exchange "
            f"id {key!r}; see: shadow-middleware divergences list"
            + (f" --run {run}" if run else ", and --run RUN for an offline replay"),
            param_hint="ID",
        )
    if as_json:
        rows = [_as_json(one) for one in found]
        print_json("divergences", {"total": len(rows), "divergences": rows})
        return
    screen = console()
    for one in found:
        show_divergence(screen, one, full=full)


def _as_json(one: StoredDivergence) -> dict[str, Any]:
    return {"id": one.id, **msgspec.structs.asdict(one.record)}
