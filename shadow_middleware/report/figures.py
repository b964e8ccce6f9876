"""Figures and foreign text as people read them, the same on every face."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["milliseconds", "moment", "percent", "printable"]


def percent(share: float) -> str:
    """Return a share as people read it: 0 % and 100 % mean none and all."""
    rounded = round(share * 100, 2)
    if 0 < share < 1:
        rounded = min(max(rounded, 0.01), 99.99)
    return f"{rounded:.2f}".rstrip("0").rstrip(".") + " %"


def milliseconds(value: float) -> str:
    """Return milliseconds with as many digits as matter, without a unit."""
    size = abs(value)
    digits = 2 if size < 1 else 1 if size < 100 else 0
    return f"{value:,.{digits}f}"


def moment(at: float) -> str:
    """Return a time in UTC, as `2026-01-31 12:00:00`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def printable(text: str) -> str:
    """Return text of the outside on which every character can be seen; lines stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else _shown(c) for c in text)


def _shown(character: str) -> str:
    return "    " if character == "\t" else ascii(character)[1:-1]
