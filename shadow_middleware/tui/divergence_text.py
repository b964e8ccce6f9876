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
from shadow_middleware.tui.words import DIM, HEAD, lines, ms, one_line, shown

__all__ = ["divergence_text"]

_SIGNS = {"": "  ", "-": "- ", "+": "+ "}
_STYLES = {"": "", "-": "red", "+": "green"}
_LONGEST = 400
"""Characters of one value in the list of what changed; the diff has all of it."""
_FEW = 50
_UNFOLD = "f unfolds"


def divergence_text(stored: StoredDivergence, *, whole: bool) -> Text:
    """Return one divergence; `whole` also shows the lines that are the same."""
    record = stored.record
    parts = [*_facts(stored), Text(), *_changes(record), Text()]
    for part in sections(record):
        if part.differs:
            parts += _section(part, whole=whole)
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


def _section(part: Diff, *, whole: bool) -> Iterator[Text]:
    yield Text.assemble((part.title, HEAD), ("  - live  + shadow", DIM))
    if part.note:
        yield Text(part.note.strip(), DIM)
    for block in part.blocks:
        if block.folded and not whole:
            yield Text(f"  ··· {len(block.rows):,} equal lines ({_UNFOLD}) ···", DIM)
        else:
            yield from _block(block)
    yield Text()


def _block(block: Block) -> Iterator[Text]:
    for sign, line in block.unified:
        yield _line(sign, line)


def _line(sign: str, line: Line) -> Text:
    style = _STYLES[sign]
    text = Text(_SIGNS[sign], style)
    for piece in line.pieces:
        marked = f"{style} underline bold" if piece.differs and sign else style
        text.append_text(one_line(piece.text, marked))
    return text
