"""Offline replays as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from shadow_middleware.cli.naming import SHORT
from shadow_middleware.cli.report_screen import show_report
from shadow_middleware.cli.screen import (
    COLOURS,
    bullets,
    moment,
    share_text,
    table,
    visible,
)
from shadow_middleware.cli.verdict_screen import show_verdict
from shadow_middleware.evidence import Run
from shadow_middleware.reading.runs import RunRow
from shadow_middleware.report.run_diff import GroupChange, RouteChange, RunDiff
from shadow_middleware.report.run_diff_text import headline
from shadow_middleware.report.run_words import counted, missing_words
from shadow_middleware.report.summary import Summary
from shadow_middleware.report.verdict import Verdict

__all__ = ["show_diff", "show_run", "show_runs"]

_SHOWN: Final = 20
_WIDE: Final = 100
"""Columns from which a list has room for addresses."""
_AGREE: Final = ("match", "noise")
_AGAINST: Final = ("divergence", "shadow_error", "timeout")
_STYLES: Final = {0: "bold green", 1: "bold red", 3: "bold yellow"}


def show_runs(console: Console, rows: Sequence[RunRow], total: int) -> None:
    """Print one line for each run."""
    if not rows:
        console.print(
            Text("No run yet. Begin one: shadow-middleware replay FILE --target URL")
        )
        return
    lines = table(
        "run",
        "name",
        "begun",
        "state",
        "replays",
        "agree",
        "target",
        right=("replays", "agree"),
    )
    if console.width < _WIDE:
        lines.columns.pop()
    for row in rows:
        run = row.run
        agree = sum(row.outcomes.get(name, 0) for name in _AGREE)
        against = sum(row.outcomes.get(name, 0) for name in _AGAINST)
        decided = agree + against
        cells: list[str | Text] = [
            run.id,
            visible(run.name or "-"),
            moment(run.started_at),
            row.state,
            f"{row.ended:,}",
            Text(share_text(agree / decided if decided else None)),
            visible(run.address),
        ]
        lines.add_row(*cells[: len(lines.columns)])
    console.print(lines)
    if total > len(rows):
        console.print(Text(f"{total - len(rows):,} older ones: --limit {total}"))


def show_run(console: Console, row: RunRow, summary: Summary, verdict: Verdict) -> None:
    """Print one run."""
    run = row.run
    title = Text.assemble(("Run ", "bold cyan"), (run.id, "bold cyan"))
    if run.name:
        title.append_text(visible(f"  {run.name}", "bright_black"))
    console.print(title)
    console.print(Text(f"{row.state}, begun {moment(run.started_at)}"))
    console.print(Text(counted(run)))
    files = ", ".join(run.sources[:3])
    more = f" and {len(run.sources) - 3} more" if run.sources[3:] else ""
    console.print(visible(f"From {files}{more} to {run.address}"))
    notes = [visible(one) for one in missing_words(run)]
    if notes:
        console.print(bullets(*notes))
    console.print()
    show_report(console, summary, f"run {run.id}")
    show_verdict(console, verdict)
    if row.state in ("killed", "stopped"):
        again = f"To go on: shadow-middleware replay --resume {run.id}"
        console.print(Text(again, style="bold yellow"))


def show_diff(console: Console, before: Run, after: Run, diff: RunDiff) -> None:
    """Print what changed from one run to another."""
    console.print(Text(headline(diff), style=_STYLES[diff.exit_code]))
    console.print(visible(f"{_named(before)} → {_named(after)}", "bright_black"))
    console.print()
    for title, changes, style in (
        ("Broke", diff.broke, COLOURS["divergence"]),
        ("Fixed", diff.fixed, COLOURS["match"]),
        ("Still differs", diff.still, COLOURS["incomparable"]),
        ("Cannot be told, compared in one run only", diff.unknown, "bright_black"),
    ):
        _show_groups(console, title, changes, style)
    _show_routes(console, "Fails more often", diff.failing)
    _show_routes(console, "Fails less often", diff.recovered)
    for title, names in (
        ("Only in the first", diff.only_before),
        ("Only in the second", diff.only_after),
    ):
        if names:
            more = f" and {len(names) - _SHOWN} more" if names[_SHOWN:] else ""
            text = f"{title}: {', '.join(names[:_SHOWN])}{more}"
            console.print(visible(text, "bright_black"))


def _named(run: Run) -> str:
    return f"{run.id} {run.name}".rstrip()


def _show_groups(
    console: Console, title: str, changes: Sequence[GroupChange], style: str
) -> None:
    if not changes:
        return
    console.print(Text(title, style=f"bold {style}"))
    rows = table("before", "after", "route", "what", "group", right=("before", "after"))
    for one in changes[:_SHOWN]:
        rows.add_row(
            f"{one.before:,}",
            f"{one.after:,}",
            visible(one.route),
            visible(one.what),
            one.fingerprint[:SHORT],
        )
    console.print(rows)
    if changes[_SHOWN:]:
        console.print(Text(f"{len(changes) - _SHOWN:,} more", style="bright_black"))


def _show_routes(console: Console, title: str, routes: Sequence[RouteChange]) -> None:
    if not routes:
        return
    console.print(Text(title, style="bold"))
    rows = table("failed before", "after", "route", right=("failed before", "after"))
    for one in routes[:_SHOWN]:
        rows.add_row(
            f"{one.failed_before:,} of {one.failed_before + one.compared_before:,}",
            f"{one.failed_after:,} of {one.failed_after + one.compared_after:,}",
            visible(one.route),
        )
    console.print(rows)
