"""The learned profile as a person reads it: rates, what is held of each field, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.text import Text

from shadow_middleware.cli.knowledge import SHORT
from shadow_middleware.cli.screen import share_text, table, visible
from shadow_middleware.knowledge import DAY
from shadow_middleware.report.noise import NoiseRow, NoiseSummary, Sightings
from shadow_middleware.report.wording import SIZES, shape_in_words

__all__ = ["show_noise", "why_text"]

_GREY = "bright_black"
_WIDE = 110
_FEW = 4
_HELD = {True: ("noise", "green"), False: ("counts", "red")}
_WHYS = {
    "ruled": "a person said so",
    "control": "live and its control differ there as well",
    "self-probe": "the shadow differs from itself there as well",
}
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
            cells += [Text(_why(row), style=_GREY), _day(row.last_day)]
        made.add_row(*cells)
    console.print(made)
    console.print(_foot(summary, len(rows), total))


def why_text(row: NoiseRow | None) -> RenderableType:
    """Return in sentences whether a group is noise, with the numbers that say so."""
    if row is None:
        return Text("Nothing was counted of it that is young enough to count.")
    lines = [_answer(row), Text(_compared("live against the shadow", row.raw))]
    if row.control.of:
        lines.append(Text(_compared("live against its control", row.control)))
    if row.probe.of:
        lines.append(Text(_compared("the shadow against itself", row.probe)))
    if row.more or row.less:
        lines.append(Text(_test(row)))
    if row.not_noise and row.twins and not row.noise:
        lines.append(Text(f"it counts {_where_it_counts(row.not_noise)}"))
    if row.last_day is not None:
        lines.append(Text(f"rests on {_days(row)}", style=_GREY))
    return Group(*lines)


def _answer(row: NoiseRow) -> Text:
    if row.ruled:
        return Text(f"A person ruled: {row.ruled}.", style="bold")
    if row.noise:
        return Text(f"Yes: {_why(row)}.", style="bold green")
    if row.twins:
        text = "No: the shadow shows it more often than one version does by itself."
        return Text(text, style="bold")
    if row.control.of or row.probe.of:
        return Text("No: no two answers of one version differ so.", style="bold")
    return Text(
        "Not known: no control and no self-probe has looked at this route.",
        style="bold",
    )


def _where_it_counts(cells: Sequence[str]) -> str:
    """Return statuses and sizes in words."""
    words = []
    for cell in cells[:_FEW]:
        status, _, rest = cell.partition(" ")
        size = SIZES.get(rest.rpartition(" ")[2], "")
        words.append(f"at status {status}{size and f', {size}'}")
    more = f" and in {len(cells) - _FEW} more cases" if len(cells) > _FEW else ""
    return "; ".join(words) + more


def _compared(what: str, seen: Sightings) -> str:
    return f"{what}: {seen.seen:,.0f} of {seen.of:,.0f} ({share_text(seen.rate)})"


def _test(row: NoiseRow) -> str:
    return (
        f"of the answers that tell them apart, {row.more:,.0f} show it on the shadow "
        f"alone and {row.less:,.0f} on the one version alone: evidence "
        f"{_evidence(row.e_value)}, a divergence from {_evidence(row.e_needed)} on"
    )


def _evidence(value: float) -> str:
    return (
        f"{value:.2g}"
        if value < 100
        else f"{value:,.0f}"
        if value < 1e6
        else f"{value:.0e}"
    )


def _why(row: NoiseRow) -> str:
    if row.ruled and not row.noise:
        return "a person said so"
    if not row.noise:
        return ""
    return _WHYS.get(row.why, f"both are {shape_in_words(row.why)}")


def _where(row: NoiseRow, *, with_why: bool) -> Text:
    text = Text.assemble(visible(row.key.route, "bold"), "\n", visible(row.what))
    why = _why(row)
    return Text.assemble(text, "\n", (why, _GREY)) if with_why and why else text


def _rate(seen: Sightings) -> Text:
    if not seen.of:
        return Text("·", style=_GREY)
    return Text(share_text(seen.rate))


def _day(day: int | None) -> str:
    return (
        "-"
        if day is None
        else datetime.fromtimestamp(day * DAY, UTC).date().isoformat()
    )


def _days(row: NoiseRow) -> str:
    first, last = _day(row.first_day), _day(row.last_day)
    return (
        f"{row.days:,} days, {first} to {last}" if row.days > 1 else f"one day, {last}"
    )


def _foot(summary: NoiseSummary, shown: int, total: int) -> Text:
    text = Text(
        f"{shown:,} of {total:,}. Rates: live against the shadow, against the control, "
        f"and the shadow against itself, over {summary.compared:,.0f} compared answers."
    )
    if summary.overflow:
        text.append(
            f"\n{summary.overflow:,.0f} sightings had no room of their own "
            "(noise_cells): they count as divergences, whatever they are.",
            style="yellow",
        )
    return text
