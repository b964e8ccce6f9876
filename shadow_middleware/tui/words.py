"""
Figures and foreign text for a screen of cells.

What comes from traffic becomes `Text`, which is never read as markup, with every
control character made visible. A style only repeats what the words say.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate, zip_longest

from rich.cells import chop_cells
from rich.text import Text

from shadow_middleware.report.figures import milliseconds, moment, percent, printable

__all__ = [
    "DIM",
    "HEAD",
    "beside",
    "clock",
    "columns",
    "lines",
    "ms",
    "one_line",
    "share",
    "shown",
]

DIM = "dim"
HEAD = "bold"


def shown(text: str, style: str = "") -> Text:
    """Return text of the outside; its lines stay."""
    return Text(printable(text), style=style)


def one_line(text: str, style: str = "") -> Text:
    """Return text of the outside in one line."""
    return Text(printable(text).replace("\n", "\\n"), style=style)


def share(value: float | None) -> str:
    """Return a share as a percentage, or a dash."""
    return "-" if value is None else percent(value)


def ms(value: float | None, *, signed: bool = False) -> str:
    """Return milliseconds without their unit, or a dash."""
    if value is None:
        return "-"
    return f"{'+' if signed and value >= 0 else ''}{milliseconds(value)}"


def clock(at: float) -> str:
    """Return the time of day in UTC, as `12:00:00 UTC`."""
    return f"{moment(at)[11:]} UTC"


def lines(parts: Iterable[Text]) -> Text:
    """Return the parts, each on a line of its own."""
    return Text("\n").join(parts)


def beside(left: list[Text], right: list[Text], room: int) -> list[Text]:
    """Return two blocks side by side, the right one `room` cells from the edge."""
    rows = []
    for at in range(max(len(left), len(right))):
        one = left[at].copy() if at < len(left) else Text()
        if at < len(right):
            one.pad_right(max(0, room - one.cell_len))
            one.append_text(right[at])
        rows.append(one)
    return rows


def columns(left: Text, right: Text, width: int) -> list[Text]:
    """Return two long lines beside each other, each broken where its column ends."""
    rows = []
    for one, other in zip_longest(_broken(left, width), _broken(right, width)):
        row = one.copy() if one else Text()
        row.pad_right(width - row.cell_len)
        row.append(" │ ", DIM)
        rows.append(row.append_text(other) if other else row)
    return rows


def _broken(text: Text, width: int) -> list[Text]:
    ends = list(accumulate(len(part) for part in chop_cells(text.plain, width)))
    return list(text.divide(ends[:-1]))
