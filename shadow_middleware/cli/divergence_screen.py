"""Divergences as a person reads them: a list, and one with what changed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shadow_middleware.cli.screen import moment, ms, table, visible
from shadow_middleware.evidence import DivergenceRecord, StoredDivergence
from shadow_middleware.exchange import Difference, Part

__all__ = ["show_divergence", "show_list", "show_short_diff"]

_MAX_DIFF_LINES = 2_000
"""Lines of a body that difflib, which is quadratic at worst, gets to see."""
_NARROW = 80
_SHORT = 16
"""Lines of a short diff."""
_LEGEND = ("  - live  + shadow", "dim")


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
    if any(one.part is Part.HEADER for one in record.differences):
        live, shadow = _lines(record.live_headers), _lines(record.shadow_headers)
        _show_diff(console, "Headers", live, shadow)
    _show_diff(console, "Body", _pretty(record.live_body), _pretty(record.shadow_body))
    if full:
        _show_full(console, record)


def show_short_diff(console: Console, stored: StoredDivergence) -> None:
    """Print the beginning of what differs, headers where they do, and the body."""
    record = stored.record
    sides = [
        (_lines(record.live_headers), _lines(record.shadow_headers)),
        (_pretty(record.live_body), _pretty(record.shadow_body)),
    ]
    in_headers = any(one.part is Part.HEADER for one in record.differences)
    lines: list[str] = []
    for live, shadow in sides[0 if in_headers else 1 :]:
        lines += _diff_lines(live, shadow)
    if not lines:
        return
    console.print(Text.assemble((f"In sample {stored.id}", "bold cyan"), _LEGEND))
    for line in lines[:_SHORT]:
        console.print(Padding(visible(line, _diff_style(line)), (0, 0, 0, 1)))
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


def _show_diff(
    console: Console, title: str, live: list[str], shadow: list[str]
) -> None:
    if live == shadow:
        return
    console.print(Text.assemble((title, "bold cyan"), _LEGEND))
    for line in _diff_lines(live, shadow):
        console.print(Padding(visible(line, _diff_style(line)), (0, 0, 0, 1)))
    console.print()


def _diff_lines(live: list[str], shadow: list[str]) -> list[str]:
    diff = difflib.unified_diff(
        live[:_MAX_DIFF_LINES], shadow[:_MAX_DIFF_LINES], lineterm="", n=2
    )
    return list(diff)[2:]


def _diff_style(line: str) -> str:
    return {"-": "red", "+": "green", "@": "cyan"}.get(line[:1], "")


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
    """Return the body's lines; a JSON document's with one value a line."""
    try:
        body = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body.splitlines()
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
