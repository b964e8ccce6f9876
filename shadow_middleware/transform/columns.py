"""Text in columns without its secrets: a column whose name says so goes as a whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from shadow_middleware.compare.tables import separator_of

__all__ = ["redact_columns"]


def redact_columns(text: str, hides: Callable[[str], bool], instead: str) -> str:
    """
    Return the rows with each cell of a hidden column replaced.

    Text without such a column comes back as it is. What cannot be read in columns is
    replaced as a whole, if the first line names one.

    Args:
        text: The first row holds the names; it may be cut anywhere.
        hides: Whether a column of this name goes.
        instead: What stands in its cells then.
    """
    head, _, _ = text.partition("\n")
    separator = separator_of(head)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error:
        names = (name.strip('"') for name in head.split(separator))
        return instead if any(map(hides, map(_bare, names))) else text
    names_row = rows[0] if rows else []
    hidden = {at for at, name in enumerate(names_row) if hides(_bare(name))}
    if not hidden:
        return text
    written = io.StringIO(newline="")
    end = "\r\n" if head.endswith("\r") else "\n"
    writer = csv.writer(written, delimiter=separator, lineterminator=end)
    writer.writerow(names_row)
    for row in rows[1:]:
        writer.writerow(_without(row, hidden, instead))
    return written.getvalue()


def _without(row: list[str], hidden: set[int], instead: str) -> list[str]:
    return [instead if at in hidden and cell else cell for at, cell in enumerate(row)]


def _bare(name: str) -> str:
    return name.strip("\ufeff \t\r")
