"""
The thread that owns the store, between the agent's loop and the database.

Adding never waits for the database and never raises. While the store is away,
counts merge and divergences wait, each within its bound; what exceeds it is counted.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from shadow_middleware.errors import RefusedByStoreError
from shadow_middleware.evidence import Batch
from shadow_middleware.store.base import Store
from shadow_middleware.store.housekeeper import Housekeeper
from shadow_middleware.store.pending import REFUSED, Pending, outcomes_in, samples_of
from shadow_middleware.store.pending_knowledge import (
    knowledge_in,
    learned_of,
    without_learned,
)

__all__ = ["Lost", "Writer", "pause_after"]

_logger = logging.getLogger("shadow_middleware.store")

MOST_AT_ONCE: Final = 500
"""Divergences in one transaction."""

SHARE: Final = 0.2
"""Of its time, how much a writer may spend in the store while others wait for it."""

LONGEST_PAUSE: Final = 15.0
"""Seconds that evidence may wait for that, at most."""

LET_GO: Final = 0.5
"""Seconds that a transaction that removes may take to end when the writer does."""

LONGEST_RETRY: Final = 30.0
"""Seconds between two tries, at most."""


def pause_after(took: float, interval: float) -> float:
    """
    Return the seconds to gather before the next write.

    A thousand agents lock the same rows of the same minute. As writing takes longer,
    each of them writes more seldom, and more at once: all get their turn, and none
    waits until the database gives up on it.
    """
    return max(interval, min(took * (1 / SHARE - 1), LONGEST_PAUSE))


class Lost(msgspec.Struct, frozen=True):
    """What did not reach the store and never will."""

    samples: int = 0
    """Divergences that are counted without a record."""
    outcomes: int = 0
    """Counted outcomes; none before the writer is closed."""
    knowledge: int = 0
    """What was learned and did not fit, was refused, or was never taken."""


class Writer:
    """
    Writes batches in the background, each of them whole and once.

    Args:
        open_store: Opens the store; called on the writer's thread, and again after
            each failure.
        buffer: Divergences held while the store is away.
        buffer_bytes: What they may weigh in all.
        interval: Seconds to gather before writing.
        retry_after: Seconds until the second try; doubles up to half a minute.
        most_keys: Distinct counts held while the store is away, before routes merge.
        name: Unique over all processes, so that no batch is added twice.
        housekeeper: Works at the same store from the first batch until the end.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        *,
        buffer: int = 10_000,
        buffer_bytes: int = 64 * 1024 * 1024,
        interval: float = 0.5,
        retry_after: float = 0.5,
        most_keys: int = 20_000,
        name: str = "",
        housekeeper: Housekeeper | None = None,
    ) -> None:
        self._open_store = open_store
        self._interval = interval
        self._retry_after = retry_after
        self._name = name or uuid.uuid4().hex
        self._housekeeper = housekeeper
        self._changed = threading.Condition()
        self._pending = Pending(buffer, buffer_bytes, most_keys)
        self._work: deque[Batch] = deque()
        self._thread: threading.Thread | None = None
        self._store: Store | None = None
        self._failure = ""
        self._number = 0
        self._took = 0.0
        self._lost_outcomes = 0
        self._lost_knowledge = 0
        self._lost_unwritten = 0
        self._hurried = False
        self._flushing = 0
        self._backlog = False
        self._closing = False
        self._over = False

    @property
    def lost(self) -> Lost:
        """What was lost so far."""
        with self._changed:
            samples = self._pending.lost_samples + self._lost_unwritten
            learned = self._pending.lost_knowledge + self._lost_knowledge
            return Lost(samples, self._lost_outcomes, learned)

    @property
    def failure(self) -> str:
        """Why the store is away; empty while it is there."""
        return self._failure

    def add(self, batch: Batch) -> None:
        """Take in a batch. Never waits for the store, never raises."""
        with self._changed:
            if self._closing:
                self._lose(batch)
                return
            idle = not self._pending
            self._pending.add(batch)
            if self._thread is None:
                self._start()
            elif idle:
                self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Write now; return whether all that was added is written."""
        with self._changed:
            self._flushing += 1
            self._hurry()
            try:
                return self._changed.wait_for(self._is_empty, timeout)
            finally:
                self._flushing -= 1

    def close(self, timeout: float) -> bool:
        """
        Write what is left within `timeout` seconds, then end the thread.

        Returns:
            Whether all was written. What was not is counted in `lost`.
        """
        with self._changed:
            self._closing = True
            self._hurry()
        if self._housekeeper is not None:
            self._housekeeper.stop(LET_GO)
        if self._thread is not None:
            self._thread.join(timeout)
        with self._changed:
            self._over = True
            written = self._is_empty()
            self._lose_what_is_left()
        return written

    def _start(self) -> None:
        self._thread = threading.Thread(
            target=self._run, name="shadow-middleware-writer", daemon=True
        )
        self._thread.start()
        if self._housekeeper is not None:
            self._housekeeper.start()

    def _hurry(self) -> None:
        self._hurried = True
        self._changed.notify_all()

    def _is_empty(self) -> bool:
        return not self._pending and not self._work

    # --- the thread -----------------------------------------------------------------

    def _run(self) -> None:
        delay = self._retry_after
        while (batch := self._next()) is not None:
            if self._write(batch):
                delay = self._retry_after
            else:
                self._rest(delay)
                delay = min(2 * delay, LONGEST_RETRY)
        self._close_store()

    def _next(self) -> Batch | None:
        """Return the batch to write, after some gathering; None at the end."""
        with self._changed:
            if not self._work:
                self._gather()
            if self._over:
                return None
            if not self._work and self._pending:
                self._queue(self._pending.take(MOST_AT_ONCE))
                self._backlog = bool(self._pending)
            return self._work[0] if self._work else None

    def _gather(self) -> None:
        self._changed.wait_for(lambda: self._pending or self._closing)
        if not (self._closing or self._flushing or self._backlog):
            pause = pause_after(self._took, self._interval)
            self._changed.wait_for(lambda: self._hurried, pause)
        self._hurried = False

    def _rest(self, delay: float) -> None:
        """Wait before the next try, or until somebody is in a hurry."""
        with self._changed:
            if self._closing:
                delay = min(delay, self._retry_after)
                self._hurried = False
            self._changed.wait_for(lambda: self._hurried or self._over, delay)
            self._hurried = False

    def _queue(self, batch: Batch) -> None:
        self._number += 1
        self._work.append(replace(batch, writer=self._name, number=self._number))

    def _write(self, batch: Batch) -> bool:
        """Write one batch; return whether the store is there."""
        try:
            if self._store is None:
                self._store = self._open_store()
            started = time.monotonic()
            self._store.write(batch)
            self._took = time.monotonic() - started
        except RefusedByStoreError as error:
            self._note_success()
            self._take_apart(batch, error)
        except Exception as error:  # noqa: BLE001 - whatever the store does, counting goes on
            self._note_failure(error)
            self._close_store()
            return False
        else:
            self._note_success()
            self._done(batch)
        return True

    def _done(self, batch: Batch) -> None:
        with self._changed:
            # `close` may have given up on it meanwhile.
            if self._work and self._work[0] is batch:
                self._work.popleft()
                self._pending.release(batch)
                self._changed.notify_all()

    def _take_apart(self, batch: Batch, error: RefusedByStoreError) -> None:
        """Single out the divergence that the store refuses, so the rest gets in."""
        with self._changed:
            if not self._work or self._work[0] is not batch:
                return
            self._work.popleft()
            rest = replace(batch, divergences=(), samples=())
            if len(batch.divergences) == 1 and rest == replace(
                Batch(), writer=rest.writer, number=rest.number
            ):
                self._pending.release(batch)
                self._pending.lose(batch.divergences[0], REFUSED)
            elif batch.divergences:
                self._queue(rest)
                samples = samples_of(batch)
                for record in batch.divergences:
                    ours = samples.get((record.exchange_id, record.target), ())
                    self._queue(Batch(divergences=(record,), samples=ours))
            elif knowledge_in(batch) > 0 and batch != learned_of(batch):
                self._queue(without_learned(batch))
                self._queue(learned_of(batch))
            else:
                self._lost_outcomes += outcomes_in(batch)
                self._lost_knowledge += knowledge_in(batch)
            self._changed.notify_all()
        _logger.warning("%s", error)

    def _note_failure(self, error: Exception) -> None:
        if not self._failure:
            _logger.warning("%s; evidence waits in memory", error)
        self._failure = str(error) or type(error).__name__

    def _note_success(self) -> None:
        if self._failure:
            self._failure = ""
            _logger.warning("the store is back; what waited is being written")

    def _close_store(self) -> None:
        store, self._store = self._store, None
        if store is None:
            return
        try:
            store.close()
        except Exception as error:  # noqa: BLE001 - it is given up in any case
            _logger.debug("closing the store failed: %s", error)

    # --- what never gets there ---------------------------------------------------------

    def _lose(self, batch: Batch) -> None:
        self._lost_unwritten += len(batch.divergences)
        self._lost_outcomes += outcomes_in(batch)
        self._lost_knowledge += knowledge_in(batch)

    def _lose_what_is_left(self) -> None:
        left = list(self._work)
        self._work.clear()
        while self._pending:
            left.append(self._pending.take(MOST_AT_ONCE))
        for batch in left:
            self._lose(batch)
            self._pending.release(batch)
        if left:
            _logger.error(
                "%d outcomes and %d divergences are lost: the store did not take them "
                "before the end (%s)",
                sum(map(outcomes_in, left)),
                sum(len(batch.divergences) for batch in left),
                self._failure or "there was no time left",
            )
        self._changed.notify_all()
