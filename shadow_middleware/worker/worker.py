"""A worker from its first connection to its end: one shift after the other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from shadow_middleware.broker.stream import Stream
from shadow_middleware.errors import StoreError
from shadow_middleware.exchange import Replay
from shadow_middleware.metrics.board import Board
from shadow_middleware.settings import Settings
from shadow_middleware.worker.broker import Broker
from shadow_middleware.worker.shift import Shift

__all__ = ["Status", "Worker"]

logger = logging.getLogger("shadow_middleware.worker")

FIRST_REST: Final = 0.5
LONGEST_REST: Final = 15.0


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is at."""

    worker: str
    """Its name: host, process and shift."""
    partitions: list[int]
    """Those that are ours now."""
    of: int
    """How many the stream has."""
    under_way: int
    ended: int
    """Exchanges, since the worker began."""
    outcomes: dict[str, int]
    """Replays that ended in this process, by outcome."""
    redelivered: int
    fate_unknown: int
    """Writes that another worker may have sent: they were not sent again."""
    expired: int
    shifts: int
    """More than one says that leases were lost, and nothing with them."""
    waiting: int | None
    """Messages at the broker that are not settled; None while it cannot be asked."""
    waiting_bytes: int | None
    broker: bool
    """Whether the broker is there."""


class Worker:
    """
    Replays what agents publish, until it is stopped. For one loop.

    Args:
        settings: With a broker, a store, and the targets.
        told: Told of each replay that has ended.
    """

    def __init__(
        self, settings: Settings, told: Callable[[Replay], None] | None = None
    ) -> None:
        self._settings = settings
        self._told = told
        self._broker = Broker(settings)
        self._board = Board()
        self._counted: Counter[str] = Counter()
        self._shift: Shift | None = None
        self._stopping = asyncio.Event()
        self._at_once = False
        self._host = f"{socket.gethostname()}:{os.getpid()}"

    def stop(self) -> None:
        """End soon: finish what is under way. A second time: at once."""
        self._at_once = self._stopping.is_set()
        self._stopping.set()
        if self._shift is not None:
            self._shift.stop(at_once=self._at_once)

    async def run(self) -> None:
        """
        Work until stopped.

        Raises:
            BrokerError: there is no broker when it begins; later it is waited for.
            ConfigurationError: the stream is not as the settings say.
            StoreError: the store cannot be used when it begins.
        """
        await self._broker.begin()
        rest, began = FIRST_REST, False
        try:
            while not self._stopping.is_set():
                try:
                    await self._work()
                    began, rest = True, FIRST_REST
                except StoreError as error:
                    if not began and not self._counted["shifts"]:
                        raise
                    logger.warning("%s; the next shift begins later", error)
                    await self._pause(rest)
                    rest = min(LONGEST_REST, 2 * rest)
        finally:
            await self._broker.close()
            await asyncio.to_thread(self._board.close)

    async def _work(self) -> None:
        """Do one shift."""
        stream = await self._found()
        if stream is None:
            return
        name = f"{self._host}:{secrets.token_hex(3)}"
        # Opening a store may wait for the database, and a broker's ping does not.
        shift = self._shift = Shift(
            name,
            self._settings,
            self._broker,
            stream,
            self._counted,
            self._board,
            self._told,
        )
        self._counted["shifts"] += 1
        if self._stopping.is_set():
            shift.stop(at_once=self._at_once)
        await shift.run()
        if shift.lost and not self._stopping.is_set():
            self._counted["fenced"] += 1
            logger.warning(
                "this shift is over: %s; what it had not written is done over",
                shift.lost,
            )

    async def _found(self) -> Stream | None:
        """Return the stream, however long the broker is away; None once stopped."""
        anew = self._shift is not None
        finding = asyncio.ensure_future(self._broker.stream(anew=anew))
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({finding, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if finding.done():
            return finding.result()
        finding.cancel()
        await asyncio.wait({finding})
        return None

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def status(self) -> Status:
        """Return what it is at, and what waits at the broker."""
        counted, shift = self._counted, self._shift
        stream = await self._broker.backlog()
        return Status(
            worker=shift.name if shift else self._host,
            partitions=shift.partitions if shift else [],
            of=self._settings.broker_partitions,
            under_way=shift.under_way if shift else 0,
            ended=counted["ended"] + counted["expired"],
            outcomes={
                name.removeprefix("outcome:"): number
                for name, number in sorted(counted.items())
                if name.startswith("outcome:")
            },
            redelivered=counted["redelivered"],
            fate_unknown=counted["fate_unknown"],
            expired=counted["expired"],
            shifts=counted["shifts"],
            waiting=stream.messages if stream else None,
            waiting_bytes=stream.size if stream else None,
            broker=self._broker.is_there,
        )
