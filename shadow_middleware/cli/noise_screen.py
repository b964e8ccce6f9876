"""The learned profile as a person reads it: rates, what is held of each field, and why."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.text import Text

from shadow_middleware.cli.naming import SHORT
from shadow_middleware.cli.screen import share_text, table, visible
from shadow_middleware.report.noise import NoiseRow, NoiseSummary, Sightings
from shadow_middleware.report.noise_words import (
    answer,
    day_of,
    evidence,
    why_noise,
)

__all__ = ["show_noise", "why_text"]

_GREY = "bright_black"
_WIDE = 110
_HELD = {True: ("noise", "green"), False: ("counts", "red")}
_NOTHING = (
    "Nothing is learned yet. Differences become noise where live's second copy "
    "(control_url) or the shadow asked twice (self_probe) shows them as well; without "
    "both, only where both values are made anew, as ids and times are."
)


def show_noise(
    console: Console, summary: NoiseSummary, rows: Sequence[NoiseRow], total: int
) -> None:
    """Print the profile, a line for each group, and what it rests on."""
    if not rows:
        console.print(_NOTHING if not summary.rows else "Nothing of the profile fits.")
        if summary.overflow:
            console.print(_no_room(summary))
        return
    wide = console.width >= _WIDE
    heads = ["group", "held as", "shadow", "control", "itself", "where and what"]
    right = ("shadow", "control", "itself")
    if wide:
        heads += ["why", "last seen"]
    made = table(*heads, right=right)
    for row in rows:
        word, style = _HELD[row.noise]
        cells: list[str | Text] = [
            Text(row.fingerprint[:SHORT], style="cyan"),
            Text(word, style=style),
            _rate(row.raw),
            _rate(row.control),
            _rate(row.probe),
            _where(row, with_why=not wide),
        ]
        if wide:
            cells += [Text(why_noise(row), style=_GREY), day_of(row.last_day)]
        made.add_row(*cells)
    console.print(made)
    console.print(_foot(summary, len(rows), total))


def why_text(row: NoiseRow | None) -> RenderableType:
    """Return in sentences whether a group is noise, with the numbers that say so."""
    if row is None:
        return Text(answer(row))
    style = "bold green" if row.noise and not row.ruled else "bold"
    lines = [Text(answer(row), style=style), *map(Text, evidence(row))]
    return Group(*lines)


def _where(row: NoiseRow, *, with_why: bool) -> Text:
    text = Text.assemble(visible(row.key.route, "bold"), "\n", visible(row.what))
    why = why_noise(row)
    return Text.assemble(text, "\n", (why, _GREY)) if with_why and why else text


def _rate(seen: Sightings) -> Text:
    if not seen.of:
        return Text("·", style=_GREY)
    return Text(share_text(seen.rate))


def _foot(summary: NoiseSummary, shown: int, total: int) -> Text:
    text = Text(
        f"{shown:,} of {total:,}. Rates: live against the shadow, against the control, "
        f"and the shadow against itself, over {summary.compared:,.0f} compared answers."
    )
    if summary.overflow:
        text.append("\n").append_text(_no_room(summary))
    return text


def _no_room(summary: NoiseSummary) -> Text:
    return Text(
        f"{summary.overflow:,.0f} sightings had no room of their own (noise_cells): "
        "none of it is learned, and without a control of their own they count.",
        style="yellow",
    )
