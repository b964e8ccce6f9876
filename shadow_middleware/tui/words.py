"""
Figures and foreign text for a screen of cells.

What comes from traffic becomes `Text`, which is never read as markup, with every
control character made visible. A style only repeats what the words say.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from shadow_middleware.report.figures import milliseconds, moment, percent, printable

__all__ = [
    "DIM",
    "HEAD",
    "beside",
    "clock",
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
