"""`shadow-middleware report`: totals, groups, routes, latency."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from shadow_middleware.cli.evidence import holdings, open_store, settings_of
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
from shadow_middleware.cli.report_screen import show_report
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.cli.waiting import Wait, wait_for_evidence
from shadow_middleware.report.gone import gone_text
from shadow_middleware.report.summary import summarise
from shadow_middleware.report.times import seconds_in

__all__ = ["EPILOG", "report"]

EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware report"
    "\n\n"
    "  shadow-middleware report --since 1h --target shadow"
    "\n\n"
    "  shadow-middleware report --json > report.json"
)


def report(
    store: StoreUrl = None,
    config: ConfigFile = None,
    since: Since = None,
    target: OneTarget = None,
    route: OneRoute = None,
    run: OneRun = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="How many groups of divergences.")
    ] = 10,
    wait: Wait = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Show what the shadow did: totals, groups, routes, latency.

    Every request that was selected for mirroring is in one outcome: match, noise,
    divergence, shadow_error, timeout, live_error, incomparable, skipped or dropped.
    They count as what is known today makes of them: ignored groups and what was
    learned to be noise since count as noise.
    """
    settings = settings_of(store, config)
    wait_for_evidence(settings, wait, run)
    with open_store(settings, run=run) as opened:
        start = since_of(since, opened.time())
        held = holdings(opened, start, target, route, settings)
        # Of a run nothing goes but all of it.
        removed = [] if run else opened.removals()
        span = opened.span()
    summary = summarise(held, top=limit)
    if as_json:
        found = {"since": start, **msgspec.structs.asdict(summary), "removed": removed}
        print_json("report", found)
    else:
        period = f"run {run}" if run and since is None else period_of(since)
        gone = gone_text(removed, target, span[0] * 60.0 if span else 0.0)
        show_report(console(), summary, period, gone)


def period_of(since: str | None) -> str:
    """Return in words what time `--since` covers."""
    if since is None:
        return "since the beginning"
    return f"since {since}" if seconds_in(since) is None else f"in the last {since}"
