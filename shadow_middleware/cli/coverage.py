"""`shadow-middleware coverage`: what of the app was put to the test, and what not."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from shadow_middleware.cli.coverage_screen import show_coverage
from shadow_middleware.cli.evidence import check_names, open_store, settings_of
from shadow_middleware.cli.options import (
    ConfigFile,
    JsonOutput,
    OneTarget,
    Since,
    StoreUrl,
    since_of,
)
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.reading import Reading
from shadow_middleware.report.coverage import Coverage, TargetCoverage

__all__ = ["EPILOG", "coverage"]

EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware coverage"
    "\n\n"
    "  shadow-middleware coverage --since 7d --enough 100 --limit 50"
)


def coverage(
    store: StoreUrl = None,
    config: ConfigFile = None,
    since: Since = None,
    target: OneTarget = None,
    enough: Annotated[
        int,
        typer.Option(
            "--enough",
            min=1,
            metavar="N",
            help="Decided replays from which on a route counts as exercised.",
        ),
    ] = 1,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="How many gaps to show.")
    ] = 20,
    as_json: JsonOutput = False,
) -> None:
    """
    Show which routes were put to the test, and which were not.

    Three things meet here: the routes that the app's own router lists, what live
    traffic used (by route and class of status, mirrored or not), and the replays that
    were decided. A route that was never exercised is no evidence. Uses are kept by the
    day, so `--since` takes the whole of its first day.
    """
    with open_store(settings_of(store, config)) as opened:
        start = since_of(since, opened.time())
        if target:
            check_names(opened.totals(), target)
        found = Reading(opened).coverage(start, target=target, enough=enough)
    if as_json:
        print_json("coverage", {"since": start, "enough": enough, **_plain(found)})
    else:
        show_coverage(console(), found, limit)


def _plain(found: Coverage) -> dict[str, Any]:
    """Return all of it, the shares of each target as well."""
    targets = [_target(one) for one in found.targets]
    return {**msgspec.structs.asdict(found), "targets": targets}


def _target(one: TargetCoverage) -> dict[str, Any]:
    shares = {"route_share": one.route_share, "traffic_share": one.traffic_share}
    return {**msgspec.structs.asdict(one), **shares}
