"""What an import found, in numbers: exchanges, what they lack, and what was no exchange."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from shadow_middleware.traffic.recorded import BadRecord, Missing, Recorded

__all__ = ["MEANS", "Account", "Source"]

MEANS: Final = {
    Missing.REQUEST_HEADERS: "only the headers that were logged are sent",
    Missing.REQUEST_BODY: "these requests cannot be sent faithfully",
    Missing.RESPONSE: "nothing to compare with but a second target",
    Missing.RESPONSE_HEADERS: "headers that were not logged are not compared",
    Missing.RESPONSE_BODY: "bodies are not compared with live's",
    Missing.TIMING: "latencies are not compared",
    Missing.EXACT_TARGET: "path and query were decoded, and are encoded again",
}
"""What each lack means for a replay."""
_SHOWN: Final = 5
_SESSIONS: Final = 200_000


class Source(msgspec.Struct):
    """What one file held."""

    name: str
    format: str
    exchanges: int = 0
    bad: int = 0


class Account:
    """Counts what goes by, in bounded memory."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.first_bad: list[BadRecord] = []
        """The first few."""
        self.reasons: Counter[str] = Counter()
        """Bad records by reason."""
        self.missing: Counter[Missing] = Counter()
        self.masked = 0
        """Exchanges with marks in place of secrets."""
        self.withheld: Counter[str] = Counter()
        """Credential headers that were left out, by name."""
        self.begin: float | None = None
        self.end: float | None = None
        self._sessions: set[str] = set()

    @property
    def exchanges(self) -> int:
        """How many there are in all."""
        return sum(source.exchanges for source in self.sources)

    @property
    def bad(self) -> int:
        """How many pieces were no exchange."""
        return sum(source.bad for source in self.sources)

    @property
    def sessions(self) -> int:
        """How many keys there are; no more than 200,000 are told apart."""
        return len(self._sessions)

    def add(self, source: Source, recorded: Recorded) -> None:
        """Count an exchange, as it is written."""
        exchange = recorded.exchange
        source.exchanges += 1
        self.missing.update(recorded.missing)
        self.withheld.update(exchange.withheld)
        self.masked += bool(recorded.masked)
        self.begin = exchange.at if self.begin is None else min(self.begin, exchange.at)
        self.end = exchange.at if self.end is None else max(self.end, exchange.at)
        if exchange.key is not None and len(self._sessions) < _SESSIONS:
            self._sessions.add(exchange.key)

    def add_bad(self, source: Source, bad: BadRecord) -> None:
        """Count a piece that is no exchange."""
        source.bad += 1
        if bad.reason in self.reasons or len(self.reasons) < 100:
            self.reasons[bad.reason] += 1
        if len(self.first_bad) < _SHOWN:
            self.first_bad.append(bad)
