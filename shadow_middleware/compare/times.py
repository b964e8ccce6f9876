"""Times as answers write them: which format a value has, and which second it means."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import NamedTuple

__all__ = ["Moment", "moment_of", "number_moment"]

DAY = 86_400
EPOCH = date(1970, 1, 1).toordinal()
UNITS = (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9))
EARLIEST, LATEST = 10**9, 4 * 10**9
"""Seconds since the epoch that a number may mean: the years 2001 to 2096."""
FIRST = frozenset("0123456789SMTWF")
"""What a time begins with: a digit, or the first letter of a day."""
LONGEST = 40
"""Characters of the longest text that is read as a time."""

ISO = re.compile(
    r"(\d{4})([-/])(\d\d)\2(\d\d)"
    r"(?:([T ])(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?( ?)"
    r"(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?"
)
BASIC = re.compile(
    r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d{4})?"
)
HTTP = re.compile(
    r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) "
    r"(GMT|UTC|[+-]\d{4})"
)
CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?")
MONTHS = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)


class Moment(NamedTuple):
    """What a value says of time."""

    format: str
    """How it is written, with digits and zone as letters."""
    seconds: float
    """Unix seconds, as if in UTC where no zone is stated; of a clock, within the day."""
    zone: str = ""
    """The zone as written; '' where none is."""
    step: int = 1
    """Seconds between two values that can be told apart: 60 without seconds."""
    form: str = "full"
    """`full`, `date` or `clock`."""


def moment_of(text: str) -> Moment | None:
    """Return the time that a text is, or None."""
    if not 8 <= len(text) <= LONGEST or text[0] not in FIRST:
        return None
    for pattern, read in _READERS:
        found = pattern.fullmatch(text)
        if found is not None:
            try:
                return read(found)
            except ValueError:
                return None
    return None


def number_moment(value: int | float) -> Moment | None:
    """Return the time that a number since the epoch is, or None."""
    if isinstance(value, float):
        whole = EARLIEST <= value < LATEST
        return Moment("epoch-s.f", value, "+") if whole else None
    for unit, per_second in UNITS:
        if EARLIEST * per_second <= value < LATEST * per_second:
            return Moment(f"epoch-{unit}", value / per_second, "+")
    return None


def _iso(found: re.Match[str]) -> Moment:
    year, dash, month, day, mark, hour, minute, second, fraction, gap, zone = (
        found.groups(default="")
    )
    days = _days(year, month, day)
    dates = f"YYYY{dash}MM{dash}DD"
    if not mark:
        return Moment(dates, days * DAY, form="date")
    seconds = days * DAY + _clock(hour, minute, second or "0", fraction)
    written = f"{dates}{mark}hh:mm{':ss' if second else ''}{_digits(fraction)}{gap}"
    return Moment(
        f"{written}{_zone_form(zone)}",
        seconds - _offset(zone),
        zone,
        1 if second else 60,
    )


def _basic(found: re.Match[str]) -> Moment:
    year, month, day, hour, minute, second, fraction, zone = found.groups(default="")
    seconds = _days(year, month, day) * DAY + _clock(hour, minute, second, fraction)
    written = f"YYYYMMDDThhmmss{_digits(fraction)}{_zone_form(zone)}"
    return Moment(written, seconds - _offset(zone), zone)


def _http(found: re.Match[str]) -> Moment:
    day, month, year, hour, minute, second, zone = found.groups()
    days = _days(year, str(MONTHS.index(month) + 1), day)
    seconds = days * DAY + _clock(hour, minute, second, "")
    return Moment(f"http-date {_zone_form(zone)}", seconds - _offset(zone), zone)


def _time(found: re.Match[str]) -> Moment:
    hour, minute, second, fraction = found.groups(default="")
    written = f"hh:mm:ss{_digits(fraction)}"
    return Moment(written, _clock(hour, minute, second, fraction), form="clock")


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Moment]], ...] = (
    (ISO, _iso),
    (HTTP, _http),
    (BASIC, _basic),
    (CLOCK, _time),
)


def _days(year: str, month: str, day: str) -> int:
    return date(int(year), int(month), int(day)).toordinal() - EPOCH


def _clock(hour: str, minute: str, second: str, fraction: str) -> float:
    if int(hour) > 24 or int(minute) > 59 or int(second) > 60:
        raise ValueError
    parts = int(hour) * 3600 + int(minute) * 60 + int(second)
    return parts + (float(f"0.{fraction}") if fraction else 0.0)


def _digits(fraction: str) -> str:
    # Some writers leave out zeros at the end, so three digits are one precision.
    return "." + "f" * (-(-len(fraction) // 3) * 3) if fraction else ""


def _zone_form(zone: str) -> str:
    if zone[:1] in ("+", "-"):
        return {3: "+hh", 5: "+hhmm", 6: "+hh:mm"}[len(zone)]
    return zone


def _offset(zone: str) -> int:
    if zone[:1] not in ("+", "-"):
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:] or "0") * 60
    return -seconds if zone[0] == "-" else seconds
