"""Text in columns: the rows of a CSV, so that a cell is named by its column."""

from __future__ import annotations

import csv
import io
import re

__all__ = ["SEPARATORS", "NotATable", "rows_of", "separator_of"]

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""What may stand between two columns, and what it is called."""
NUMBER = re.compile(r"[-+]?[\d.,]+%?")

Row = list[str] | dict[str, str]


class NotATable(ValueError):
    """The text cannot be read in columns."""


def separator_of(head: str) -> str:
    """Return what stands most often between the names in the first line."""
    return max(SEPARATORS, key=head.count)


def rows_of(text: str) -> list[Row]:
    """
    Return the first row as a list, and the rest by the names in it, if it has names.

    Cells beyond the names are named by their number.

    Raises:
        NotATable: a quote is not closed, or a cell is longer than `csv` takes.
    """
    separator = separator_of(text.partition("\n")[0])
    lines = io.StringIO(text, newline="")
    try:
        rows = list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error as error:
        raise NotATable(str(error)) from None
    if not rows or not _are_names(rows[0]):
        return [*rows]
    names = rows[0]
    return [names, *(_named(names, row) for row in rows[1:])]


def _are_names(cells: list[str]) -> bool:
    distinct = {cell.strip() for cell in cells}
    return len(distinct) == len(cells) and not any(
        not cell or NUMBER.fullmatch(cell) for cell in distinct
    )


def _named(names: list[str], row: list[str]) -> dict[str, str]:
    return {
        names[number] if number < len(names) else str(number): cell
        for number, cell in enumerate(row)
    }
