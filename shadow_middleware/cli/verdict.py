"""`shadow-middleware verdict`: promote, do not, or not enough evidence."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
import typer

from shadow_middleware.cli.evidence import holdings, open_store
from shadow_middleware.cli.options import (
    ConfigFile,
    JsonOutput,
    OneRoute,
    OneTarget,
    Since,
    StoreUrl,
    since_of,
)
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.cli.verdict_screen import show_verdict
from shadow_middleware.report.verdict import Criteria, Ruling
from shadow_middleware.report.verdict import verdict as judge

__all__ = ["EPILOG", "EXIT_CODES", "verdict"]

EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware verdict --since 24h"
    "\n\n"
    "  shadow-middleware verdict --min-rate 0.999 --min-evidence 5000"
    "\n\n"
    "  shadow-middleware verdict --json && ./promote.sh"
    "\n\n"
    "Exit codes: 0 promote · 1 do not promote · 2 usage, configuration or store · "
    "3 not enough evidence"
)
EXIT_CODES = {
    Ruling.PROMOTE: 0,
    Ruling.DO_NOT_PROMOTE: 1,
    Ruling.NOT_ENOUGH_EVIDENCE: 3,
}
_ASKED = Criteria()


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise typer.BadParameter(f"{value} is no share; write 0 to 1, such as 0.99")
    return value


def _confidence(value: float) -> float:
    if not 0.5 <= value < 1:
        raise typer.BadParameter(f"{value} is not from 0.5 to below 1, such as 0.95")
    return value


def verdict(
    store: StoreUrl = None,
    config: ConfigFile = None,
    since: Since = None,
    target: OneTarget = None,
    route: OneRoute = None,
    minimum_rate: Annotated[
        float,
        typer.Option(
            "--min-rate",
            metavar="SHARE",
            callback=_share,
            help="Share of decided replays that must agree; the lower bound of the "
            "interval has to reach it.",
        ),
    ] = _ASKED.minimum_rate,
    minimum_evidence: Annotated[
        int,
        typer.Option(
            "--min-evidence",
            metavar="N",
            min=1,
            help="Decided replays below which nothing is said.",
        ),
    ] = _ASKED.minimum_evidence,
    minimum_route_evidence: Annotated[
        int,
        typer.Option(
            "--min-route-evidence",
            metavar="N",
            min=0,
            help="Decided replays from which a route is judged alone; 0: never.",
        ),
    ] = _ASKED.minimum_route_evidence,
    minimum_coverage: Annotated[
        float,
        typer.Option(
            "--min-coverage",
            metavar="SHARE",
            callback=_share,
            help="Share of replays that must be decided, not dropped or incomparable.",
        ),
    ] = _ASKED.minimum_coverage,
    confidence: Annotated[
        float,
        typer.Option(
            "--confidence",
            metavar="SHARE",
            callback=_confidence,
            help="Confidence of the Wilson interval.",
        ),
    ] = _ASKED.confidence,
    as_json: JsonOutput = False,
) -> None:
    """
    Say whether the shadow may be promoted: exit code 0 yes, 1 no, 3 not known yet.

    Matches and noise count for the shadow; divergences, errors, time-outs and an open
    circuit breaker count against it. Live errors and skipped replays say nothing.
    Dropped and incomparable ones lower the coverage.
    """
    criteria = Criteria(
        minimum_rate=minimum_rate,
        minimum_evidence=minimum_evidence,
        minimum_route_evidence=minimum_route_evidence,
        minimum_coverage=minimum_coverage,
        confidence=confidence,
    )
    start = since_of(since, time.time())
    with open_store(store, config) as opened:
        held = holdings(opened, start, target, route)
    found = judge(held.totals, criteria)
    if as_json:
        code = EXIT_CODES[found.ruling]
        fields = msgspec.structs.asdict(found)
        print_json("verdict", {"since": start, "exit_code": code, **fields})
    else:
        show_verdict(console(), found)
    raise typer.Exit(EXIT_CODES[found.ruling])
