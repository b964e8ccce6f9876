"""`shadow-middleware verdict`: promote, do not, or not enough evidence."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from shadow_middleware.cli.evidence import holdings, judged, open_store, settings_of
from shadow_middleware.cli.options import (
    ConfigFile,
    Format,
    JsonOutput,
    OneRoute,
    OneRun,
    OneTarget,
    Since,
    StoreUrl,
    format_of,
    since_of,
)
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.cli.verdict_policy import policy_of
from shadow_middleware.cli.verdict_screen import show_verdict
from shadow_middleware.cli.waiting import Wait, wait_for_evidence
from shadow_middleware.report.junit import junit_of
from shadow_middleware.report.markdown import markdown_of
from shadow_middleware.report.verdict import Ruling, Verdict
from shadow_middleware.report.verdict import verdict as judge

__all__ = ["EPILOG", "EXIT_CODES", "verdict"]

EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware verdict --since 24h"
    "\n\n"
    "  shadow-middleware verdict --policy shadow.toml --format markdown"
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


def verdict(
    store: StoreUrl = None,
    config: ConfigFile = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="FILE",
            help="A TOML file whose `[verdict]` table says what is asked; options "
            "stand above it. Left out: that table of the configuration file.",
        ),
    ] = None,
    since: Since = None,
    target: OneTarget = None,
    route: OneRoute = None,
    run: OneRun = None,
    shadow_version: Annotated[
        str | None,
        typer.Option(
            "--shadow-version",
            metavar="NAME",
            help="The version to judge. Left out: the one seen last.",
        ),
    ] = None,
    all_versions: Annotated[
        bool,
        typer.Option("--all-versions", help="Judge all versions of it together."),
    ] = False,
    minimum_rate: Annotated[
        float | None,
        typer.Option(
            "--min-rate",
            metavar="SHARE",
            help="Share of decided replays that must agree; the lower bound has to "
            "reach it. [default: 0.99]",
        ),
    ] = None,
    minimum_evidence: Annotated[
        int | None,
        typer.Option(
            "--min-evidence",
            metavar="N",
            help="Decided replays below which nothing is said. [default: 100]",
        ),
    ] = None,
    minimum_route_evidence: Annotated[
        int | None,
        typer.Option(
            "--min-route-evidence",
            metavar="N",
            help="Decided replays from which a route can fail alone; 0: never. "
            "[default: 30]",
        ),
    ] = None,
    minimum_coverage: Annotated[
        float | None,
        typer.Option(
            "--min-coverage",
            metavar="SHARE",
            help="Share of replays that must be decided, not dropped or incomparable. "
            "[default: 0.5]",
        ),
    ] = None,
    maximum_noise: Annotated[
        float | None,
        typer.Option(
            "--max-noise",
            metavar="SHARE",
            help="Largest share of noise among the decided replays. [default: 1]",
        ),
    ] = None,
    freshness: Annotated[
        str | None,
        typer.Option(
            "--freshness",
            metavar="TIME",
            help="Age beyond which evidence does not count, as 24h or 7d. "
            "[default: any]",
        ),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(
            "--confidence",
            metavar="SHARE",
            help="Confidence of the bounds, however often one looks. [default: 0.95]",
        ),
    ] = None,
    wait: Wait = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="How to print it. [default: text]"),
    ] = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Say whether the shadow may be promoted: exit code 0 yes, 1 no, 3 not known yet.

    Matches and noise count for the shadow; divergences, errors, time-outs and an open
    circuit breaker count against it. Live errors and skipped replays say nothing.
    Dropped and incomparable ones lower the coverage. Groups that are ignored, and
    what was learned to be noise since, count as noise.
    """
    chosen = format_of(form, as_json)
    if all_versions and shadow_version is not None:
        raise typer.BadParameter(
            "says one version, and --all-versions all; leave one of them out",
            param_hint="--shadow-version",
        )
    asked = policy_of(
        policy,
        config,
        {
            "minimum_rate": ("--min-rate", minimum_rate),
            "minimum_evidence": ("--min-evidence", minimum_evidence),
            "minimum_route_evidence": ("--min-route-evidence", minimum_route_evidence),
            "minimum_coverage": ("--min-coverage", minimum_coverage),
            "maximum_noise": ("--max-noise", maximum_noise),
            "freshness": ("--freshness", freshness),
            "confidence": ("--confidence", confidence),
        },
    )
    settings = settings_of(store, config)
    wait_for_evidence(settings, wait, run)
    with open_store(settings, run=run) as opened:
        start = _start(since, asked.freshness_seconds, opened.time())
        held = holdings(opened, start, target, route, settings)
        held = judged(
            opened, held, start, version=shadow_version, all_versions=all_versions
        )
    found = judge(held, asked)
    _print(found, chosen, start)
    raise typer.Exit(EXIT_CODES[found.ruling])


def _start(since: str | None, freshness: float | None, now: float) -> float | None:
    """Return from when on evidence counts: the later of what was asked for."""
    asked = since_of(since, now)
    if freshness is None:
        return asked
    return now - freshness if asked is None else max(asked, now - freshness)


def _print(found: Verdict, form: Format, start: float | None) -> None:
    code = EXIT_CODES[found.ruling]
    match form:
        case Format.JSON:
            fields = msgspec.structs.asdict(found)
            print_json("verdict", {"since": start, "exit_code": code, **fields})
        case Format.MARKDOWN:
            typer.echo(markdown_of(found), nl=False)
        case Format.JUNIT:
            typer.echo(junit_of(found), nl=False)
        case Format.TEXT:
            show_verdict(console(), found)
