"""
The scheduler of one target: order within a key, parallel across keys, bounded.

A fixed number of workers takes jobs from one queue. A job whose key is already
under way waits behind it, in a line of its own, so a stuck key holds nobody else.
Everything happens on one event loop; nothing here may be called from a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

__all__ = ["Scheduler"]

Job = TypeVar("Job")

_Entry = tuple[Job, str | None, int, int]
"""Job, key, size, and number of arrival."""

_GRACE = 1.0
"""Seconds that cancelled workers may take to let go of what they hold."""


class Scheduler(Generic[Job]):
    """
    Runs `handle(job)` for every job submitted, at most `concurrency` at a time.

    Args:
        handle: Does the work. What it raises ends the job, not the worker.
        concurrency: How many workers; they start as they are needed.
        max_count: How many jobs may wait.
        max_bytes: How many bytes jobs may hold, waiting and in flight.
        on_error: Told of each job whose handler raised, so that it can be counted.
    """

    def __init__(
        self,
        handle: Callable[[Job], Awaitable[None]],
        *,
        concurrency: int,
        max_count: int,
        max_bytes: int,
        on_error: Callable[[Job, BaseException], None] | None = None,
    ) -> None:
        self._handle = handle
        self._concurrency = concurrency
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._on_error = on_error
        self._ready: deque[_Entry[Job]] = deque()
        self._behind: dict[str, deque[_Entry[Job]]] = {}
        self._running: dict[int, _Entry[Job]] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._idle: list[asyncio.Future[None]] = []
        self._finished: asyncio.Event | None = None
        self._arrivals = 0
        self._closed = False
        self._stopped = False
        self.depth = 0
        """Jobs that wait."""
        self.bytes = 0
        """Bytes held by jobs that wait or are in flight."""

    @property
    def in_flight(self) -> int:
        """Jobs that are being handled now."""
        return len(self._running)

    def resize(self, concurrency: int) -> None:
        """Run so many at a time from now on; what is under way goes on."""
        self._concurrency = concurrency
        for _ in range(min(len(self._ready), concurrency)):
            self._wake()

    def submit(self, job: Job, key: str | None = None, size: int = 0) -> bool:
        """
        Take the job, or return False where it is full or closed.

        Jobs of one key run one at a time, in the order of their arrival; jobs
        without a key are free of any order.
        """
        if (
            self._closed
            or self.depth >= self._max_count
            or self.bytes + size > self._max_bytes
        ):
            return False
        self._arrivals += 1
        self.depth += 1
        self.bytes += size
        entry = (job, key, size, self._arrivals)
        if key is not None:
            line = self._behind.get(key)
            if line is not None:
                line.append(entry)
                return True
            self._behind[key] = deque()
        self._ready.append(entry)
        self._wake()
        return True

    async def drain(self, seconds: float) -> list[Job]:
        """
        Take no more, finish what is here within `seconds`, and stop.

        Returns:
            The jobs that did not finish, in the order of their arrival.
        """
        self._closed = True
        if self.depth or self._running:
            self._finished = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._finished.wait()
        return await self._stop()

    async def close(self) -> list[Job]:
        """Stop at once, and return the jobs that did not finish."""
        self._closed = True
        return await self._stop()

    async def _stop(self) -> list[Job]:
        left = [*self._ready]
        for line in self._behind.values():
            left.extend(line)
        self._ready.clear()
        self._behind.clear()
        self._stopped = True
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            await asyncio.wait(self._workers, timeout=_GRACE)
        # Only now: a handler may still finish, and count, while it is cancelled.
        left.extend(self._running.values())
        self._workers.clear()
        self._running.clear()
        self.depth = self.bytes = 0
        return [entry[0] for entry in sorted(left, key=lambda entry: entry[3])]

    def _wake(self) -> None:
        while self._idle:
            waiter = self._idle.pop()
            if not waiter.done():
                waiter.set_result(None)
                return
        if len(self._workers) < self._concurrency:
            self._workers.append(asyncio.get_running_loop().create_task(self._work()))

    async def _work(self) -> None:
        ready = self._ready
        loop = asyncio.get_running_loop()
        while not self._stopped:
            if len(self._workers) > self._concurrency:
                return self._retire()
            while not ready:
                waiter = loop.create_future()
                self._idle.append(waiter)
                await waiter
                if len(self._workers) > self._concurrency:
                    return self._retire()
            await self._run(ready.popleft())

    def _retire(self) -> None:
        """End this worker: there are to be fewer. Who is left has what it was woken for."""
        task = asyncio.current_task()
        self._workers = [one for one in self._workers if one is not task]
        if self._ready:
            self._wake()

    async def _run(self, entry: _Entry[Job]) -> None:
        job, key, size, number = entry
        self.depth -= 1
        self._running[number] = entry
        try:
            await self._handle(job)
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            self._report(job, error)
        except Exception as error:  # noqa: BLE001 -- a job may not end its worker
            self._report(job, error)
        self._running.pop(number, None)
        self.bytes -= size
        if key is not None:
            self._let_next(key)
        if self._finished is not None and not self.depth and not self._running:
            self._finished.set()

    def _let_next(self, key: str) -> None:
        line = self._behind.get(key)
        if not line:
            self._behind.pop(key, None)
            return
        self._ready.append(line.popleft())
        self._wake()

    def _report(self, job: Job, error: BaseException) -> None:
        if self._on_error is not None:
            self._on_error(job, error)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
