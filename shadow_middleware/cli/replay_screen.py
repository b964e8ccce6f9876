"""An offline replay as a person sees it: what will be, how far it is, what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from shadow_middleware.cli.report_screen import show_report
from shadow_middleware.cli.screen import COLOURS, bullets, table, visible
from shadow_middleware.cli.verdict_screen import show_verdict
from shadow_middleware.evidence import Run, RunState
from shadow_middleware.exchange import Replay
from shadow_middleware.report.run_words import counted, missing_words
from shadow_middleware.report.summary import Summary
from shadow_middleware.report.verdict import Verdict
from shadow_middleware.settings import Settings

if TYPE_CHECKING:
    from shadow_middleware.offline.replay import Offline
    from shadow_middleware.offline.replay import Progress as Gone
    from shadow_middleware.offline.survey import Survey

__all__ = ["Explained", "progress_of", "show_beginning", "show_end", "show_explained"]

_EVERY: Final = 0.2
"""Seconds between two looks at how far it is."""
_SHOWN: Final = 40
_FEW: Final = 3
_KEPT: Final = 1_000
"""Substitutions that are kept to be shown, and as many that were not made."""


class Explained:
    """Keeps what sessions put in place of live's own names, to be shown."""

    def __init__(self) -> None:
        self.rows: list[dict[str, str]] = []
        self.more = 0
        self.left_alone: list[dict[str, str]] = []
        """What could have meant several things, and so went out as live had it."""

    def __call__(self, replay: Replay) -> None:
        """Take in what was substituted in one replay."""
        for one in replay.rebound:
            if len(self.rows) < _KEPT:
                row = {"exchange": replay.exchange.id, **msgspec.to_builtins(one)}
                self.rows.append(row)
            else:
                self.more += 1
        room = _KEPT - len(self.left_alone)
        self.left_alone += [
            {"exchange": replay.exchange.id, "where": where}
            for where in replay.ambiguous[:room]
        ]


def show_beginning(
    console: Console, run: Run, found: Survey, settings: Settings
) -> None:
    """Print what is about to be done, and what of the files will not be."""
    title = Text.assemble(("Run ", "bold cyan"), (run.id, "bold cyan"))
    if run.name:
        title.append_text(visible(f"  {run.name}", "bright_black"))
    console.print(title)
    console.print(Text(counted(run)))
    methods = ",".join(settings.methods)
    console.print(visible(f"To {run.address}, {methods}; live is not called"))
    notes = [visible(one) for one in _notes(run, found, settings)]
    if notes:
        console.print(bullets(*notes))
    console.print()


def _notes(run: Run, found: Survey, settings: Settings) -> Iterator[str]:
    writes = sum(found.writes.values())
    if writes:
        every = ",".join([*settings.methods, *found.writes])
        some = ", ".join(f"{n:,} {name}" for name, n in found.writes.items())
        yield f"{writes:,} writes are left out ({some}); to send them: --methods {every}"
    yield from missing_words(run)
    for one in found.bad_ones[:_FEW]:
        yield f"bad record: {one.place}: {one.reason}"
    if found.bad > _FEW:
        yield f"{found.bad - _FEW:,} more bad records; see them all with --json"


@contextmanager
def progress_of(offline: Offline, total: int) -> Iterator[None]:
    """Show how far it is, on standard error and on a terminal only."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield
        return
    columns = (
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[outcomes]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task("", total=total, rate="", outcomes="")

        async def look() -> None:
            while True:
                await asyncio.sleep(_EVERY)
                gone = offline.progress()
                progress.update(
                    task,
                    completed=gone.passed + gone.ended,
                    rate=f"{gone.ended / max(gone.seconds, 1e-9):,.0f}/s",
                    outcomes=_outcomes(gone),
                )

        looking = asyncio.get_running_loop().create_task(look())
        try:
            yield
        finally:
            looking.cancel()


def _outcomes(gone: Gone) -> str:
    ranked = sorted(gone.outcomes.items(), key=lambda item: -item[1])
    return " ".join(
        f"[{COLOURS.get(name, 'white')}]{name} {n:,}[/]" for name, n in ranked[:_FEW]
    )


def show_end(
    console: Console,
    run: Run,
    gone: Gone,
    summary: Summary,
    verdict: Verdict,
    explained: Explained | None,
) -> None:
    """Print what became of it."""
    if explained is not None:
        show_explained(console, explained)
    show_report(console, summary, f"run {run.id}")
    console.print(Text(_pace(gone), style="bright_black"))
    show_verdict(console, verdict)
    if run.state is RunState.STOPPED:
        again = f"Interrupted. To go on: shadow-middleware replay --resume {run.id}"
        console.print(Text(again, style="bold yellow"))
    else:
        look = f"To look closer: shadow-middleware groups list --run {run.id}"
        console.print(Text(look, style="bright_black"))


def _pace(gone: Gone) -> str:
    rate = gone.ended / gone.seconds if gone.seconds else 0.0
    text = f"{gone.ended:,} replays in {gone.seconds:,.1f} s, {rate:,.0f}/s"
    if gone.passed:
        text += f"; {gone.passed:,} were settled before"
    if gone.late:
        late = ", ".join(f"{name} {s * 1e3:.1f} ms" for name, s in gone.late.items())
        text += f"; late by {late}"
    return text


def show_explained(console: Console, explained: Explained) -> None:
    """Print what sessions substituted, and what they left alone."""
    _show_substitutions(console, explained)
    if not explained.left_alone:
        return
    rows = table("exchange", "left alone, as it could mean")
    for one in explained.left_alone[:_SHOWN]:
        rows.add_row(visible(one["exchange"]), visible(one["where"]))
    console.print(rows)
    if (more := len(explained.left_alone) - _SHOWN) > 0:
        console.print(Text(f"{more:,} more left alone", style="bright_black"))


def _show_substitutions(console: Console, explained: Explained) -> None:
    if not explained.rows:
        console.print(Text("No session had anything to substitute.\n"))
        return
    rows = table("exchange", "where", "live's", "the shadow's", "learned from")
    for one in explained.rows[:_SHOWN]:
        names = ("exchange", "where", "live", "shadow", "learned")
        rows.add_row(*(visible(one[name]) for name in names))
    console.print(rows)
    more = len(explained.rows) - _SHOWN + explained.more
    if more > 0:
        console.print(Text(f"{more:,} more substitutions", style="bright_black"))
