"""`shadow-middleware targets`: whether each shadow answers, and who replays to it."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.text import Text

from shadow_middleware.cli.evidence import open_store, settings_of
from shadow_middleware.cli.options import ConfigFile, JsonOutput, StoreUrl
from shadow_middleware.cli.screen import (
    console,
    moment,
    print_json,
    share_text,
    table,
    visible,
)
from shadow_middleware.reading import Reading
from shadow_middleware.report.targets import Breaker, Stated, TargetState

__all__ = ["EPILOG", "targets"]

EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware targets"
    "\n\n"
    "  shadow-middleware targets --config shadow.toml --json"
)
_VERSIONS: Final = 5
_BREAKER: Final = {
    "closed": ("closed", "green"),
    "opened": ("was open for a while", "yellow"),
    "open": ("open: nothing is sent", "bold red"),
    "unknown": ("no replay lately", "bright_black"),
}


def targets(
    store: StoreUrl = None, config: ConfigFile = None, as_json: JsonOutput = False
) -> None:
    """
    Show whether each shadow answers, its circuit breaker, and who replays to it.

    Counts and the breaker are those of the last minutes. Address and rate are what
    the settings here say; other processes may have others.
    """
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        found = Reading(opened, settings).targets()
    if as_json:
        print_json("targets", {"targets": found})
    else:
        _show(console(), found)


def _show(console: Console, found: list[TargetState]) -> None:
    if not found:
        console.print("No target yet: nothing was mirrored to any.")
    for one in found:
        console.print(visible(one.target, "bold"))
        _show_target(console, one)
        console.print()


def _show_target(console: Console, one: TargetState) -> None:
    words, style = _BREAKER[one.breaker.state]
    console.print(Text.assemble(" breaker    ", (words, style)))
    console.print(f" replays    {_replays(one.breaker, one.in_flight)}")
    if one.stated is not None:
        console.print(Text(" address    ") + visible(one.address))
        console.print(f" mirrored   {_mirrored(one.stated)}")
    last = "never" if one.last_at is None else f"{moment(one.last_at)} UTC"
    console.print(f" processes  {one.sessions:,} heard of lately, the last {last}")
    named = [seen for seen in one.versions if seen.version]
    if named:
        rows = table(
            "version", "first seen", "last seen", "replays", right=("replays",)
        )
        for seen in named[:_VERSIONS]:
            first, at = moment(seen.first_minute * 60), moment(seen.last_minute * 60)
            rows.add_row(visible(seen.version), first, at, f"{seen.count:,}")
        console.print(rows)


def _replays(breaker: Breaker, in_flight: int) -> str:
    return (
        f"{breaker.answered:,} answered, {breaker.failed:,} failed, "
        f"{breaker.not_sent:,} not sent; {in_flight:,} in flight"
    )


def _mirrored(stated: Stated) -> str:
    return f"{share_text(stated.rate)} of requests" if stated.enabled else "nothing"
