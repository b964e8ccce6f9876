"""What only the store in memory promises: it is bounded."""

from __future__ import annotations

from shadow_middleware.evidence import Batch
from shadow_middleware.store.memory import MemoryStore
from tests.store.evidence import MINUTE, count, divergence


def test_the_oldest_divergences_go() -> None:
    """The newest to arrive stay."""
    store = MemoryStore(most_divergences=2)
    for number in range(5):
        store.write(Batch(divergences=[divergence(f"a-{number}")]))

    assert ["a-4", "a-3"] == [one.record.exchange_id for one in store.divergences()]


def test_the_oldest_minutes_go() -> None:
    """A process that runs for years holds no more than it may."""
    store = MemoryStore(most_keys=3)
    for minute in range(MINUTE, MINUTE + 10):
        store.write(Batch(counts=[count(1, minute=minute)]))

    assert (MINUTE + 7, MINUTE + 9) == store.span()
    assert [3] == [total.count for total in store.totals()]
