"""Times as servers write them, in seconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.traffic.importers.options import Unreadable

__all__ = ["Clock", "iso_seconds", "zone_of"]

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1
    )
}
_CLF: Final = re.compile(
    rb"(\d{1,2})/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d)(\.\d{1,9})?"
    rb"(?: ([+-])(\d\d)(\d\d))?\Z"
)
_OFFSET: Final = re.compile(r"([+-])(\d\d):?(\d\d)\Z")
_HELD: Final = 4096


class Clock:
    """Reads times, and remembers the last ones: lines of one second share theirs."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._held: dict[tuple[str, bytes], float] = {}

    def clf(self, text: bytes) -> float:
        """Return `10/Oct/2000:13:55:36.123 -0700`, in the given zone if it has none."""
        return self._remembered("", text)

    def iso(self, text: bytes) -> float:
        """Return `2026-01-31T12:00:00.5+01:00`, in the given zone if it has none."""
        return self._remembered("iso", text)

    def formatted(self, text: bytes, form: str) -> float:
        """Return a time that strftime wrote with the format, in C's locale."""
        return self._remembered(form, text)

    def _remembered(self, form: str, text: bytes) -> float:
        held = self._held.get((form, text))
        if held is None:
            if len(self._held) >= _HELD:
                self._held.clear()
            held = self._held[form, text] = self._read(form, text)
        return held

    def _read(self, form: str, text: bytes) -> float:
        try:
            if not form:
                return self._clf(text)
            if form == "iso":
                return iso_seconds(text.decode("ascii"), self._zone)
            return self._seconds(datetime.strptime(text.decode("utf-8"), form))
        except (ValueError, OverflowError, KeyError):
            shown = text[:40].decode("utf-8", "replace")
            raise Unreadable(f"{shown!r} is no time") from None

    def _clf(self, text: bytes) -> float:
        found = _CLF.match(text)
        if found is None:
            raise ValueError
        day, month, year, hour, minute, second, part, sign, hours, minutes = (
            found.groups()
        )
        naive = datetime(
            int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second)
        )
        fraction = float(part or 0)
        if sign is None:
            return self._seconds(naive) + fraction
        away = timedelta(hours=int(hours), minutes=int(minutes)).total_seconds()
        whole = naive.replace(tzinfo=UTC).timestamp()
        return whole - (away if sign == b"+" else -away) + fraction

    def _seconds(self, moment: datetime) -> float:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        return moment.timestamp()


def iso_seconds(text: str, zone: tzinfo = UTC) -> float:
    """
    Return an ISO 8601 time in seconds.

    Raises:
        ValueError: it is none, or out of range.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.timestamp()


def zone_of(text: str) -> tzinfo:
    """
    Return the zone that `UTC`, `+01:00` or `Europe/Vienna` means.

    Raises:
        ConfigurationError: it means none.
    """
    found = _OFFSET.match(text)
    if found:
        away = timedelta(hours=int(found[2]), minutes=int(found[3]))
        if away < timedelta(days=1):
            return timezone(away if found[1] == "+" else -away)
    try:
        return UTC if text.upper() in ("UTC", "Z") else ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f"{text!r} is no time zone; write UTC, +01:00 or a name like Europe/Vienna"
        ) from None
