"""
What a drill came to: the ledger beside the store. Reads, and changes nothing.

The ledger is the truth: what live was asked, what it answered, what the shadow got.
The store is what the product says of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from typing import Final

import msgspec

from benchmarks.drill.ledger import Ledger, is_write
from shadow_middleware.errors import StoreError
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.traffic.files import capture_files, read_file
from shadow_middleware.traffic.ndjson import Account as Capture
from shadow_middleware.traffic.recorded import Recorded

__all__ = ["Account", "account", "captured_in", "ended_in", "p99", "recovered_after"]

LATE: Final = 1.0
"""Seconds that a copy may take while all is well."""


class Account(msgspec.Struct, frozen=True):
    """What became of all requests of a drill."""

    asked: int
    errors: int
    """Requests that live did not answer, or not with what it should have."""
    turned_away: int
    """Those of them that no process of live has had: their server refused them."""
    selected: int
    """What the store says was selected for the shadow."""
    outcomes: dict[str, int]
    """What the store says became of it; reasons after a colon, where it was not sent."""
    never_came: int
    """Requests of which the shadow never got a copy."""
    writes_twice: int
    reads_twice: int
    reordered: int

    @property
    def whole(self) -> bool:
        """Whether the law of conservation holds, exactly."""
        return self.came == self.selected == sum(self.outcomes.values())

    @property
    def came(self) -> int:
        """How many requests there were to mirror."""
        return self.asked - self.turned_away


def account(ledger: Ledger, store_url: str) -> Account:
    """Return what became of everything, once all processes have ended."""
    numbers = list(ledger.numbers())
    outcomes: Counter[str] = Counter()
    with closing(SqlStore(store_url)) as store:
        for row in store.totals():
            outcome = str(row.outcome)
            sent = outcome in ("match", "noise", "divergence")
            outcomes[outcome if sent else f"{outcome}: {row.reason}"] += row.count
        selected = sum(row.selected for row in store.progress())
    copies, status, reached = ledger.copies, ledger.status, ledger.reached
    return Account(
        asked=len(numbers),
        errors=sum(status[number] != 200 for number in numbers),
        turned_away=sum(status[n] != 200 and not reached[n] for n in numbers),
        selected=selected,
        outcomes=dict(sorted(outcomes.items())),
        never_came=sum(not copies[number] for number in numbers),
        writes_twice=sum(copies[n] > 1 for n in numbers if is_write(n)),
        reads_twice=sum(copies[n] > 1 for n in numbers if not is_write(n)),
        reordered=ledger.reordered,
    )


def captured_in(folder: str, asked: int) -> str:
    """Return in words what capture files hold, and whether they account for all."""
    held, accounts = 0, list[Capture]()
    for path in capture_files(folder):
        for each in read_file(path):
            held += isinstance(each, Recorded)
            if isinstance(each, Capture):
                accounts.append(each)
    missing = sum((Counter(each.not_written) for each in accounts), Counter[str]())
    taken, written = (
        sum(each.taken for each in accounts),
        sum(each.written for each in accounts),
    )
    exact = taken == asked == held + missing.total() and held == written
    lost = "".join(f", {n:,} {reason}" for reason, n in sorted(missing.items()))
    return f"captures: {held:,} written{lost}, {'exact' if exact else '**not exact**'}"


def ended_in(store_url: str) -> int:
    """Return how many exchanges have come to an end so far, as the store says; or -1."""
    try:
        with closing(SqlStore(store_url, create=False)) as store:
            return sum(row.ended for row in store.progress())
    except StoreError:
        return -1


def p99(ledger: Ledger, begin: float, end: float) -> float:
    """Return the 99th percentile of live's answers, in seconds, between two times."""
    took = sorted(
        ledger.took[n] for n in ledger.usual() if begin <= ledger.sent[n] < end
    )
    return took[int(len(took) * 0.99)] if took else 0.0


def recovered_after(ledger: Ledger, since: float, until: float = float("inf")) -> float:
    """
    Return how long copies stayed away or late after a fault, in seconds.

    From then on, each request reached the shadow within a second of its answer.
    """
    return max(
        (ledger.sent[n] - since for n in _missed(ledger, since, until)), default=0.0
    )


def _missed(ledger: Ledger, since: float, until: float) -> Iterable[int]:
    for number in ledger.usual():
        sent = ledger.sent[number]
        if since <= sent < until:
            late = ledger.arrived[number] - sent - ledger.took[number]
            if not ledger.copies[number] or late > LATE:
                yield number
