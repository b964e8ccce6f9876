"""A recheck as a person reads it: for each group what came of it, and why not more."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from shadow_middleware.cli.naming import SHORT
from shadow_middleware.cli.screen import table, visible
from shadow_middleware.recheck.result import Fate, GroupResult
from shadow_middleware.report.wording import what_changed

__all__ = ["show_results"]

_GREY = "bright_black"
_STYLES = {Fate.FIXED: "green", Fate.DIVERGING: "bold red", Fate.UNKNOWN: "yellow"}


def show_results(
    console: Console, results: Sequence[GroupResult], *, resolved: bool
) -> None:
    """Print a line for each group, and the sum."""
    if not results:
        console.print("No group counts at present, so there is nothing to recheck.")
        return
    made = table("group", "now", "samples", "where and what changed")
    for result in sorted(results, key=lambda one: list(_STYLES).index(one.fate)):
        group = result.group
        made.add_row(
            Text(group.fingerprint[:SHORT], style="cyan"),
            Text(result.fate.value, style=_STYLES[result.fate]),
            _samples(result),
            Text.assemble(
                visible(group.key.route, "bold"), "\n", visible(what_changed(group.key))
            ),
        )
    console.print(made)
    console.print(_sum(results))
    if any(result.fate is Fate.FIXED for result in results):
        said = (
            "The fixed ones are resolved: seen again, they come back as regressed."
            if resolved
            else "To mark the fixed ones as resolved: --resolve"
        )
        console.print(Text(said, style=_GREY))


def _samples(result: GroupResult) -> Text:
    lines = [f"{n} {name}" for name, n in result.counts.items() if n]
    text = Text("\n".join(lines) or "none")
    for reason, number in result.reasons.items():
        times = f"{number} × " if number > 1 else ""  # noqa: RUF001
        text.append("\n")
        text.append_text(visible(times + reason, _GREY))
    return text


def _sum(results: Sequence[GroupResult]) -> str:
    counts = {fate: sum(one.fate is fate for one in results) for fate in Fate}
    return ", ".join(f"{n:,} {fate.value}" for fate, n in counts.items() if n) + "."
