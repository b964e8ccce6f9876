"""
Claims the writes of a run before they are sent, so that none is ever sent twice.

A claim is written to the store, which takes milliseconds. The next one is made while
the present one still has room, so that no write waits for it at its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from shadow_middleware.offline.ledger import Ledger

__all__ = ["CLAIMED_AHEAD", "Claims"]

CLAIMED_AHEAD: Final = 64
"""Places that are claimed ahead: so many writes at most have an unknown fate."""


class Claims:
    """
    Makes sure that a write is claimed when it is sent. For one loop.

    Args:
        ledger: Knows how far the claim reaches.
        claim: Notes in the store that writes may be sent up to a place; called on a
            thread. None notes nothing.
    """

    def __init__(self, ledger: Ledger, claim: Callable[[int], None] | None) -> None:
        self._ledger = ledger
        self._claim = claim
        self._ahead: asyncio.Task[None] | None = None

    async def cover(self, place: int) -> None:
        """Return when a write at that place may be sent; raise as the store does."""
        if self._ahead is not None and self._ahead.done():
            await self._settled()
        if place >= self._ledger.claimed:
            await self._settled()
        if place >= self._ledger.claimed:
            await self._below(place + CLAIMED_AHEAD)
        elif self._ahead is None and self._is_used_up(place):
            ahead = self._below(place + CLAIMED_AHEAD)
            self._ahead = asyncio.get_running_loop().create_task(ahead)

    async def finish(self) -> None:
        """Give back what is claimed and was not come to; raise as the store does."""
        await self._settled()
        if self._ledger.claimed > self._ledger.next:
            await self._below(self._ledger.next)

    def _is_used_up(self, place: int) -> bool:
        return place >= self._ledger.claimed - CLAIMED_AHEAD // 2

    async def _settled(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            await ahead

    async def _below(self, place: int) -> None:
        if self._claim is not None:
            await asyncio.to_thread(self._claim, place)
        self._ledger.claimed = place
