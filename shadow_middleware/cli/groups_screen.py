"""Groups as a person reads them: a list, and one with evidence, samples and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shadow_middleware.cli.divergence_screen import show_short_diff
from shadow_middleware.cli.naming import SHORT
from shadow_middleware.cli.noise_screen import why_text
from shadow_middleware.cli.screen import (
    moment,
    share_text,
    table,
    visible,
)
from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.knowledge import GroupState
from shadow_middleware.report.groups import NOISE, GroupRow, expectation
from shadow_middleware.report.noise import NoiseRow
from shadow_middleware.report.rule_text import rule_toml

__all__ = ["GroupDetail", "decided", "show_group", "show_groups"]

_STYLES = {
    "open": "red",
    "regressed": "bold red",
    "ignored": "bright_black",
    "resolved": "green",
    "noise": "green",
}
_WIDE = 110
_GREY = "bright_black"
_FEW = 5
"""Samples listed for one group."""
_DONE = {
    GroupState.IGNORED: "ignored: it no longer counts",
    GroupState.RESOLVED: "resolved: seen again, it comes back as regressed",
    GroupState.OPEN: "open again: it counts",
}


class GroupDetail(msgspec.Struct, frozen=True):
    """One group with all that is kept of it."""

    row: GroupRow
    evidence: NoiseRow | None
    """None where nothing was counted of its noise."""
    samples: tuple[StoredDivergence, ...]
    run: str = ""
    """The offline replay that it is of; '' is live."""


def show_groups(
    console: Console,
    rows: Sequence[GroupRow],
    total: int,
    offset: int,
    states: Mapping[str, int],
    wanted: Sequence[str],
) -> None:
    """Print groups one a line, and how many there are in other states."""
    others = [f"{n:,} {name}" for name, n in states.items() if n and name not in wanted]
    if rows:
        _print_rows(console, rows)
        last = offset + len(rows)
        console.print(f"{offset + 1:,} to {last:,} of {total:,}, the most seen first.")
        if last < total:
            console.print(Text(f"More: --offset {last}", style=_GREY))
    elif total:
        console.print(f"There are {total:,}: none from number {offset + 1:,} on.")
    else:
        console.print(f"No group is {' or '.join(wanted)}.")
    if others:
        console.print(
            Text(f"Not shown: {', '.join(others)} (--state all)", style=_GREY)
        )
    if rows:
        console.print(
            Text("One in full: shadow-middleware groups show GROUP", style=_GREY)
        )


def _print_rows(console: Console, rows: Sequence[GroupRow]) -> None:
    wide = console.width >= _WIDE
    several = len({row.key.target for row in rows}) > 1
    heads = ["group", "state", "count", "share", "where and what changed"]
    if wide:
        heads.append("last seen (UTC)")
    made = table(*heads, right=("count", "share"))
    for row in rows:
        cells: list[str | Text] = [
            Text(row.fingerprint[:SHORT], style="cyan"),
            Text(row.state, style=_STYLES.get(row.state, "")),
            f"{row.count:,}",
            share_text(row.share),
            _where(row, several),
        ]
        if wide:
            cells.append(moment(row.last_at) if row.count else "-")
        made.add_row(*cells)
    console.print(made)


def _where(row: GroupRow, several: bool) -> Text:
    route = visible(row.key.route, "bold")
    if several:
        route = Text.assemble(route, (f"  on {row.key.target}", _GREY))
    return Text.assemble(route, "\n", visible(row.what))


# --- one -----------------------------------------------------------------------------------


def show_group(console: Console, detail: GroupDetail) -> None:
    """Print all that is known of one group, and what can be done about it."""
    row = detail.row
    console.print(
        Text.assemble(
            ("Group ", "bold cyan"),
            (row.fingerprint, "bold cyan"),
            "  ",
            (row.state, _STYLES.get(row.state, "")),
        )
    )
    console.print(Padding(_facts(row), (0, 0, 1, 1)))
    _show_evidence(console, detail.evidence)
    _show_samples(console, detail.samples)
    _heading(console, "What to do")
    for step in _steps(row, detail.run):
        console.print(Padding(step, (0, 0, 0, 1)))


def _facts(row: GroupRow) -> Table:
    lines = [
        ("route", visible(row.key.route)),
        ("target", visible(row.key.target)),
        ("what", visible(row.what, "bold")),
        ("seen", Text(_seen(row))),
    ]
    if row.count:
        span = f"{moment(row.first_at)} to {moment(row.last_at)} UTC"
        lines.append(("when", Text(span)))
    if row.decided_at is not None:
        lines.append(("decided", Text(f"{moment(row.decided_at)} UTC")))
    if row.note:
        lines.append(("note", visible(row.note)))
    grid = Table.grid(padding=(0, 2))
    for name, value in lines:
        grid.add_row(Text(name, style=_GREY), value)
    return grid


def _seen(row: GroupRow) -> str:
    if not row.count:
        return "never as a divergence, only as noise"
    of = f", {share_text(row.share)} of the route's answers" if row.share else ""
    times = "once" if row.count == 1 else f"in {row.count:,} divergences"
    return times + of


def _show_evidence(console: Console, evidence: NoiseRow | None) -> None:
    _heading(console, "Is it noise?")
    text = why_text(evidence)
    console.print(Padding(text, (0, 0, 1, 1)))


def _show_samples(console: Console, samples: Sequence[StoredDivergence]) -> None:
    if not samples:
        return
    _heading(console, "Samples")
    made = table("id", "when (UTC)", "request", right=("id",))
    for one in samples[:_FEW]:
        request = f"{one.record.method} {one.record.path}"
        made.add_row(str(one.id), moment(one.record.at), visible(request))
    console.print(made)
    if len(samples) > _FEW:
        console.print(Text(f"{len(samples) - _FEW} more: --json", style=_GREY))
    show_short_diff(console, samples[0])


def _heading(console: Console, text: str) -> None:
    console.print(Text(text, style="bold cyan"))


# --- what to do ----------------------------------------------------------------------------


def _steps(row: GroupRow, run: str) -> list[Text]:
    name = row.fingerprint[:SHORT]
    of_run = f" --run {run}" if run else ""
    if row.state in (GroupState.IGNORED, GroupState.RESOLVED):
        return [_step("To have it count again", f"groups reopen {name}{of_run}")]
    if row.state == NOISE:
        return [_step("If it is no noise", f"noise set {name} signal")]
    steps = [_step("Mended? Find out", f"recheck {name} --resolve{of_run}")]
    rule = expectation(row)
    if rule is not None:
        steps.append(Text("Intended? Put this in the rules file:"))
        steps.append(visible(rule_toml(rule), "green"))
    ignore = f'groups ignore {name} --note "why"{of_run}'
    steps.append(_step("Known, and no matter", ignore))
    steps.append(_step("Mere noise", f"noise set {name} noise"))
    return steps


def _step(when: str, command: str) -> Text:
    return Text.assemble(f"{when}: ", (f"shadow-middleware {command}", "green"))


def decided(console: Console, rows: Sequence[GroupRow], state: GroupState) -> None:
    """Say what was decided of each group."""
    for row in rows:
        console.print(
            Text.assemble(
                (row.fingerprint[:SHORT], "cyan"),
                f" is {_DONE[state]}.  ",
                visible(f"{row.key.route}  {row.what}", _GREY),
            )
        )
