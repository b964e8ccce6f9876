"""The groups that count and the shift of latency, as a person reads them in a report."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from shadow_middleware.cli.naming import SHORT
from shadow_middleware.cli.screen import ms, share_text, table, visible
from shadow_middleware.report.findings import Finding
from shadow_middleware.report.shift import Bounds, Shift
from shadow_middleware.report.summary import TargetSummary

__all__ = ["show_groups", "show_shifts"]

_ROUTES = 5
_MARGIN_MS = 1.0


def show_groups(console: Console, groups: Sequence[Finding], more: int) -> None:
    """Print the groups that count, and how many more there are."""
    console.print(Text("Groups of divergences that count", style="bold cyan"))
    rows = table("seen", "share", "route and what", "state", "group", right=("seen",))
    for one in groups:
        what = Text.assemble(visible(one.route, "bold"), "  ", visible(one.what))
        style = "red" if one.state != "resolved" else "yellow"
        rows.add_row(
            f"{one.divergences:,}",
            share_text(one.share),
            what,
            Text(one.state, style=style),
            Text(one.group[:SHORT], style="bright_black"),
        )
    console.print(rows)
    if more:
        every = len(groups) + more
        text = f"{more:,} more, seen less often: --limit {every}"
        console.print(Text(text, style="bright_black"))
        console.print()


def show_shifts(console: Console, target: TargetSummary) -> None:
    """Print by how much the shadow is slower, for all routes and for the slowest."""
    if not target.shifts:
        return
    heading = "Shadow minus live in ms, with 95 % bounds that need no distribution"
    console.print(Text(heading, style="bold cyan"))
    rows = table("route", *target.shifts)
    for name, shifts in _slowest(target):
        rows.add_row(visible(name), *(_shift(one) for one in shifts.values()))
    every = Text("all routes", style="bold")
    rows.add_row(every, *(_shift(one) for one in target.shifts.values()))
    console.print(rows)


def _slowest(target: TargetSummary) -> list[tuple[str, dict[str, Shift]]]:
    """Return the routes that are slower beyond doubt, the slowest first."""
    found = [
        (one.route, one.shifts, max(map(_surely, one.shifts.values())))
        for one in target.routes
        if one.shifts
    ]
    slower = sorted(
        (one for one in found if one[2] > _MARGIN_MS), key=lambda one: -one[2]
    )
    return [(route, shifts) for route, shifts, _ in slower[:_ROUTES]]


def _surely(one: Shift) -> float:
    """Return the milliseconds that it is slower by at least."""
    return one.delta_bounds.low or 0.0


def _shift(one: Shift) -> Text:
    slower = _surely(one) > _MARGIN_MS
    return Text.assemble(
        (f"{'+' if one.delta_ms >= 0 else ''}{ms(one.delta_ms)}", "red" * slower),
        (f" ({_bounds(one.delta_bounds)})", "bright_black"),
    )


def _bounds(bounds: Bounds) -> str:
    if bounds.low is None and bounds.high is None:
        return "too few to say"
    if bounds.high is None:
        return f"at least {ms(bounds.low)}"
    if bounds.low is None:
        return f"at most {ms(bounds.high)}"
    return f"{ms(bounds.low)} to {ms(bounds.high)}"
