"""
What is in capture files: counts, spans, routes, what is missing, and what is damaged.

Built up record by record, in memory that does not grow with the files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from shadow_middleware.evidence import OVERFLOW
from shadow_middleware.exchange import Exchange
from shadow_middleware.traffic.files import PART
from shadow_middleware.traffic.frames import Damage
from shadow_middleware.traffic.ndjson import Account, Head
from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = ["FileFacts", "Sizes", "Survey"]

_MOST_NAMES: Final = 5_000
_MOST_SESSIONS: Final = 1_000_000
_MOST_BAD: Final = 20
"""Bad records of one file that are kept to be shown."""


class FileFacts:
    """What one file holds, and whether that is all it should."""

    def __init__(self, path: str, size: int | None) -> None:
        self.path = path
        self.size = size
        """Bytes on disk; None of a stream."""
        self.records = 0
        self.bad = 0
        self.shown: list[BadRecord] = []
        """The first bad records."""
        self.heads = 0
        self.accounts = 0
        self.told = 0
        """Exchanges that its accounts say are in it."""
        self.closed = False
        self.unfinished = False

    def take(self, read: Recorded | Head | Account | BadRecord | Damage) -> None:
        """Take note of the next thing that was read."""
        match read:
            case Recorded():
                self.records += 1
                self.closed = False
            case Head():
                self.heads += 1
            case Account():
                self.accounts += 1
                self.told += read.written
                self.closed = read.closed
            case BadRecord():
                self.bad += 1
                if len(self.shown) < _MOST_BAD:
                    self.shown.append(read)
            case Damage():
                self.unfinished = True

    @property
    def is_being_written(self) -> bool:
        """Whether its name says so."""
        return self.path.endswith(PART)

    @property
    def lost(self) -> int:
        """How many exchanges its accounts speak of that cannot be read."""
        return max(0, self.told - self.records)

    @property
    def state(self) -> str:
        """`ok`, `damaged`, `being written`, or `not closed` by a writer that died."""
        if self.bad or self.lost:
            return "damaged"
        if self.closed or not self.accounts:
            return "ok" if not self.unfinished else self._open()
        return self._open()

    def _open(self) -> str:
        return "being written" if self.is_being_written else "not closed"


class Sizes(msgspec.Struct):
    """How large the bodies of one side are."""

    count: int = 0
    total: int = 0
    largest: int = 0
    cut: int = 0
    """Of how many only the beginning was kept."""

    def take(self, length: int, *, complete: bool) -> None:
        """Take note of one body."""
        if length:
            self.count += 1
            self.total += length
            self.largest = max(self.largest, length)
            self.cut += not complete


class Survey:
    """What any number of files hold, all together."""

    def __init__(self) -> None:
        self.files: list[FileFacts] = []
        self.exchanges = 0
        self.first: float | None = None
        self.last: float | None = None
        self.routes: Counter[str] = Counter()
        """`GET /users/{id}`."""
        self.methods: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.requests = Sizes()
        self.responses = Sizes()
        self.with_session = 0
        self._sessions: set[str] = set()
        self.missing: Counter[str] = Counter()
        self.masked: Counter[str] = Counter()
        self.withheld: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.live_errors = 0
        self.not_written: Counter[str] = Counter()
        """What the writers sampled and did not write, by reason."""
        self.software: Counter[str] = Counter()

    def file(self, path: str, size: int | None) -> FileFacts:
        """Begin another file."""
        facts = FileFacts(path, size)
        self.files.append(facts)
        return facts

    def take(self, read: Recorded | Head | Account | BadRecord | Damage) -> None:
        """Take note of the next thing that was read of the last file."""
        self.files[-1].take(read)
        if isinstance(read, Recorded):
            self._record(read)
        elif isinstance(read, Account):
            self.not_written.update(read.not_written)
        elif isinstance(read, Head) and read.software:
            _count(self.software, [read.software])

    @property
    def sessions(self) -> int:
        """How many different sessions there are; beyond a million, a million."""
        return len(self._sessions)

    @property
    def bad(self) -> int:
        """How many pieces of all files are no exchange."""
        return sum(file.bad for file in self.files)

    @property
    def lost(self) -> int:
        """How many exchanges the accounts speak of that cannot be read."""
        return sum(file.lost for file in self.files)

    @property
    def sampled(self) -> int:
        """Exchanges that were to be captured: read, lost since, or not written."""
        return self.exchanges + self.lost + self.not_written.total()

    def _record(self, read: Recorded) -> None:
        exchange = read.exchange
        self.exchanges += 1
        self._time(exchange.at)
        _count(self.routes, [exchange.endpoint])
        _count(self.methods, [exchange.request.method])
        _count(self.missing, read.missing)
        _count(self.masked, read.masked)
        _count(self.withheld, exchange.withheld)
        if exchange.skip:
            _count(self.skipped, [exchange.skip])
        self.live_errors += exchange.live_error is not None
        if exchange.key is not None:
            self.with_session += 1
            if len(self._sessions) < _MOST_SESSIONS:
                self._sessions.add(exchange.key)
        self._bodies(exchange)

    def _time(self, at: float) -> None:
        self.first = at if self.first is None else min(self.first, at)
        self.last = at if self.last is None else max(self.last, at)

    def _bodies(self, exchange: Exchange) -> None:
        body = exchange.request.body
        self.requests.take(body.length, complete=body.complete)
        if exchange.response is None:
            _count(self.statuses, ["none"])
            return
        _count(self.statuses, [str(exchange.response.status)])
        body = exchange.response.body
        self.responses.take(body.length, complete=body.complete)


def _count(counter: Counter[str], names: Iterable[str]) -> None:
    for name in names:
        room = name in counter or len(counter) < _MOST_NAMES
        counter[str(name) if room else OVERFLOW] += 1
