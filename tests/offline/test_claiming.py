"""Writes are claimed before they are sent, and ahead of the time when they are due."""

from __future__ import annotations

import asyncio
import threading

import pytest

from shadow_middleware.offline.claiming import CLAIMED_AHEAD, Claims
from shadow_middleware.offline.ledger import Ledger


def test_every_write_is_claimed_when_it_is_covered_and_few_beyond_it() -> None:
    """At most 64 writes have an unknown fate; what was not come to is given back."""
    ledger, stored = Ledger(), [0]

    async def run() -> None:
        claims = Claims(ledger, stored.append)
        for place in range(500):
            await claims.cover(place)
            assert place < stored[-1] <= place + CLAIMED_AHEAD
            ledger.begin(place)
        await claims.finish()

    asyncio.run(run())

    assert (500, 500) == (stored[-1], ledger.claimed)


def test_no_write_waits_for_a_claim_that_was_begun_in_time() -> None:
    """The store takes its time for the next claim while writes go on under this one."""
    ledger, going, at_work = Ledger(), threading.Event(), threading.Event()

    def claim(place: int) -> None:
        if place > CLAIMED_AHEAD:
            at_work.set()
            assert going.wait(20)

    async def run() -> int:
        claims = Claims(ledger, claim)
        for place in range(CLAIMED_AHEAD):
            await claims.cover(place)
            ledger.begin(place)
        assert await asyncio.to_thread(at_work.wait, 20)
        claimed = ledger.claimed
        going.set()
        await claims.finish()
        return claimed

    assert CLAIMED_AHEAD == asyncio.run(run())


def test_a_store_that_fails_ends_the_run_before_the_write_is_sent() -> None:
    """Also where it failed while it was asked ahead of time."""
    ledger = Ledger()

    def claim(place: int) -> None:
        if place > CLAIMED_AHEAD:
            raise OSError("the disk is full")

    async def run() -> None:
        claims = Claims(ledger, claim)
        for place in range(CLAIMED_AHEAD + 1):
            await claims.cover(place)

    with pytest.raises(OSError, match="the disk is full"):
        asyncio.run(run())
    assert CLAIMED_AHEAD == ledger.claimed
