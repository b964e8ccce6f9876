"""
The threads that candidates run on: few, bounded, and never waited for by the app.

Each job ends exactly once: by its own end, by its deadline, or because there was no
room for it. A thread cannot be stopped, so one whose job is past its deadline is given
up, and another takes its place; when too many are stuck like that, jobs are refused.
"""

from __future__ import annotations

import heapq
import itertools
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

__all__ = ["Crew", "Job"]

MAX_STUCK: Final = 4
"""Threads past their deadline for each one that works."""


class Job(Protocol):
    """Something to run that ends once."""

    timeout: float
    """Seconds that it may take."""

    def run(self) -> None:
        """Do it, and tell of its end. Never raises."""
        ...

    def late(self) -> None:
        """Tell that its time is over. Does nothing where it has ended."""
        ...

    def refused(self, reason: str) -> None:
        """Tell that it never ran, and why. Does nothing where it has ended."""
        ...


class Crew:
    """
    Runs jobs on at most `workers` daemon threads, with at most `waiting` in line.

    Args:
        workers: Threads at work at once.
        waiting: Jobs that may wait for one.
    """

    def __init__(self, workers: int, waiting: int) -> None:
        self._workers = workers
        self._waiting = waiting
        self.begin()
        _crews.add(self)

    def begin(self) -> None:
        """Have nothing and nobody, as a child process does: threads are the parent's."""
        self._changed = threading.Condition()
        self._line: deque[Job] = deque()
        self._deadlines: list[tuple[float, int, _Run]] = []
        self._numbers = itertools.count()
        self._working = self._idle = self._stuck = 0
        self._watching = False

    def submit(self, job: Job) -> None:
        """Have the job run soon, or refuse it."""
        with self._changed:
            reason = self._take(job)
        if reason:
            job.refused(reason)

    def _take(self, job: Job) -> str:
        if len(self._line) >= self._waiting:
            return "queue_full"
        if not (self._working or self._may_hire):
            return "stuck"
        self._line.append(job)
        if self._idle >= len(self._line):
            self._changed.notify_all()
        elif self._may_hire:
            self._hire()
        if not self._watching:
            self._watching = True
            self._start(self._watch, "deadlines")
        return ""

    @property
    def _may_hire(self) -> bool:
        room = self._stuck < MAX_STUCK * self._workers
        return room and self._working < self._workers

    def _hire(self) -> None:
        self._working += 1
        self._start(self._work, "worker")

    def _start(self, target: Callable[[], None], name: str) -> None:
        threading.Thread(
            target=target, name=f"shadow-middleware-experiment-{name}", daemon=True
        ).start()

    def _work(self) -> None:
        while (run := self._next()) is not None:
            run.job.run()
            with self._changed:
                run.ended = True
                if run.given_up:
                    self._stuck -= 1
                    return

    def _next(self) -> _Run | None:
        with self._changed:
            self._idle += 1
            while not self._line:
                self._changed.wait()
            self._idle -= 1
            run = _Run(self._line.popleft())
            deadline = time.monotonic() + run.job.timeout
            heapq.heappush(self._deadlines, (deadline, next(self._numbers), run))
            if self._deadlines[0][2] is run:
                self._changed.notify_all()
        return run

    def _watch(self) -> None:
        while True:
            with self._changed:
                late = self._late()
            for run in late:
                run.job.late()

    def _late(self) -> list[_Run]:
        """Wait for deadlines; return those whose jobs are still at it."""
        while not self._deadlines:
            self._changed.wait()
        left = self._deadlines[0][0] - time.monotonic()
        if left > 0:
            self._changed.wait(left)
        late: list[_Run] = []
        now = time.monotonic()
        while self._deadlines and self._deadlines[0][0] <= now:
            run = heapq.heappop(self._deadlines)[2]
            if not run.ended:
                run.given_up = True
                late.append(run)
                self._replace()
        return late

    def _replace(self) -> None:
        """Have another thread do what the one that is stuck would have done."""
        self._stuck += 1
        self._working -= 1
        if self._line and self._may_hire:
            self._hire()

    def close(self) -> None:
        """Refuse what waits, and give up what is under way."""
        with self._changed:
            waiting, self._line = list(self._line), deque()
            running = [run for _, _, run in self._deadlines if not run.ended]
        for job in waiting:
            job.refused("shutdown")
        for run in running:
            run.job.refused("shutdown")


_crews: weakref.WeakSet[Crew] = weakref.WeakSet()


def _after_fork() -> None:
    for crew in _crews:
        crew.begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Run:
    """A job that a thread has taken."""

    __slots__ = ("ended", "given_up", "job")

    def __init__(self, job: Job) -> None:
        self.job = job
        self.ended = False
        self.given_up = False
