"""Times as people write them: `30m` and `7d`, or `2026-01-31T12:00`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

__all__ = ["moment_in", "seconds_in"]

_LENGTH: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def seconds_in(text: str) -> float | None:
    """Return the seconds that `30m` or `7d` mean; None where it means none."""
    found = _LENGTH.fullmatch(text)
    return float(found[1]) * _UNITS[found[2]] if found else None


def moment_in(text: str, now: float) -> float | None:
    """Return the Unix seconds that it means: a date in UTC, or so long before now."""
    seconds = seconds_in(text)
    if seconds is not None:
        return now - seconds
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
