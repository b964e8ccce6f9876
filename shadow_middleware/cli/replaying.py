"""An offline replay from a command line: begun or resumed, watched, and reported."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from shadow_middleware.cli.evidence import holdings, judged, settings_of
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
from shadow_middleware.settings import Settings, Target, load

if TYPE_CHECKING:
    from shadow_middleware.offline.asked import Asked
    from shadow_middleware.offline.conduct import Conduct, RunStore
    from shadow_middleware.offline.replay import Progress
    from shadow_middleware.offline.survey import Survey

__all__ = ["How", "begin", "resume"]

_FRESH: Final = 30.0
"""Seconds without a word after which a run is taken for dead."""


class How(NamedTuple):
    """What is asked of any replay, begun or resumed."""

    store: str | None
    policy: str | None
    explain: bool
    as_json: bool


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
    one = _target(settings, asked.target)
    settings = msgspec.structs.replace(
        settings,
        shadow_url="",
        targets=(msgspec.structs.replace(one, methods=()),),
        methods=asked.methods or one.methods or settings.methods,
    )
    _check_ways(settings)
    return settings


def _target(settings: Settings, asked: str) -> Target:
    """Return the target that a name or an address means; '' is the only one there is."""
    known = {one.name: one for one in settings.all_targets}
    if not asked and len(known) != 1:
        raise ConfigurationError(
            "say where the shadow is: --target URL"
            + (f", or one of {', '.join(known)}" if known else "")
        )
    only = next(iter(known)) if len(known) == 1 else "shadow"
    if not asked or asked in known:
        return known[asked or only]
    [one] = moved(settings, only, asked, option="--target").all_targets
    return one


def _check_ways(settings: Settings) -> None:
    """Refuse steps and transports that cannot be made before there is a run of them."""
    from shadow_middleware.replay.http import HttpSender
    from shadow_middleware.replay.way import Way

    for target in settings.all_targets:
        Way(target, settings)
        HttpSender(target, settings)


def begin(
    asked: Asked,
    name: str,
    how: How,
) -> int:
    """Survey the files, refuse what cannot be meant, replay; return the exit code."""
    from shadow_middleware.offline.asked import check
    from shadow_middleware.offline.conduct import begun, surveyed

    settings = _settings(asked, how.store)
    with busy("Reading the files"):
        found = surveyed(asked, settings)
    check(asked, found, settings)
    kept = _store(settings)
    try:
        run = begun(secrets.token_hex(4), name, asked, found, settings)
        kept.begin_run(run)
        return _work(kept, run, asked, settings, found, how)
    finally:
        kept.close()


def resume(
    beginning: str,
    config: str | None,
    how: How,
) -> int:
    """Go on with a run of the store; return the exit code."""
    from shadow_middleware.cli.naming import one_run
    from shadow_middleware.offline.asked import Asked, check_unchanged
    from shadow_middleware.offline.conduct import owner, surveyed

    kept = _store(settings_of(how.store, config))
    try:
        run = one_run(kept, beginning)
        if run.state is RunState.DONE:
            raise ConfigurationError(
                f"run {run.id} is done; see: shadow-middleware runs show {run.id}"
            )
        _refuse_running(run)
        asked = msgspec.convert(run.arguments, Asked)
        check_unchanged(run.id, asked.sources)
        settings = _settings(asked, how.store)
        with busy("Reading the files"):
            found = surveyed(asked, settings)
        run = msgspec.structs.replace(
            run, state=RunState.RUNNING, at=time.time(), owner=owner()
        )
        kept.keep_run(run)
        return _work(kept, run, asked, settings, found, how)
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
    # In a container each first process has the same number: ours means the last one's.
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
    how: How,
) -> int:
    from shadow_middleware.loops import run_punctually
    from shadow_middleware.offline.conduct import Conduct

    wanted = policy_of(how.policy, asked.config, {})
    screen = console()
    if not how.as_json:
        show_beginning(screen, run, found, settings)
    explained = Explained() if how.explain else None

    async def work() -> tuple[Run, Progress]:
        conduct = Conduct(run, asked, settings, kept, explained)
        with progress_of(conduct.offline, found.picked * run.rounds):
            _listen(conduct)
            return await conduct.carry_out(), conduct.offline.progress()

    with _quiet():
        ended, progress = run_punctually(work())
    summary, verdict = _read(kept.of_run(run.id), settings, wanted)
    code = EXIT_CODES[verdict.ruling]
    if ended.state is RunState.STOPPED:
        code = code or 3
    if how.as_json:
        data = _as_json(ended, found, progress, summary, verdict)
        if explained is not None:
            data["substitutions"] = explained.rows
            data["left_alone"] = explained.left_alone
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
