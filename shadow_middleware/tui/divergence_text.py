"""One divergence in words: where it was, what changed, and both answers compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from shadow_middleware.evidence import DivergenceRecord, StoredDivergence
from shadow_middleware.exchange import Difference, Kind
from shadow_middleware.report.diff import Block, Diff, Line, sections
from shadow_middleware.report.figures import moment
from shadow_middleware.tui.words import (
    DIM,
    HEAD,
    columns,
    lines,
    ms,
    one_line,
    shown,
)

__all__ = ["divergence_text"]

_SIGNS = {"": "  ", "-": "- ", "+": "+ "}
_STYLES = {"": "", "-": "red", "+": "green"}
_LONGEST = 400
"""Characters of one value in the list of what changed; the diff has all of it."""
_FEW = 50
_UNFOLD = "f unfolds"


def divergence_text(
    stored: StoredDivergence, *, whole: bool, split: int | None = None
) -> Text:
    """
    Return one divergence.

    Args:
        stored: The divergence.
        whole: Whether the lines that are the same are shown as well.
        split: Columns in which both answers stand side by side; None for one below
            the other.
    """
    record = stored.record
    parts = [*_facts(stored), Text(), *_changes(record), Text()]
    for part in sections(record):
        if part.differs:
            parts += _section(part, whole=whole, split=split)
    return lines(parts)


def _facts(stored: StoredDivergence) -> list[Text]:
    record = stored.record
    times = f"live {ms(record.live_ms)} ms, shadow {ms(record.shadow_ms)} ms"
    facts = [
        ("id", Text(f"{stored.id}  ") + one_line(record.exchange_id, DIM)),
        ("request", one_line(f"{record.method} {record.path}", HEAD)),
        ("route", one_line(f"{record.route}  on {record.target}")),
        ("when", Text(f"{moment(record.at)} UTC")),
        ("status", Text(_statuses(record))),
        ("time", Text(times)),
    ]
    if record.version:
        facts.append(("version", one_line(record.version)))
    if record.after_drop:
        note = "an earlier exchange of the same key was dropped, so state may differ"
        facts.append(("note", Text(note)))
    if record.hint:
        facts.append(("hint", shown(record.hint)))
    return [Text.assemble((f"{name:<9}", DIM), value) for name, value in facts]


def _statuses(record: DivergenceRecord) -> str:
    live, shadow = record.live_status, record.shadow_status
    if live == shadow:
        return f"{live}"
    return f"{'-' if live is None else live} → {'-' if shadow is None else shadow}"


def _changes(record: DivergenceRecord) -> list[Text]:
    rows = [Text("What changed", HEAD)]
    for one in record.differences[:_FEW]:
        where = one_line(f"{one.part.value} {one.path}".rstrip())
        rows.append(Text.assemble(" • ", where, f": {one.kind.value}"))
        rows.extend(_sides(one))
    if record.differences[_FEW:]:
        rows.append(Text(f" • {len(record.differences) - _FEW:,} more", DIM))
    if record.cut:
        rows.append(Text(" • and more that was not kept", DIM))
    return rows


def _sides(one: Difference) -> Iterator[Text]:
    if one.kind is not Kind.ADDED:
        yield Text.assemble("     live    ", one_line(_short(one.live), "red"))
    if one.kind is not Kind.MISSING:
        yield Text.assemble("     shadow  ", one_line(_short(one.shadow), "green"))
    if one.note:
        yield Text.assemble("     ", one_line(one.note, DIM))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _section(part: Diff, *, whole: bool, split: int | None) -> Iterator[Text]:
    if split is None:
        yield Text.assemble((part.title, HEAD), ("  - live  + shadow", DIM))
    else:
        yield Text(part.title, HEAD)
        yield columns(Text("live", DIM), Text("shadow", DIM), _half(split))[0]
    if part.note:
        yield Text(part.note.strip(), DIM)
    for block in part.blocks:
        if block.folded and not whole:
            yield Text(f"  ··· {len(block.rows):,} equal lines ({_UNFOLD}) ···", DIM)
        elif split is None:
            yield from (_line(sign, line) for sign, line in block.unified)
        else:
            yield from _side_by_side(block, _half(split))
    yield Text()


def _half(width: int) -> int:
    """Return the columns of one side: between both stand three."""
    return max(10, (width - 3) // 2)


def _side_by_side(block: Block, half: int) -> Iterator[Text]:
    """Return each row in as many lines as the longer side takes."""
    for row in block.rows:
        live = _line("" if row.same else "-", row.live) if row.live else Text()
        shadow = _line("" if row.same else "+", row.shadow) if row.shadow else Text()
        yield from columns(live, shadow, half)


def _line(sign: str, line: Line) -> Text:
    style = _STYLES[sign]
    text = Text(_SIGNS[sign], style)
    for piece in line.pieces:
        marked = f"{style} underline bold" if piece.differs and sign else style
        text.append_text(one_line(piece.text, marked))
    return text
