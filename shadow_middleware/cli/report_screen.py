"""The report as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shadow_middleware.cli.finding_screen import show_groups, show_shifts
from shadow_middleware.cli.screen import (
    COLOURS,
    bar,
    bullets,
    ms,
    share_text,
    table,
    visible,
)
from shadow_middleware.report.control import Control
from shadow_middleware.report.differences import DifferenceGroup
from shadow_middleware.report.hints import Hint
from shadow_middleware.report.latency import Latency, Percentiles
from shadow_middleware.report.summary import RouteSummary, Summary, TargetSummary

__all__ = ["show_report"]

_WIDE = 90
_REASONS = 6
_ON_THE_WAY = (
    "Live is timed in its own process, the shadow from ours: its times hold the way "
    "there and back."
)


def show_report(
    console: Console, summary: Summary, period: str, gone: Sequence[str] = ()
) -> None:
    """
    Print the report.

    Args:
        console: Where.
        summary: What to print.
        period: In words, what time it covers.
        gone: In words, what the store no longer holds.
    """
    for target in summary.targets:
        _show_target(console, target, summary.control, period)
        if target.groups:
            show_groups(console, target.groups, target.more_groups)
        else:
            _show_differences(console, target, summary.stored)
        _show_routes(console, target.routes)
        _show_latency(console, target)
        show_shifts(console, target)
        _show_hints(console, target.hints)
    if not summary.targets:
        console.print(_nothing(period))
    if gone:
        _heading(console, "No longer in the store")
        console.print(bullets(*(visible(one, "bright_black") for one in gone)))
        console.print()


def _nothing(period: str) -> Text:
    return Text(
        f"Nothing is recorded {period}. Once the middleware has mirrored a request, "
        "its outcome shows here within seconds."
    )


def _heading(console: Console, text: str) -> None:
    console.print(Text(text, style="bold cyan"))


def _show_target(
    console: Console, target: TargetSummary, control: Control | None, period: str
) -> None:
    title = Text.assemble(("Target ", "bold cyan"), visible(target.target, "bold cyan"))
    console.print(Text.assemble(title, (f"  {period}", "bright_black")))
    console.print(_conservation(target))
    for line in (_versions(target), _aa_row(control)):
        if line:
            console.print(visible(line, "bright_black"))
    rows = table("outcome", "count", "share", "", right=("count", "share"))
    for name, count in target.outcomes.items():
        share = target.shares[name]
        style = COLOURS.get(name, "")
        rows.add_row(
            Text(name, style=style),
            f"{count:,}",
            share_text(share),
            Text(bar(share), style=style),
        )
        _add_reasons(rows, target, name)
    console.print(rows)


def _versions(target: TargetSummary) -> str:
    if not any(one.version for one in target.versions):
        return ""
    shown = [f"{one.version or '(none)'} {one.count:,}" for one in target.versions[:4]]
    more = f" · {len(target.versions) - 4} more" if target.versions[4:] else ""
    return f"Versions, the latest first: {' · '.join(shown)}{more}"


def _aa_row(control: Control | None) -> str:
    if control is None:
        return ""
    compared = control.agreed + control.differed
    agreed = f"{control.agreed:,} of {compared:,} ({share_text(control.rate)})"
    failed = f"; it failed {control.failed:,} times" if control.failed else ""
    return f"A/A, the control against live: {agreed} agree{failed}"


def _conservation(target: TargetSummary) -> Text:
    """Return the law of conservation, in numbers."""
    parts = [f"{target.ended:,} ended", f"{target.in_flight:,} in flight"]
    line = Text(f"{target.selected:,} selected = {' + '.join(parts)}")
    if target.unaccounted:
        line.append(f" + {target.unaccounted:,} unaccounted for", style="bold red")
    if target.match_rate is not None:
        line.append(f"; {share_text(target.match_rate)} of those decided agree")
    return line


def _add_reasons(rows: Table, target: TargetSummary, outcome: str) -> None:
    reasons = [one for one in target.reasons if one.outcome == outcome]
    shown = [(one.reason, one.count) for one in reasons[:_REASONS]]
    rest = reasons[_REASONS:]
    if rest:
        shown.append((f"{len(rest)} other reasons", sum(one.count for one in rest)))
    for name, count in shown:
        reason = visible(f"  {name}", "bright_black")
        rows.add_row(reason, Text(f"{count:,}", style="bright_black"), "", "")


def _show_routes(console: Console, routes: list[RouteSummary]) -> None:
    _heading(console, "Routes")
    names = list(dict.fromkeys(name for one in routes for name in one.outcomes))
    if console.width < 40 + sum(len(name) + 3 for name in names):
        console.print(_routes_in_words(routes))
        return
    rows = table("route", "count", *names, right=("count", *names))
    for one in routes:
        shares = [_share_cell(one.shares.get(name), name) for name in names]
        rows.add_row(_route(one.route), f"{one.count:,}", *shares)
    console.print(rows)


def _routes_in_words(routes: list[RouteSummary]) -> Table:
    rows = table("route", "count", "outcomes", right=("count",))
    for one in routes:
        words = Text(", ").join(
            Text(f"{name} {share_text(share)}", style=COLOURS.get(name, ""))
            for name, share in one.shares.items()
        )
        rows.add_row(_route(one.route), f"{one.count:,}", words)
    return rows


def _route(name: str) -> Text:
    return visible(name) if name != "-" else Text("(no route)", style="bright_black")


def _share_cell(share: float | None, name: str) -> Text:
    if not share:
        return Text("·", style="bright_black")
    return Text(share_text(share), style=COLOURS.get(name, ""))


def _show_latency(console: Console, target: TargetSummary) -> None:
    timed = [(one.route, one.latency) for one in target.routes if one.latency]
    if target.latency is None:
        return
    wide = console.width >= _WIDE
    heads = ("live", "shadow", "delta") if wide else ("live", "shadow")
    _heading(console, "Latency in ms, p50 / p95 / p99")
    rows = table("route", *heads, right=heads)
    for route, latency in timed:
        rows.add_row(visible(route), *_latency_cells(latency, wide))
    if len(timed) > 1:
        rows.add_row(
            Text("all routes", style="bold"), *_latency_cells(target.latency, wide)
        )
    console.print(rows)
    console.print(Text(_ON_THE_WAY, style="bright_black"))
    console.print()


def _latency_cells(latency: Latency, wide: bool) -> list[Text]:
    slower = latency.ratio.p50 > 1.5 and latency.delta_ms.p50 > 1
    style = "red" if slower else ""
    live = _three(latency.live_ms)
    if not wide:
        return [live, _three(latency.shadow_ms, style=style)]
    delta = _three(latency.delta_ms, signed=True, style=style)
    return [live, _three(latency.shadow_ms), delta]


def _three(values: Percentiles, *, signed: bool = False, style: str = "") -> Text:
    parts = [
        f"{'+' if signed and value >= 0 else ''}{ms(value)}"
        for value in (values.p50, values.p95, values.p99)
    ]
    return Text(" / ".join(parts), style=style)


def _show_differences(console: Console, target: TargetSummary, stored: int) -> None:
    if not target.differences:
        return
    of = ""
    if target.looked_at < stored:
        of = f" (in the newest {target.looked_at:,} divergences)"
    _heading(console, f"Top differences{of}")
    rows = table("seen", "route", "where", "kind", "example", right=("seen",))
    for group in target.differences:
        rows.add_row(*_difference_cells(group))
    console.print(rows)
    if target.more_differences:
        every = len(target.differences) + target.more_differences
        more = f"{target.more_differences:,} more, seen less often: --limit {every}"
        console.print(Text(more, style="bright_black"))
        console.print()


def _difference_cells(group: DifferenceGroup) -> list[str | Text]:
    where = f"{group.part} {group.path}".rstrip()
    return [
        f"{group.divergences:,}",
        visible(group.route),
        visible(where),
        group.kind,
        visible(group.example, "bright_black"),
    ]


def _show_hints(console: Console, hints: list[Hint]) -> None:
    if not hints:
        return
    _heading(console, "Good to know")
    console.print(bullets(*(visible(_counted(hint)) for hint in hints)))
    console.print()


def _counted(hint: Hint) -> str:
    """Return the hint's text, with its number where the text does not hold it."""
    return (
        hint.text
        if f"{hint.count:,}" in hint.text or not hint.count
        else (f"{hint.text} ({hint.count:,} times)")
    )
