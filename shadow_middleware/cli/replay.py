"""`shadow-middleware replay`: recorded traffic sent to a shadow, and what came of it."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from shadow_middleware.cli.evidence import holdings, judged
from shadow_middleware.cli.options import ConfigFile, JsonOutput, StoreUrl, since_of
from shadow_middleware.cli.progress import busy
from shadow_middleware.cli.recheck import moved
from shadow_middleware.cli.replay_screen import (
    Explained,
    progress_of,
    show_beginning,
    show_end,
)
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.cli.verdict import EXIT_CODES
from shadow_middleware.cli.verdict_policy import policy_of
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.evidence import Run, RunState
from shadow_middleware.report.summary import Summary, summarise
from shadow_middleware.report.verdict import Verdict
from shadow_middleware.report.verdict import verdict as judge
from shadow_middleware.settings import Settings, load

if TYPE_CHECKING:
    from shadow_middleware.offline.asked import Asked
    from shadow_middleware.offline.conduct import Conduct, RunStore
    from shadow_middleware.offline.replay import Progress
    from shadow_middleware.offline.survey import Survey

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
_FRESH = 30.0
"""Seconds without a word after which a run is taken for dead."""

Many = Annotated[list[str] | None, typer.Option()]


def replay(
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
        float,
        typer.Option(
            "--rate",
            metavar="N",
            min=0.0,
            help="Exchanges a second, evenly, instead of the recorded spacing.",
        ),
    ] = 0.0,
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            metavar="N",
            min=0,
            help="Requests under way at once; a session has one. [default: 32]",
        ),
    ] = 0,
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
            help="Go on with a run that was interrupted; nothing else is to be said.",
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
    if resume:
        raise typer.Exit(_resume(resume, store, config, policy, explain, as_json))
    asked = _asked(
        files or [],
        {
            "target": target or "",
            "control": control or "",
            "methods": _methods_of(methods),
            "workers": workers,
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
                "since": _time_of(since, "--since"),
                "until": _time_of(until, "--until"),
                "skip": skip,
                "limit": limit,
                "sample": sample,
            },
        ),
    )
    raise typer.Exit(_begin(asked, name, store, policy, explain, as_json))


def _plan(speed: str, rate: float, rounds: int, picks: dict[str, Any]) -> Any:
    from shadow_middleware.offline.picking import Picks
    from shadow_middleware.offline.replay import Plan

    return Plan(picks=Picks(**picks), speed=_speed_of(speed), rate=rate, rounds=rounds)


def _asked(files: Sequence[str], given: dict[str, Any], plan: Any) -> Asked:
    from shadow_middleware.offline.asked import Asked, sources_of
    from shadow_middleware.traffic.files import capture_files

    paths = [path for source in files for path in capture_files(source)]
    if "-" in paths:
        raise ConfigurationError(
            "standard input can be read once, and a replay reads its files twice: "
            "name a file"
        )
    return Asked(sources=sources_of(paths), plan=plan, **given)


def _settings(asked: Asked, store: str | None) -> Settings:
    """Return the settings of a run: one target, and what was asked for."""
    given: dict[str, Any] = {
        "store_url": store,
        "control_url": asked.control or None,
        "concurrency": asked.workers or None,
        "sessions": asked.sessions or None,
    }
    stated = {name: value for name, value in given.items() if value is not None}
    settings = load(
        stated, config=asked.config, source="command line", require_target=False
    )
    known = {one.name: one for one in settings.all_targets}
    if not asked.target and len(known) != 1:
        raise ConfigurationError(
            "say where the shadow is: --target URL"
            + (f", or one of {', '.join(known)}" if known else "")
        )
    if asked.target and asked.target not in known:
        only = next(iter(known)) if len(known) == 1 else "shadow"
        settings = moved(settings, only, asked.target)
        known = {one.name: one for one in settings.all_targets}
        one = known[only]
    else:
        one = known[asked.target or next(iter(known))]
    methods = asked.methods or one.methods or settings.methods
    return msgspec.structs.replace(
        settings,
        shadow_url="",
        targets=(msgspec.structs.replace(one, methods=()),),
        methods=methods,
    )


def _begin(
    asked: Asked,
    name: str,
    store: str | None,
    policy: str | None,
    explain: bool,
    as_json: bool,
) -> int:
    from shadow_middleware.offline.asked import check
    from shadow_middleware.offline.conduct import begun, surveyed

    settings = _settings(asked, store)
    with busy("Reading the files"):
        found = surveyed(asked, settings)
    check(asked, found, settings)
    kept = _store(settings)
    try:
        run = begun(secrets.token_hex(4), name, asked, found, settings)
        kept.begin_run(run)
        return _work(kept, run, asked, settings, found, policy, explain, as_json)
    finally:
        kept.close()


def _resume(
    beginning: str,
    store: str | None,
    config: str | None,
    policy: str | None,
    explain: bool,
    as_json: bool,
) -> int:
    from shadow_middleware.cli.naming import one_run
    from shadow_middleware.offline.asked import Asked, check_unchanged
    from shadow_middleware.offline.conduct import owner, surveyed

    kept = _store(
        load(
            {"store_url": store} if store else {},
            config=config,
            source="--store",
            require_target=False,
        )
    )
    try:
        run = one_run(kept, beginning)
        if run.state is RunState.DONE:
            raise ConfigurationError(
                f"run {run.id} is done; see: shadow-middleware runs show {run.id}"
            )
        _refuse_running(run)
        asked = msgspec.convert(run.arguments, Asked)
        check_unchanged(run.id, asked.sources)
        settings = _settings(asked, store)
        with busy("Reading the files"):
            found = surveyed(asked, settings)
        run = msgspec.structs.replace(
            run, state=RunState.RUNNING, at=time.time(), owner=owner()
        )
        kept.keep_run(run)
        return _work(kept, run, asked, settings, found, policy, explain, as_json)
    finally:
        kept.close()


def _refuse_running(run: Run) -> None:
    """Refuse a run that another process works at: both would send the same."""
    from shadow_middleware.offline.conduct import owner

    if run.state is not RunState.RUNNING:
        return
    here = owner().rpartition(":")[0]
    host, _, process = run.owner.rpartition(":")
    alive = _is_alive(int(process)) if host == here and process else None
    if alive or (alive is None and time.time() - run.at < _FRESH):
        raise ConfigurationError(
            f"run {run.id} is being worked at by {run.owner}; stop that first"
        )


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return process != os.getpid()


def _store(settings: Settings) -> RunStore:
    # Only commands that read or write pay for the import.
    if not settings.store_url:
        from shadow_middleware.store.memory import MemoryStore

        return MemoryStore()
    from shadow_middleware.store.sql import SqlStore

    return SqlStore(settings.store_url)


def _work(
    kept: RunStore,
    run: Run,
    asked: Asked,
    settings: Settings,
    found: Survey,
    policy: str | None,
    explain: bool,
    as_json: bool,
) -> int:
    from shadow_middleware.offline.conduct import Conduct, run_loop

    wanted = policy_of(policy, asked.config, {})
    screen = console()
    if not as_json:
        show_beginning(screen, run, found, settings)
    explained = Explained() if explain else None

    async def work() -> tuple[Run, Progress]:
        conduct = Conduct(run, asked, settings, kept, explained)
        with progress_of(conduct.offline, found.picked * run.rounds):
            _listen(conduct)
            return await conduct.carry_out(), conduct.offline.progress()

    with _quiet():
        ended, progress = run_loop(work())
    summary, verdict = _read(kept.of_run(run.id), settings, wanted)
    code = EXIT_CODES[verdict.ruling]
    if ended.state is RunState.STOPPED:
        code = code or 3
    if as_json:
        data = _as_json(ended, found, progress, summary, verdict)
        if explained is not None:
            data["substitutions"] = explained.rows
        print_json("replay", {"exit_code": code, **data})
    else:
        show_end(screen, ended, progress, summary, verdict, explained)
    return code


@contextmanager
def _quiet() -> Iterator[None]:
    """Log no divergence: each is in the report, and a line for each would bury it."""
    logger = logging.getLogger("shadow_middleware.divergence")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _listen(conduct: Conduct) -> None:
    """Let Ctrl-C finish what is under way, and a second one not even that."""
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, conduct.offline.stop)


def _read(view: RunStore, settings: Settings, policy: Any) -> tuple[Summary, Verdict]:
    held = holdings(view, None, None, None, settings)
    return summarise(held), judge(judged(view, held, None), policy)


def _as_json(
    run: Run, found: Survey, progress: Progress, summary: Summary, verdict: Verdict
) -> dict[str, Any]:
    return {
        "run": msgspec.to_builtins(run),
        "progress": msgspec.to_builtins(progress),
        "bad": [msgspec.to_builtins(one) for one in found.bad_ones],
        "writes_left_out": found.writes,
        "report": msgspec.to_builtins(summary),
        "verdict": msgspec.to_builtins(verdict),
    }


def _speed_of(text: str) -> float:
    if text.strip().lower() == "max":
        return 0.0
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)x?", text.strip().lower())
    if not found or not float(found[1]):
        raise typer.BadParameter(
            f"{text!r} is no speed; write 1x, 2x, 0.5x or max", param_hint="--speed"
        )
    return float(found[1])


def _methods_of(text: str | None) -> tuple[str, ...]:
    names = [one.strip().upper() for one in (text or "").split(",") if one.strip()]
    if text is not None and not (names and all(name.isalpha() for name in names)):
        raise typer.BadParameter(
            f"{text!r} is no list of methods; write GET,POST", param_hint="--methods"
        )
    return tuple(names)


def _statuses_of(text: str | None) -> tuple[str, ...]:
    names = [one.strip().lower() for one in (text or "").split(",") if one.strip()]
    for name in names:
        if not re.fullmatch(r"[1-5](\d\d|xx)", name):
            raise typer.BadParameter(
                f"{name!r} is no status; write 200, 404 or 5xx", param_hint="--status"
            )
    return tuple(names)


def _time_of(text: str | None, option: str) -> float | None:
    try:
        return since_of(text, time.time())
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint=option) from None
