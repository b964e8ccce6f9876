"""
What lets requests out only while the leases hold.

A worker that was stopped and goes on, or that does not reach the store, must not send
what another one may be sending by now. So whoever sends looks at the clock first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from shadow_middleware.exchange import Request
from shadow_middleware.replay.base import Answer, Sender

__all__ = ["Gate", "GatedSender"]

MARGIN: Final = 0.8
"""The share of a lease for which its holder trusts it; others wait for all of it."""


class Gate:
    """
    Open until the lease that was renewed last has nearly run out.

    Args:
        lease: Seconds that leases hold.
        clock: Seconds of a clock that runs on while a process is stopped.
    """

    def __init__(
        self, lease: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lease = lease
        self.now = clock
        self._until = float("-inf")
        self._is_over = False
        self._opened = asyncio.Event()

    def renewed(self, since: float) -> None:
        """Take note that the leases were renewed; it was asked for at `since`."""
        if not self._is_over:
            self._until = since + self._lease * MARGIN
            self._opened.set()

    async def opened(self) -> None:
        """Wait until it is open."""
        while not self.is_open:
            self._opened.clear()
            await self._opened.wait()

    def shut(self) -> None:
        """Let nothing out any more, whatever is renewed."""
        self._is_over = True
        self._until = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether the leases are ours for certain."""
        return self.now() < self._until


class GatedSender:
    """
    A sender that sends nothing while the gate is shut.

    A lease that ran out may be found to be ours still, as where this process stood
    still and nobody took it: then what waited goes out. Where it is not, the shift is
    over, and so is all that waits.
    """

    def __init__(self, sender: Sender, gate: Gate) -> None:
        self._sender = sender
        self._gate = gate

    async def send(self, request: Request) -> Answer:
        """Send as soon as it is allowed, or wait for the end."""
        await self._gate.opened()
        return await self._sender.send(request)

    async def aclose(self) -> None:
        """Release every connection."""
        await self._sender.aclose()
