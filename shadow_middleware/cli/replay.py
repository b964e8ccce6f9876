"""`shadow-middleware replay`: recorded traffic sent to a shadow, and what came of it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from shadow_middleware.cli.options import (
    ConfigFile,
    JsonOutput,
    StoreUrl,
    methods_of,
    since_of,
)
from shadow_middleware.cli.replaying import How, begin
from shadow_middleware.cli.replaying import resume as resumed
from shadow_middleware.errors import ConfigurationError

if TYPE_CHECKING:
    from shadow_middleware.offline.asked import Asked
    from shadow_middleware.offline.replay import Plan

__all__ = ["EPILOG", "replay"]

EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware replay traffic/ --target http://localhost:9000"
    "\n\n"
    "  shadow-middleware replay day.ndjson.zst --target http://shadow:8000 --speed max"
    "\n\n"
    "  shadow-middleware replay log.ndjson --target http://new:8000 "
    "--control http://old:8000"
    "\n\n"
    "  shadow-middleware replay --resume 3f2a9c10"
    "\n\n"
    "Exit codes: 0 promote · 1 do not promote · 2 usage, configuration or store · "
    "3 not enough evidence, or interrupted"
)


_WITH_RESUME: Final = {
    "resume", "store", "config", "policy", "explain", "as_json", "files",
}  # fmt: skip
"""What can be said of a run that is gone on with; all else is the run's own."""


def replay(
    context: typer.Context,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE...", help="Capture files, directories or globs of them."
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="URL",
            help="Where the shadow is, or the name of a target of the settings.",
        ),
    ] = None,
    control: Annotated[
        str | None,
        typer.Option(
            "--control",
            metavar="URL",
            help="A second copy of the live version: it measures noise, and answers "
            "first where no answer was recorded.",
        ),
    ] = None,
    store: StoreUrl = None,
    config: ConfigFile = None,
    name: Annotated[
        str, typer.Option("--name", metavar="TEXT", help="What to call the run.")
    ] = "",
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods",
            metavar="LIST",
            help="Methods to send, as GET,POST. Left out: as the settings say, which "
            "is GET,HEAD,OPTIONS.",
        ),
    ] = None,
    speed: Annotated[
        str,
        typer.Option(
            "--speed",
            metavar="SPEED",
            help="Of the recorded spacing: 1x, 2x, 0.5x; max goes as fast as it can.",
        ),
    ] = "1x",
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            metavar="N",
            show_default=False,
            help="Exchanges a second, evenly, instead of the recorded spacing.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            min=1,
            show_default=False,
            help="Requests under way at once; a session has one. [default: 32]",
        ),
    ] = None,
    loop: Annotated[
        int, typer.Option("--loop", metavar="N", min=1, help="Replay it all N times.")
    ] = 1,
    sessions: Annotated[
        str | None,
        typer.Option(
            "--sessions",
            metavar="HOW",
            help="What a session keeps of the shadow's own answers: off, cookies, or "
            "rebind for cookies, ids and tokens.",
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Show each value that a session substituted."),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="METHOD", help="Only this method; may be repeated."
        ),
    ] = None,
    path: Annotated[
        list[str] | None,
        typer.Option("--path", metavar="GLOB", help="Only these paths, as /shop/**."),
    ] = None,
    route: Annotated[
        list[str] | None,
        typer.Option(
            "--route", metavar="GLOB", help='Only these routes, as "GET /users/{id}".'
        ),
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            "--status", metavar="LIST", help="Only what live answered so: 200,404,5xx."
        ),
    ] = None,
    session: Annotated[
        str | None,
        typer.Option(
            "--session",
            metavar="KEY",
            help="Only the session of this pseudonym, or of its beginning.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Only what was recorded from then on: 1h, or 2026-01-31T12:00 (UTC).",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Only what was recorded before."),
    ] = None,
    skip: Annotated[
        int, typer.Option("--skip", metavar="N", min=0, help="Leave out the first N.")
    ] = 0,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, help="Replay N at most."),
    ] = None,
    sample: Annotated[
        float,
        typer.Option(
            "--sample",
            metavar="SHARE",
            min=0.0,
            max=1.0,
            help="Share of sessions to replay, 0 to 1; the same ones each time.",
        ),
    ] = 1.0,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="FILE",
            help="A TOML file whose `[verdict]` table says what is asked of the shadow.",
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="RUN",
            help="Go on with a run that was interrupted, as it was asked for: beside it "
            "only --store, --config, --policy, --explain and --json.",
        ),
    ] = None,
    allow_live_host: Annotated[
        bool,
        typer.Option(
            "--allow-live-host",
            help="Replay to the host that the traffic was recorded at.",
        ),
    ] = False,
    as_json: JsonOutput = False,
) -> None:
    """
    Send recorded traffic to a shadow, and compare it with the recorded answers.

    Live is never called. The original spacing is kept unless `--speed` or `--rate` say
    otherwise; a session stays in its order. Writes are left out unless `--methods`
    names them. The results are a run in the store, beside live and never mixed with
    it. Ctrl-C finishes what is under way and reports; a second one stops at once.
    """
    if bool(files) == bool(resume):
        raise typer.BadParameter("name files to replay, or a run to --resume")
    how = How(store, policy, explain, as_json)
    if resume:
        _refuse_beside_resume(context)
        raise typer.Exit(resumed(resume, config, how))
    now = time.time()
    asked = _asked(
        files or [],
        {
            "target": target or "",
            "control": control or "",
            "methods": () if methods is None else methods_of(methods),
            "workers": workers or 0,
            "sessions": sessions or "",
            "config": os.path.abspath(config) if config else None,
            "allow_live_host": allow_live_host,
        },
        _plan(
            speed,
            rate,
            loop,
            {
                "methods": tuple(one.upper() for one in only or ()),
                "paths": tuple(path or ()),
                "routes": tuple(route or ()),
                "statuses": _statuses_of(status),
                "session": session,
                "since": since_of(since, now),
                "until": since_of(until, now, "--until"),
                "skip": skip,
                "limit": limit,
                "sample": sample,
            },
        ),
    )
    raise typer.Exit(begin(asked, name, how))


def _refuse_beside_resume(context: typer.Context) -> None:
    """Refuse what would be ignored: a run goes on as it was asked for."""
    for option in context.command.params:
        name = option.name or ""
        source = context.get_parameter_source(name)
        if name not in _WITH_RESUME and source is not None and source.name != "DEFAULT":
            raise typer.BadParameter(
                "a run goes on as it was begun, so this says nothing beside --resume; "
                "leave it out",
                param_hint=option.opts[0],
            )


def _plan(speed: str, rate: float | None, rounds: int, picks: dict[str, Any]) -> Plan:
    from shadow_middleware.offline.picking import Picks
    from shadow_middleware.offline.replay import Plan

    if rate is not None and not 0 < rate < float("inf"):
        raise typer.BadParameter(
            f"{rate:g} is no rate; write how many a second, as 200",
            param_hint="--rate",
        )
    factor = _speed_of(speed)
    if rate is not None and factor != 1:
        raise typer.BadParameter(
            "a rate stands in the place of the recorded spacing, so --speed says nothing "
            "beside it; leave one of them out",
            param_hint="--rate",
        )
    return Plan(picks=Picks(**picks), speed=factor, rate=rate or 0.0, rounds=rounds)


def _asked(files: Sequence[str], given: dict[str, Any], plan: Plan) -> Asked:
    from shadow_middleware.offline.asked import Asked, sources_of
    from shadow_middleware.traffic.files import capture_files

    paths = [path for source in files for path in capture_files(source)]
    if "-" in paths:
        raise ConfigurationError(
            "standard input can be read once, and a replay reads its files twice: "
            "name a file"
        )
    return Asked(sources=sources_of(paths), plan=plan, **given)


def _speed_of(text: str) -> float:
    if text.strip().lower() == "max":
        return 0.0
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)x?", text.strip().lower())
    if not found or not float(found[1]):
        raise typer.BadParameter(
            f"{text!r} is no speed; write 1x, 2x, 0.5x or max", param_hint="--speed"
        )
    return float(found[1])


def _statuses_of(text: str | None) -> tuple[str, ...]:
    names = [one.strip().lower() for one in (text or "").split(",") if one.strip()]
    for name in names:
        if not re.fullmatch(r"[1-5](\d\d|xx)", name):
            raise typer.BadParameter(
                f"{name!r} is no status; write 200, 404 or 5xx", param_hint="--status"
            )
    return tuple(names)
