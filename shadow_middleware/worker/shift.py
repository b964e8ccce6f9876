"""
One shift: a bench, and the partitions that are ours for as long as it lasts.

A shift ends whole. Where a lease was lost, be it that the process was stopped or that
the store was away, nothing that it has not written counts, and the next shift begins
from what the store says: as if the process had been killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, cast

import msgspec

from shadow_middleware.broker.seal import Seal
from shadow_middleware.broker.stream import Stream
from shadow_middleware.drivers import open_bench
from shadow_middleware.errors import BrokerError, ConfigurationError, StoreError
from shadow_middleware.evidence import Batch, Place
from shadow_middleware.exchange import Exchange, Outcome, Replay
from shadow_middleware.handoff.intake import Intake
from shadow_middleware.metrics.board import Board
from shadow_middleware.metrics.figures import Figures
from shadow_middleware.service import FLUSH_INTERVAL
from shadow_middleware.settings import Settings, to_wire
from shadow_middleware.store.partitions import Leased, Tenure, View
from shadow_middleware.worker.accounts import Accounts
from shadow_middleware.worker.balance import Balance
from shadow_middleware.worker.broker import Broker
from shadow_middleware.worker.gate import Gate, GatedSender
from shadow_middleware.worker.hearing import Hearing
from shadow_middleware.worker.partition import EXPIRED, Going, Partition, Work
from shadow_middleware.worker.placed import PlacedStore
from shadow_middleware.worker.reader import Reader

__all__ = ["Shift"]

logger = logging.getLogger("shadow_middleware.worker")

BEATS: Final = 5
"""Signs of life in the time that a lease holds."""
NO_TARGET: Final = "no_such_target"
_PATIENCE: Final = 10.0
"""Seconds that the store may take for what is written last."""


class Shift:
    """
    Works until it is stopped or its leases are lost.

    Args:
        name: Of the worker, unique over all processes and shifts.
        settings: What is replayed where, and the broker.
        broker: Connected.
        stream: As it was found.
        counted: What is counted over all shifts.
        board: Where figures are shown.
        told: Told of each replay that has ended.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        broker: Broker,
        stream: Stream,
        counted: Counter[str],
        board: Board,
        told: Callable[[Replay], None] | None = None,
    ) -> None:
        self.name, self.stream, self.counted = name, stream, counted
        self._settings, self._broker, self._board = settings, broker, board
        self._told = told
        self._loop = asyncio.get_running_loop()
        self.seal = Seal(settings.broker_seal)
        self._gate = Gate(settings.broker_lease)
        self._store = PlacedStore(settings.store_url, self._on_written, self._on_fenced)
        self._leases = self._store.partitions(stream.key)
        self._bench = open_bench(
            to_wire(msgspec.structs.replace(settings, capture_to="")),
            self._store,
            lambda sender: GatedSender(sender, self._gate),
        )
        self._ears = Hearing()
        self._bench.intakes.add(cast("Intake", self._ears))
        self._balance = Balance(name, settings.broker_lease)
        self._partitions: dict[int, Partition] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._leaving: dict[int, asyncio.Task[None]] = {}
        self._going: dict[str, Going] = {}
        self._bytes = 0
        self._accounts = Accounts(self._bench)
        self._confirming: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()
        self._leasing = asyncio.Lock()
        """Held while a lease begins or ends, and while leases are looked at."""
        self._over = asyncio.Event()
        self.lost = ""
        """Why the leases are not ours any more; '' while they are."""
        self._most = min(max(256, 32 * settings.concurrency), settings.queue_count)

    # --- what the worker asks -------------------------------------------------------------

    @property
    def partitions(self) -> list[int]:
        """Which partitions are ours."""
        return sorted(self._partitions)

    @property
    def under_way(self) -> int:
        """How many exchanges have not ended."""
        return len(self._going)

    def stop(self, *, at_once: bool = False) -> None:
        """End soon: take no more, finish what is under way. Or at once."""
        if at_once:
            self._end("stopped at once")
        self._freed.set()
        self._over.set()

    def _end(self, why: str) -> None:
        """End without finishing anything."""
        self.lost = self.lost or why
        self._gate.shut()
        self._store.seal()
        for one in self._partitions.values():
            one.stop()
        self._freed.set()
        self._over.set()

    async def run(self) -> None:
        """Work, then give everything back."""
        self._bench.complete = self._complete
        self._bench.pipeline.on_end = self._on_end
        await asyncio.to_thread(self._leases.begin, self.stream.partitions)
        self._bench.start()
        beating = self._loop.create_task(self._beat())
        flushing = self._loop.create_task(self._flush())
        try:
            await self._over.wait()
            if not self.lost:
                await self._finish()
        finally:
            self._end("")
            tasks = [beating, flushing, *self._tasks.values(), *self._leaving.values()]
            await _cancelled(tasks)
            await self._leave()
            await self._bench.close(0.0)
            await asyncio.to_thread(self._ears.close, 1.0)
            await asyncio.to_thread(self._store.close)

    async def _finish(self) -> None:
        """Let what is under way end in time, write it, and hand the partitions on."""
        async with self._leasing:  # what is just being taken is handed on as well
            await self._leave()
        for one in self._partitions.values():
            one.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(self._settings.drain_timeout, 0.1)):
                await asyncio.gather(*self._tasks.values(), return_exceptions=True)
                await self._until(lambda: not self._going)
        await self._write()
        for number in list(self._partitions):
            await self._release(number)

    async def _leave(self) -> None:
        """Have others take our part; once more at the end, as a beat may have come since."""
        with contextlib.suppress(StoreError):
            await asyncio.to_thread(self._leases.forget, self.name)

    # --- leases ---------------------------------------------------------------------------

    async def _beat(self) -> None:
        trouble = ""
        while True:
            try:
                async with self._leasing:
                    since = self._gate.now()
                    view = await asyncio.to_thread(self._leases.beat, self.name)
                    trouble = ""
                    if self._is_ours(view):
                        self._gate.renewed(since)
                        await self._move(view)
            except StoreError as error:
                if str(error) != trouble:
                    trouble = str(error)
                    logger.warning("no sign of life could be given: %s", error)
            if self._partitions and not self._gate.is_open and not self.lost:
                self._end("the store was away, or this process stood still, too long")
            await asyncio.sleep(self._settings.broker_lease / BEATS)

    def _is_ours(self, view: View) -> bool:
        """Whether every lease is still ours; else this shift is over."""
        epochs = {
            one.partition: one.epoch for one in view.leases if one.owner == self.name
        }
        for number, one in self._partitions.items():
            if epochs.get(number) != one.tenure.epoch:
                self._end(f"another worker has partition {number}")
                return False
        return True

    async def _move(self, view: View) -> None:
        now = self._gate.now()
        self._balance.look(view, now)
        if self._over.is_set():
            return
        moves = self._balance.moves(view, self._partitions, now)
        for lease in moves.take:
            await self._adopt(lease)
            if self._over.is_set():
                return
        for number in moves.give:
            if number not in self._leaving:
                self._leaving[number] = self._loop.create_task(self._give(number))
        for name in self._balance.gone(now):
            await asyncio.to_thread(self._leases.forget, name)

    async def _adopt(self, lease: Leased) -> None:
        tenure = await asyncio.to_thread(self._leases.take, self.name, lease)
        if tenure is None or self.lost:
            return
        self.counted["taken"] += 1
        one = Partition(tenure, self, self._settings.broker_age)
        self._partitions[tenure.partition] = one
        self._tasks[tenure.partition] = self._loop.create_task(self._work(one))

    async def _work(self, partition: Partition) -> None:
        try:
            await partition.run()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            logger.exception("partition %d failed", partition.tenure.partition)
            self._end(f"partition {partition.tenure.partition}: {error}")

    async def _give(self, number: int) -> None:
        """Hand one partition on, once all that was begun of it has ended."""
        one = self._partitions[number]
        one.stop()
        await asyncio.gather(self._tasks[number], return_exceptions=True)
        await self._until(lambda: not one.under_way)
        await self._write()
        await self._release(number)
        self.counted["given"] += 1
        del self._leaving[number]

    async def _release(self, number: int) -> None:
        one, tenure = self._partitions[number], self._partitions[number].tenure
        try:
            if (place := one.unclaimed) is not None:
                await self.claim(tenure, place)
            await one.written()
            await one.close()
            async with self._leasing:
                release = self._leases.release
                await asyncio.to_thread(release, self.name, number, tenure.epoch)
                self._forget(number)
        except StoreError as error:
            logger.warning("partition %d is given up only in time: %s", number, error)
            self._forget(number)

    def _forget(self, number: int) -> None:
        self._partitions.pop(number, None)
        self._tasks.pop(number, None)

    async def _write(self) -> None:
        """See that all that has ended is in the store."""
        self._bench.flush()
        self._bench.note(Batch())
        await asyncio.to_thread(self._bench.written, _PATIENCE)

    # --- what partitions ask ----------------------------------------------------------------

    async def reader(self, tenure: Tenure) -> Reader:
        """Return a reader over a connection that stands, once the leases are ours."""
        await self._see_that_it_is_ours()
        client = await self._broker.client()
        reader = Reader(client, self.stream, tenure.partition, tenure.epoch)
        # Whoever opens one ends that of another worker, so it has to be ours for certain.
        await self._gate.opened()
        await reader.open()
        return reader

    async def _see_that_it_is_ours(self) -> None:
        """
        End where the stream was removed: places in it say nothing of another one.

        Raises:
            BrokerError: it is not ours, or it cannot be asked.
        """
        try:
            found = await self._broker.found()
        except ConfigurationError as error:
            self._end(str(error))
            raise BrokerError(str(error)) from None
        if found.key != self.stream.key:
            self._end("the stream was removed and made anew")
            raise BrokerError("the stream was made anew")

    async def room(self, partition: Partition, weight: int) -> bool:
        """Wait until one more may be under way; False where the shift is over."""
        await self._until(lambda: self._has_room(partition, weight))
        return not self.lost

    def _has_room(self, partition: Partition, weight: int) -> bool:
        if not self._going:
            return True
        if len(self._partitions) > 1 and partition.under_way * 2 >= self._most:
            return False  # one slow key holds up its partition, and not all of them
        fits = self._bytes + weight <= self._settings.queue_bytes
        return fits and len(self._going) < self._most

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not (holds() or self.lost):
            self._freed.clear()
            await self._freed.wait()

    def begin(self, partition: Partition, work: Work) -> None:
        """Replay an exchange."""
        exchange, bench = work.exchange, self._bench
        going = self._going[exchange.id] = Going(partition, work)
        self._bytes += work.weight
        self.counted["begun"] += 1
        self._accounts.meet(exchange.session)
        lanes = {lane.name for lane in bench.pipeline.lanes}
        for target in work.targets:
            if target not in lanes:
                self._accounts.count(exchange, target, Outcome.SKIPPED, NO_TARGET)
                bench.sessions.all_ended[target] += 1
        # Some end at once, so what is left is read only when all have been told.
        lanes_taken = bench.pipeline.accept(exchange, work.weight, work.targets)
        going.left += lanes_taken
        if not going.left:
            self._ended(going)

    def expire(self, exchange: Exchange, targets: Sequence[str]) -> None:
        """Count an exchange that has waited for too long."""
        self.counted["expired"] += 1
        for target in targets:
            self._accounts.count(exchange, target, Outcome.DROPPED, EXPIRED)

    async def claim(self, tenure: Tenure, place: int) -> None:
        """Note that writes below a place may have been sent."""
        while not self.lost:
            try:
                ours = await asyncio.to_thread(
                    self._leases.claim, tenure.partition, tenure.epoch, place
                )
            except StoreError as error:
                logger.warning("writes wait for the store: %s", error)
                await asyncio.sleep(0.5)
                continue
            if not ours:
                self._end(f"another worker has partition {tenure.partition}")
            return

    # --- what ends --------------------------------------------------------------------------

    def _on_end(self, replay: Replay) -> None:
        going = self._going.get(replay.exchange.id)
        if going is None:
            return
        going.left -= 1
        self.counted[f"outcome:{replay.outcome.value}"] += 1
        if self._told is not None:
            self._told(replay)
        if not going.left:
            self._ended(going)

    def _ended(self, going: Going) -> None:
        del self._going[going.work.exchange.id]
        self._bytes -= going.work.weight
        self.counted["ended"] += 1
        self._accounts.part(going.work.exchange.session)
        going.partition.ended(going.work)
        self._freed.set()

    def _complete(self, batch: Batch) -> Batch:
        """Say with each batch how far the partitions have come."""
        ours = list(self._partitions.values())
        passed = [one for partition in ours for one in partition.passed()]
        places = [place for one in ours if (place := one.place()) is not None]
        return msgspec.structs.replace(
            batch,
            places=places,
            passed=passed,
            progress=[*batch.progress, *self._accounts.progress()],
        )

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_INTERVAL)
            self._bench.flush()
            # Places move without outcomes too: past what was there twice, or expired.
            self._bench.note(Batch())
            self._board.show([(self._bench.place, self.figures())])

    def _on_written(self, places: Sequence[Place]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._confirm, list(places))

    def _confirm(self, places: list[Place]) -> None:
        for place in places:
            one = self._partitions.get(place.partition)
            if one is not None and one.tenure.epoch == place.epoch:
                self._confirming.add(
                    task := self._loop.create_task(one.written(place.mark))
                )
                task.add_done_callback(self._confirming.discard)

    def _on_fenced(self, why: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._end, why)

    def figures(self) -> Figures:
        """Return what is to be shown of it now."""
        figures = self._bench.figures()
        if not figures:
            return figures
        figures.pop(("live_processes", ()), None)
        for key in [one for one in figures if one[0] == "under_way"]:
            del figures[key]  # a worker that dies takes nothing with it
        counted = self.counted
        return {
            **figures,
            ("worker_partitions", ()): len(self._partitions),
            ("worker_redelivered", ()): counted["redelivered"],
            ("worker_fenced", ()): counted["fenced"],
            ("worker_undecodable", ()): counted["undecodable"],
            ("worker_broker_away", ()): float(not self._broker.is_there),
        }


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    """End tasks, also those whose library takes a cancellation for a broken connection."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=1.0)
    await asyncio.gather(*tasks, return_exceptions=True)
