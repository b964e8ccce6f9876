"""The command itself: start, visit, wait for the evidence, print, go on or end."""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from shadow_middleware.cli.demo.planted import PLANTED, SETTINGS
from shadow_middleware.cli.demo.screen import show_planted, show_serving, show_start
from shadow_middleware.cli.demo.stage import Stage, stage
from shadow_middleware.cli.demo.traffic import knock, visit
from shadow_middleware.cli.divergence_screen import show_divergence
from shadow_middleware.cli.evidence import holdings
from shadow_middleware.cli.options import JsonOutput
from shadow_middleware.cli.report_screen import show_report
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.cli.verdict_screen import show_verdict
from shadow_middleware.evidence import DivergenceFilter, StoredDivergence
from shadow_middleware.report.holdings import Holdings
from shadow_middleware.report.summary import summarise
from shadow_middleware.report.verdict import verdict
from shadow_middleware.store.base import Reader

__all__ = ["EPILOG", "demo"]

EPILOG = (
    "Examples:"
    "\n\n"
    "  shadow-middleware demo"
    "\n\n"
    "  shadow-middleware demo --seconds 5 --once --json"
)
_SETTLE_TIMEOUT = 20.0
_EVERY = 100
"""Groups of differences in the report: more than are planted, so none is left out."""
_EXAMPLE = "GET /users/{id}"


def demo(
    seconds: Annotated[
        float, typer.Option("--seconds", min=1.0, help="How long visitors come.")
    ] = 20.0,
    rate: Annotated[
        float, typer.Option("--rate", min=1.0, help="Visits a second.")
    ] = 50.0,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="URL",
            help="Keep the evidence here. Left out: a temporary SQLite file.",
        ),
    ] = None,
    once: Annotated[
        bool,
        typer.Option("--once", help="End after the report, on a terminal as well."),
    ] = False,
    as_json: JsonOutput = False,
) -> None:
    """
    See it work: a shop, its rewrite, and everything that the rewrite gets wrong.

    Starts version 1 of a small shop with the middleware, and version 2 as its shadow,
    sends visitors to version 1, and prints the report and the verdict. On a terminal
    both go on serving until Ctrl-C. Exit code 1 if a planted difference was missed.
    """
    # Only this command pays for the import, --help does not.
    from shadow_middleware.store.sql import SqlStore

    with contextlib.ExitStack() as stack:
        stack.enter_context(_ending_in_order())
        store_url = stack.enter_context(_store_url(store))
        reader = stack.enter_context(contextlib.closing(SqlStore(store_url)))
        on_stage = stack.enter_context(stage(store_url, SETTINGS))
        if not as_json:
            show_start(console(), on_stage, seconds)
        began = time.time()
        # The agent starts with the first request; those that wait for it meanwhile
        # would reach the shadow all at once and make it look slow.
        knock(on_stage.live_port)
        _wait_for_evidence(reader, began, 1)
        mirrored = 1 + _send_visitors(on_stage, seconds, rate)
        held = _wait_for_evidence(reader, began, mirrored)
        found = [one.found(held) for one in PLANTED]
        if as_json:
            _print_json(held, found)
        else:
            example = DivergenceFilter(route=_EXAMPLE, since=began)
            _print(held, found, reader.divergences(example, limit=1))
        if not once and not as_json and sys.stdout.isatty():
            _serve_until_interrupted(on_stage, store_url)
    raise typer.Exit(0 if all(found) else 1)


@contextlib.contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let SIGTERM end the demo as Ctrl-C does: servers stopped, files removed."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _store_url(store: str | None) -> Iterator[str]:
    if store is not None:
        yield store
        return
    with tempfile.TemporaryDirectory(prefix="shadow-middleware-") as folder:
        yield f"sqlite:///{Path(folder) / 'demo.db'}"


def _send_visitors(on_stage: Stage, seconds: float, rate: float) -> int:
    columns = (
        TextColumn("visitors"),
        BarColumn(),
        TextColumn("{task.completed:.0f} requests"),
        TimeRemainingColumn(),
    )
    screen = Console(stderr=True)
    with Progress(
        *columns, console=screen, transient=True, disable=not screen.is_terminal
    ) as progress:
        bar = progress.add_task("visitors", total=max(1, int(seconds * rate)))
        return visit(on_stage.live_port, seconds, rate, lambda: progress.advance(bar))


def _wait_for_evidence(reader: Reader, since: float, mirrored: int) -> Holdings:
    """Return the evidence once every mirrored request has ended, or time is up."""
    deadline = time.monotonic() + _SETTLE_TIMEOUT
    while True:
        held = holdings(reader, since, None, None)
        ended = sum(row.count for row in held.totals)
        if ended >= mirrored:
            return held
        if time.monotonic() > deadline:
            late = f"{ended} of {mirrored} mirrored requests ended in time"
            typer.echo(f"shadow-middleware: only {late}", err=True)
            return held
        time.sleep(0.2)


def _print(held: Holdings, found: list[bool], example: list[StoredDivergence]) -> None:
    screen = console()
    show_report(screen, summarise(held, _EVERY), "in this demo")
    for one in example:
        show_divergence(screen, one)
    show_planted(screen, PLANTED, found)
    show_verdict(screen, verdict(held))


def _print_json(held: Holdings, found: list[bool]) -> None:
    planted = [
        {"name": one.name, "route": one.route, "what": one.what, "found": seen}
        for one, seen in zip(PLANTED, found, strict=True)
    ]
    report = msgspec.structs.asdict(summarise(held, _EVERY))
    ruling = msgspec.structs.asdict(verdict(held))
    print_json("demo", {"planted": planted, "report": report, "verdict": ruling})


def _serve_until_interrupted(on_stage: Stage, store_url: str) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        show_serving(console(), on_stage, store_url)
        threading.Event().wait()
