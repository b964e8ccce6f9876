"""Which recorded exchanges are replayed, and what becomes of the others. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from shadow_middleware.exchange import Exchange
from shadow_middleware.selection import Globs, sticky_share
from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = ["Picked", "Picks"]

_SHOWN: Final = 10
"""Bad records that are shown."""


class Picks(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. A field that is empty or None fits all."""

    methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    """Globs."""
    routes: tuple[str, ...] = ()
    """Globs over `/users/{id}`, or over `GET /users/{id}` where they have a method."""
    statuses: tuple[str, ...] = ()
    """Live's, as `200` or `5xx`."""
    session: str | None = None
    """The pseudonym of a session, or the beginning of one."""
    since: float | None = None
    """Live began to serve it at or after this time, in Unix seconds."""
    until: float | None = None
    """Live began to serve it before."""
    skip: int = 0
    """How many of those that fit are left out first."""
    limit: int | None = None
    """How many are replayed at most."""
    sample: float = 1.0
    """Share of sessions (of exchanges, where they have none) that is replayed."""


class Picked:
    """Picks among the records of one reading, and counts what it met."""

    def __init__(self, picks: Picks) -> None:
        self._picks = picks
        self._paths = Globs(picks.paths)
        self._plain = Globs([one for one in picks.routes if " " not in one])
        self._named = Globs([one for one in picks.routes if " " in one])
        self.read = 0
        """Records, bad ones included."""
        self.filtered = 0
        self.bad = 0
        self.bad_ones: list[BadRecord] = []
        """The first of them."""
        self.missing: Counter[str] = Counter()
        """What sources did not record, and of how many that were picked."""
        self._fitting = self._given = 0

    def among(self, records: Iterable[Recorded | BadRecord]) -> Iterator[Recorded]:
        """Yield what is to be replayed; it ends with the last that is asked for."""
        picks = self._picks
        for record in records:
            self.read += 1
            if isinstance(record, BadRecord):
                self.bad += 1
                if len(self.bad_ones) < _SHOWN:
                    self.bad_ones.append(record)
            elif not self._is_wanted(record.exchange):
                self.filtered += 1
            else:
                self._given += 1
                self.missing.update(str(one) for one in record.missing)
                yield record
                if picks.limit is not None and self._given >= picks.limit:
                    return

    def _is_wanted(self, exchange: Exchange) -> bool:
        if not self._fits(exchange):
            return False
        self._fitting += 1
        return self._fitting > self._picks.skip

    def _fits(self, exchange: Exchange) -> bool:
        return (
            self._fits_time(exchange)
            and self._fits_request(exchange)
            and self._fits_status(exchange)
            and self._is_sampled(exchange)
        )

    def _fits_time(self, exchange: Exchange) -> bool:
        picks, at = self._picks, exchange.at
        since, until = picks.since, picks.until
        return (since is None or at >= since) and (until is None or at < until)

    def _fits_request(self, exchange: Exchange) -> bool:
        picks, request = self._picks, exchange.request
        if picks.methods and request.method not in picks.methods:
            return False
        if picks.session and not (exchange.key or "").startswith(picks.session):
            return False
        if self._paths and not self._paths.match(request.path.decode("latin-1")):
            return False
        if not picks.routes:
            return True
        return self._plain.match(exchange.route) or self._named.match(exchange.endpoint)

    def _fits_status(self, exchange: Exchange) -> bool:
        if not self._picks.statuses:
            return True
        if exchange.response is None:
            return False
        status = str(exchange.response.status)
        return any(
            status == one or (one[1:] == "xx" and status[:1] == one[:1])
            for one in self._picks.statuses
        )

    def _is_sampled(self, exchange: Exchange) -> bool:
        if self._picks.sample >= 1.0:
            return True
        name = exchange.key if exchange.key is not None else exchange.id
        return sticky_share(b"offline:" + name.encode()) < self._picks.sample
