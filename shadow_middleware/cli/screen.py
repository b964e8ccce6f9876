"""
What every screen shares: the console, the tables, and text that is safe to print.

What comes from traffic is never read as markup, and no control character of it
reaches the terminal.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import msgspec
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shadow_middleware.report.figures import milliseconds, moment, percent, printable

__all__ = [
    "COLOURS",
    "bar",
    "bullets",
    "console",
    "moment",
    "ms",
    "print_json",
    "share_text",
    "table",
    "visible",
]

COLOURS = {
    "match": "green",
    "noise": "green",
    "divergence": "red",
    "shadow_error": "magenta",
    "timeout": "magenta",
    "live_error": "yellow",
    "incomparable": "yellow",
    "skipped": "bright_black",
    "dropped": "yellow",
}
_PIPE_WIDTH = 100


def console() -> Console:
    """Return the console for results: colours on a terminal, plain text elsewhere."""
    terminal = sys.stdout.isatty()
    width = None if terminal or "COLUMNS" in os.environ else _PIPE_WIDTH
    return Console(width=width, highlight=False, markup=False, emoji=False)


def table(*columns: str, right: tuple[str, ...] = (), **kwargs: Any) -> Table:
    """Return an empty table whose `right` columns hold numbers."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", **kwargs)
    for name in columns:
        number = name in right
        made.add_column(
            name,
            justify="right" if number else "left",
            no_wrap=number,
            overflow="ellipsis" if number else "fold",
        )
    return made


def bullets(*sentences: Text) -> Table:
    """Return sentences as a list whose lines hang under each other."""
    made = Table.grid(padding=(0, 1))
    for sentence in sentences:
        made.add_row(" •", sentence)
    return made


def print_json(kind: str, data: dict[str, Any]) -> None:
    """Print one JSON document; `format` names its shape and the shape's version."""
    document = {"format": f"shadow-middleware/{kind}/1", **data}
    text = json.dumps(msgspec.to_builtins(document, str_keys=True))
    # Python writes NaN and Infinity, which no other JSON reader takes.
    plain = json.loads(text, parse_constant=lambda name: None)
    typer.echo(json.dumps(plain, indent=2))


def visible(text: str, style: str = "") -> Text:
    """Return text of the outside, with every control character made visible."""
    return Text(printable(text), style=style)


def ms(value: float | None) -> str:
    """Return milliseconds with as many digits as matter, or a dash."""
    return "-" if value is None else milliseconds(value)


def share_text(share: float | None) -> str:
    """Return a share as a percentage, or a dash where there is none."""
    return "-" if share is None else percent(share)


def bar(share: float, width: int = 20) -> str:
    """Return a bar that is seen as soon as there is anything at all."""
    filled = round(share * width) or (1 if share > 0 else 0)
    return "█" * filled
