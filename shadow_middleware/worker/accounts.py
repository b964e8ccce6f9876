"""The accounts of live processes in a shift: open while it has something of them."""

from __future__ import annotations

import time
from collections import Counter

from shadow_middleware.evidence import Progress
from shadow_middleware.exchange import Exchange, Outcome
from shadow_middleware.service import Bench

__all__ = ["Accounts"]


class Accounts:
    """
    What is under way of each live process, and what ends without a part of any lane.

    Args:
        bench: Counts what ends.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._met: Counter[str] = Counter()
        self._strangers: Counter[tuple[str, str]] = Counter()

    def meet(self, session: str) -> None:
        """Have a session's account open while it has something under way here."""
        sessions = self._bench.sessions
        sessions.all_selected += 1
        self._met[session] += 1
        if self._met[session] == 1:
            sessions.selected(session, 0)

    def part(self, session: str) -> None:
        """Close it with the last that it had under way."""
        self._met[session] -= 1
        if not self._met[session]:
            del self._met[session]
            self._bench.sessions.leave(session)

    def count(
        self, exchange: Exchange, target: str, outcome: Outcome, reason: str
    ) -> None:
        """Count what no lane has a part in; its account is not ours but the agent's."""
        self._strangers[exchange.session, target] += 1
        self._bench.recorder.count(
            target, exchange.endpoint, outcome, reason, at=exchange.at
        )

    def progress(self) -> list[Progress]:
        """Return what was counted so since the last time, for those accounts."""
        strangers, self._strangers = self._strangers, Counter()
        now = time.time()
        return [
            Progress(*key, selected=0, ended=number, at=now)
            for key, number in strangers.items()
        ]
