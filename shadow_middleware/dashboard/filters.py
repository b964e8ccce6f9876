"""What of the evidence a page is about, as its URL says: target, route and time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from shadow_middleware.report.times import moment_in

__all__ = ["NUMBER", "PERIODS", "Filters", "filters_of", "problems_of"]

NUMBER: Final[Sequence[str]] = ()
"""What a parameter may be that is no choice but a whole number."""

PERIODS: Final = {
    "": "all time",
    "15m": "last 15 minutes",
    "1h": "last hour",
    "24h": "last 24 hours",
    "7d": "last 7 days",
}
"""What the filter offers; the URL may name any other time."""


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which evidence is meant. A field that is None means all of it."""

    target: str | None = None
    route: str | None = None
    since: str = ""
    """As it was asked for: `1h`, or a time; '' is from the beginning."""
    start: float | None = None
    """The same in Unix seconds."""
    problem: str = ""
    """What could not be read of it, in a sentence; all evidence is meant then."""

    @property
    def period(self) -> str:
        """The time in words."""
        return PERIODS.get(self.since, f"since {self.since}")

    @property
    def query(self) -> dict[str, str]:
        """What a link carries on to keep the filter."""
        kept = {"target": self.target, "since": self.since}
        return {name: value for name, value in kept.items() if value}


def filters_of(query: Mapping[str, str], now: float) -> Filters:
    """Return what the query of a URL says; `now` in Unix seconds."""
    since, problem = query.get("since", "").strip(), ""
    start = moment_in(since, now)
    if since and start is None:
        problem = (
            f"{since!r} is no time: write 30m, 24h, 7d, or 2026-01-31T12:00 (UTC). "
            "Shown is all time."
        )
        since = ""
    return Filters(
        target=query.get("target") or None,
        route=query.get("route") or None,
        since=since,
        start=start,
        problem=problem,
    )


def problems_of(
    choices: Mapping[str, Sequence[str]], query: Mapping[str, str]
) -> Iterator[str]:
    """Yield a sentence for each parameter that is nothing it may be: see `choices`."""
    for name, allowed in choices.items():
        text = query.get(name, "")
        if not text or text in allowed:
            continue
        if allowed is not NUMBER:
            right = f"write {', '.join(allowed)}, or leave it out"
        elif text.isascii() and text.isdigit() and len(text) < 10:
            continue
        else:
            right = "write a whole number"
        yield f"{name}={text[:60]!r} is not known here: {right}. Shown is what comes without it."
