"""Divergences as a person reads them: a list, and one with what changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shadow_middleware.cli.screen import moment, ms, table, visible
from shadow_middleware.evidence import DivergenceRecord, StoredDivergence
from shadow_middleware.exchange import Difference
from shadow_middleware.report.diff import Diff, sections

__all__ = ["show_divergence", "show_list", "show_short_diff"]

_NARROW = 80
_SHORT = 16
"""Lines of a short diff."""
_LEGEND = ("  - live  + shadow", "dim")
_STYLES = {"-": "red", "+": "green", "·": "cyan"}


def show_list(
    console: Console,
    found: Sequence[StoredDivergence],
    total: int,
    run: str | None = None,
) -> None:
    """Print divergences one a line, and how many there are in all."""
    if not found:
        console.print("No stored divergence fits.")
        return
    narrow = console.width < _NARROW
    heads = ["id", "route", "status", "what differs"]
    if not narrow:
        heads.insert(1, "when (UTC)")
    rows = table(*heads, right=("id",))
    for one in found:
        record = one.record
        cells: list[str | Text] = [
            str(one.id),
            visible(record.route),
            _statuses(record),
            visible(_what(record)),
        ]
        if not narrow:
            cells.insert(1, moment(record.at))
        rows.add_row(*cells)
    console.print(rows)
    console.print(f"{len(found):,} of {total:,}, the newest first.")
    console.print(
        Text(
            "One in full: shadow-middleware divergences show ID"
            + (f" --run {run}" if run else ""),
            style="bright_black",
        )
    )


def show_divergence(
    console: Console, stored: StoredDivergence, *, full: bool = False
) -> None:
    """Print what is kept of one divergence: what changed, then the difference."""
    record = stored.record
    _show_head(console, stored)
    _show_changes(console, record.differences)
    if record.cut:
        console.print(
            "The comparison reached its budget: there may be more differences "
            "(`max_differences`, `compare_budget`)."
        )
    for part in _compared(record):
        console.print(Text.assemble((part.title, "bold cyan"), _LEGEND))
        _show_lines(console, _diff_lines(part))
        console.print()
    if full:
        _show_full(console, record)


def show_short_diff(console: Console, stored: StoredDivergence) -> None:
    """Print the beginning of what differs, headers where they do, and the body."""
    lines = [line for part in _compared(stored.record) for line in _diff_lines(part)]
    if not lines:
        return
    console.print(Text.assemble((f"In sample {stored.id}", "bold cyan"), _LEGEND))
    _show_lines(console, lines[:_SHORT])
    left = len(lines) - _SHORT
    more = f" ({left:,} more lines)" if left > 0 else ""
    whole = f"Whole: shadow-middleware divergences show {stored.id}{more}"
    console.print(Text(whole, style="bright_black"))
    console.print()


def _show_head(console: Console, stored: StoredDivergence) -> None:
    record = stored.record
    console.print(
        Text.assemble(
            ("Divergence ", "bold cyan"),
            (f"{stored.id}", "bold cyan"),
            " on ",
            visible(record.target, "bold"),
        )
    )
    lines = [
        ("request", visible(f"{record.method} {record.path}")),
        ("route", visible(record.route)),
        ("when", Text(f"{moment(record.at)} UTC")),
        ("exchange", visible(record.exchange_id)),
        ("status", _statuses(record)),
        (
            "time",
            Text(f"live {ms(record.live_ms)} ms, shadow {ms(record.shadow_ms)} ms"),
        ),
    ]
    if record.after_drop:
        note = "an earlier exchange of the same key was dropped, so state may differ"
        lines.append(("note", Text(note, style="yellow")))
    if record.hint:
        lines.append(("hint", visible(record.hint, "yellow")))
    grid = Table.grid(padding=(0, 2))
    for name, value in lines:
        grid.add_row(Text(name, style="bright_black"), value)
    console.print(Padding(grid, (0, 0, 1, 1)))


def _show_changes(console: Console, differences: Iterable[Difference]) -> None:
    console.print(Text("What changed", style="bold cyan"))
    rows = table("where", "kind", "live", "shadow")
    for one in differences:
        where = visible(f"{one.part.value} {one.path}".rstrip())
        if one.note:
            where = where + Text(f"\n{visible(one.note)}", style="bright_black")
        live, shadow = _side(one, "added", one.live), _side(one, "missing", one.shadow)
        rows.add_row(where, one.kind.value, live, shadow)
    console.print(rows)


def _side(one: Difference, absent_kind: str, value: Any) -> Text:
    if one.kind.value == absent_kind:
        return Text("(none)", style="bright_black")
    return visible(_short(value), "red" if absent_kind == "added" else "green")


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _compared(record: DivergenceRecord) -> list[Diff]:
    """Return what is shown of headers, where one was found to differ, and of bodies."""
    _, headers, body = sections(record)
    shown = [headers, body] if headers.compared else [body]
    return [one for one in shown if one.differs or one.note]


def _diff_lines(part: Diff) -> Iterator[str]:
    """Yield the lines of a diff, each begun by its sign; `·` is ours."""
    if part.note:
        yield f"· {part.note}"
    for block in part.blocks:
        if block.folded:
            yield f"··· {len(block.rows):,} equal lines"
            continue
        for sign, line in block.unified:
            yield (sign or " ") + "".join(piece.text for piece in line.pieces)


def _show_lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        style = _STYLES.get(line[:1], "")
        console.print(Padding(visible(line, style), (0, 0, 0, 1)))


def _show_full(console: Console, record: DivergenceRecord) -> None:
    sides = [
        ("Request", _lines(record.request_headers), _pretty(record.request_body)),
        ("Live answer", _lines(record.live_headers), _pretty(record.live_body)),
        ("Shadow answer", _lines(record.shadow_headers), _pretty(record.shadow_body)),
    ]
    for title, headers, body in sides:
        console.print(Text(title, style="bold cyan"))
        text = visible("\n".join([*headers, "", *body]))
        console.print(Padding(text, (0, 0, 1, 1)))


def _lines(headers: Iterable[tuple[str, str]]) -> list[str]:
    return sorted(f"{name.lower()}: {value}" for name, value in headers)


def _pretty(body: str) -> list[str]:
    """Return the body's lines; a JSON document's with one value a line, as it was sent."""
    try:
        return msgspec.json.format(body, indent=2).splitlines()
    except (ValueError, RecursionError):
        return body.splitlines()


def _statuses(record: DivergenceRecord) -> Text:
    live, shadow = record.live_status, record.shadow_status
    if live == shadow:
        return Text(f"{live}")
    arrow = f"{'-' if live is None else live} → {'-' if shadow is None else shadow}"
    return Text(arrow, style="bold red")


def _what(record: DivergenceRecord) -> str:
    if not record.differences:
        return "the bytes"
    first = record.differences[0]
    what = f"{first.part.value} {first.path}".rstrip() + f" {first.kind.value}"
    more = len(record.differences) - 1
    return f"{what} and {more} more" if more else what
