"""What a replay will meet: one reading of the files before anything is sent. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable

import msgspec

from shadow_middleware.exchange import Exchange
from shadow_middleware.offline.making import exchange_of, needs_answer
from shadow_middleware.offline.picking import Picked, Picks
from shadow_middleware.settings import SAFE_METHODS
from shadow_middleware.traffic.recorded import BadRecord, Recorded
from shadow_middleware.transform.outgoing import host_of

__all__ = ["Survey", "survey"]

_MOST_HOSTS = 1_000


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    read: int = 0
    """Records, bad ones included."""
    picked: int = 0
    """Exchanges that are to be replayed."""
    filtered: int = 0
    bad: int = 0
    bad_ones: tuple[BadRecord, ...] = ()
    """The first of them."""
    unanswered: int = 0
    """Those picked of which no answer was recorded."""
    unsendable: int = 0
    """Those picked that cannot be sent, whatever is asked for."""
    writes: dict[str, int] = {}
    """Those picked that write and are not among the methods to send, by method."""
    sessions: int = 0
    """Different keys, as far as they are told apart."""
    missing: dict[str, int] = {}
    masked: int = 0
    """Those picked in which marks stand for secrets."""
    first_at: float | None = None
    last_at: float | None = None
    hosts: tuple[str, ...] = ()
    """Where live was, as `http://host`."""


class _Tally:
    def __init__(self, methods: Collection[str]) -> None:
        self.methods = methods
        self.picked = self.unanswered = self.unsendable = self.masked = 0
        self.writes: Counter[str] = Counter()
        self.hosts: set[str] = set()
        self.keys: set[str] = set()
        self.times: list[float] = []

    def add(self, record: Recorded) -> None:
        exchange = record.exchange
        self.picked += 1
        self.masked += bool(record.masked)
        self.unsendable += exchange_of(record, 0, 0.0).skip is not None
        method = exchange.request.method
        if method not in self.methods:
            self.writes[method] += method not in SAFE_METHODS
        else:
            self.unanswered += needs_answer(record)
        self.times = [
            min(exchange.at, *self.times[:1]) if self.times else exchange.at,
            max(exchange.at, *self.times[1:]) if self.times else exchange.at,
        ]
        self._add_names(exchange)

    def _add_names(self, exchange: Exchange) -> None:
        host = host_of(exchange.request)
        if host and len(self.hosts) < _MOST_HOSTS:
            self.hosts.add(f"{exchange.request.scheme}://{host.lower()}")
        if exchange.key is not None and len(self.keys) < 1_000_000:
            self.keys.add(exchange.key)


def survey(
    records: Iterable[Recorded | BadRecord],
    picks: Picks,
    methods: Collection[str],
    told: Callable[[int], None] = lambda read: None,
) -> Survey:
    """
    Return what a replay of the records will meet.

    Args:
        records: As they will be read again.
        picks: What is asked for.
        methods: Those that may be sent.
        told: Called now and then with how many were read.
    """
    picked, tally = Picked(picks), _Tally(methods)
    for record in picked.among(records):
        tally.add(record)
        if not tally.picked % 1_000:
            told(picked.read)
    return Survey(
        read=picked.read,
        picked=tally.picked,
        filtered=picked.filtered,
        bad=picked.bad,
        bad_ones=tuple(picked.bad_ones),
        unanswered=tally.unanswered,
        unsendable=tally.unsendable,
        writes={name: n for name, n in sorted(tally.writes.items()) if n},
        sessions=len(tally.keys),
        missing=dict(picked.missing),
        masked=tally.masked,
        first_at=tally.times[0] if tally.times else None,
        last_at=tally.times[1] if tally.times else None,
        hosts=tuple(sorted(tally.hosts)),
    )
