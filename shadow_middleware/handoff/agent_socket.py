"""
The live end of the wall: one bounded buffer and one non-blocking socket.

`offer` and `add` run on the request's own thread or loop. What they take is encoded
into a batch: small exchanges together, large ones at once. A batch is sent at most
every few milliseconds: by a timer where an asyncio loop runs, else by the request that
comes next or, last, by the keeper. When the kernel's buffer is full the bytes wait
here; when that is full too, exchanges are dropped, counted, and for a moment not
captured at all. The lock is held for encoding or a non-blocking send, never for a wait.
"""

from __future__ import annotations

import logging
import secrets
import socket
import threading
import time
from asyncio import _get_running_loop  # the only look at the loop that never raises
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

import msgspec

from shadow_middleware.capture import Capture, Record
from shadow_middleware.handoff import codec
from shadow_middleware.handoff.base import HandoffState
from shadow_middleware.handoff.census import Census
from shadow_middleware.handoff.outbox import Frame, Outbox, wait_writable

__all__ = ["AgentSocket"]

FLUSH_INTERVAL: Final = 0.005
FLUSH_BYTES: Final = 96 * 1024
MANY: Final = 64
"""Records that may wait to be encoded."""
SMALL: Final = 16 * 1024
LIVES: Final = 64
"""Agents in a row that may die before one has told a broker of those before it."""
PAUSE_NS: Final = 20_000_000
"""How long capture rests when the buffer is full: 20 ms."""
FOR_EVER: Final = 2**63
"""Until an agent says otherwise, in nanoseconds."""

logger = logging.getLogger("shadow_middleware")


class Keeps(Protocol):
    """What keeps an agent at the other end; see `handoff.keeper`."""

    def start(self) -> None:
        """Begin, on a thread of its own."""
        ...

    def close(self, timeout: float, *, wait: bool) -> bool:
        """Part from the agent; whether that went well."""
        ...


class AgentSocket:
    """Implements `handoff.base.Handoff` over a connected stream socket."""

    # Slots, and those of every request first: a request in a busy server finds none of
    # this in the cache, and pays for each line of it that it has to fetch.
    __slots__ = (
        *("_added", "timed", "_many", "paused_until", "resting", "small"),
        *("_lock", "_selected", "_batch", "_room", "_places", "_dropped_keys"),
        *("_keeper", "_clock", "_pushed", "_interval", "_socket", "_outbox"),
        *("_deferred", "_dropped", "_unreported", "_max_bytes", "_max_count"),
        *("_starting", "_make_keeper", "session", "ended", "agents", "census"),
        *("_spent", "_paid_for", "_cost_clock", "_lives"),
    )

    def __init__(
        self,
        keeper: Callable[[AgentSocket], Keeps],
        *,
        max_bytes: int,
        max_count: int,
        clock: Callable[[], int] = time.monotonic_ns,
        cost_clock: Callable[[], int] | None = None,
    ) -> None:
        """
        Hold nothing and start nothing.

        Args:
            keeper: Makes what brings up an agent, at the first exchange.
            max_bytes: Bytes to hold while no agent takes them.
            max_count: Exchanges to hold while no agent takes them.
            clock: Monotonic nanoseconds.
            cost_clock: CPU nanoseconds of the thread that asks; None tells of no cost,
                which saves two system calls for each send.
        """
        self._make_keeper = keeper
        self._max_bytes = max_bytes
        self._max_count = max_count
        self._clock, self._cost_clock = clock, cost_clock
        self._interval = int(FLUSH_INTERVAL * 1e9)
        # What waits to be encoded is small beside the buffer, whatever its size.
        self._many = max(1, min(MANY, max_count // 2))
        self.small = min(SMALL, max_bytes // (2 * self._many))
        self.census = Census()
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._keeper: Keeps | None = None
        self.session = secrets.token_hex(8)
        self.paused_until = 0
        self.resting = False
        self._socket: socket.socket | None = None
        self._added: deque[Record] = deque()
        self._pushed = -self._interval
        self._batch = codec.BatchFrame()
        self.timed = False
        self._outbox = Outbox()
        self._room, self._places = self._max_bytes, self._max_count
        self._deferred: deque[Callable[[], None] | None] = deque()
        self._selected = 0
        self._dropped: Counter[str] = Counter()
        self._unreported: Counter[str] = Counter()
        self._dropped_keys: set[str] = set()
        self.ended = self.agents = self._spent = self._paid_for = 0
        self._lives: tuple[int, ...] = ()

    # --- called on the request path ----------------------------------------------

    def add(self, record: Record) -> None:
        """Take the record of a small exchange; cheaper than `offer`."""
        added = self._added
        added.append(record)
        if not self.timed:
            self._arrange()
        elif len(added) >= self._many:
            with self._lock:
                self._take_in()

    def offer(self, capture: Capture) -> None:
        """Take a finished capture, or count it as dropped."""
        with self._lock:
            self._take_in()
            self._take(capture.record())
        if not self.timed:
            self._arrange()

    def _take_in(self) -> None:
        """Encode what was added, or count it as dropped."""
        while self._added:
            self._take(self._added.popleft())

    def _take(self, record: Record) -> None:
        self._selected = number = self._selected + 1
        batch = self._batch
        held = len(batch.data)
        if held >= self._room or batch.count >= self._places:
            self._drop("buffer_full", _key(record))
            return
        if self._dropped_keys:
            record = self._marked(record)
        if not batch.add((number, *record)):
            self._drop("unencodable", _key(record))
        elif held >= FLUSH_BYTES:
            self._seal()

    def _marked(self, record: Record) -> Record:
        """Return the record with a note if one of its key was dropped before it."""
        if (key := _key(record)) in self._dropped_keys:
            self._dropped_keys.remove(key)
            odd: Any = record[-1]
            return (*record[:-1], {**odd, "after_drop": True})
        return record

    def _arrange(self) -> None:
        """Have the batch sent soon."""
        if self._keeper is None:
            self.start()
        loop = _get_running_loop()
        if loop is not None:
            self.timed = True
            loop.call_later(FLUSH_INTERVAL, self.flush)
            return
        # To send for each request would wake the agent for each, which costs more than
        # all the rest. What is left over goes with the next request or the keeper.
        now = self._clock()
        if now - self._pushed >= self._interval:
            self._pushed = now
            with self._lock:
                self._push()
        elif len(self._added) >= self._many:
            with self._lock:
                self._take_in()

    @property
    def free_bytes(self) -> int:
        """About how many bytes more may be held; negative where it is too many."""
        return self._room - len(self._batch.data)

    def defer(self, work: Callable[[], None]) -> None:
        """Have work that ends in an offer done soon, on another thread."""
        # `append` is atomic, so a finaliser may come even while we hold our lock.
        full = len(self._deferred) >= self._max_count
        self._deferred.append(None if full else work)

    def settle(self) -> None:
        """Do the work that was deferred, and count what was too much of it."""
        while self._deferred:
            work = self._deferred.popleft()
            if work is not None:
                work()
                continue
            with self._lock:
                self._selected += 1
                self._drop("buffer_full", None)

    def refuse(self) -> None:
        """Count one exchange that was not captured because of `paused_until`."""
        if self.resting:
            return
        with self._lock:
            self._selected += 1
            self._drop("paused", None)

    def _drop(self, reason: str, key: str | None) -> None:
        if reason == "buffer_full" and not self.resting:
            self.paused_until = self._clock() + PAUSE_NS
        if key is not None and len(self._dropped_keys) < self._max_count:
            self._dropped_keys.add(key)
        self._dropped[reason] += 1
        self._unreported[reason] += 1

    # --- beginning and end -----------------------------------------------------------

    def start(self) -> None:
        """Have an agent ready; called again it does nothing."""
        with self._starting:
            if self._keeper is None:
                keeper = self._make_keeper(self)
                keeper.start()
                self._keeper = keeper

    def close(self, timeout: float, *, wait: bool = True) -> bool:
        """
        Push out what is held, part from the agent, and count what is left as dropped.

        A later exchange starts anew. Returns whether nothing was dropped and, when
        waiting, the agent has ended all it was given.
        """
        self.settle()
        with self._starting:
            keeper, self._keeper = self._keeper, None
        if keeper is None:
            return True
        done = keeper.close(timeout, wait=wait)
        self._part()
        self.rest(False)  # there is nobody left who could say when that is over
        lost = self._give_up("shutdown")
        if lost:
            logger.warning("%d exchanges were dropped at shutdown", lost)
        return done and not lost

    def after_fork(self) -> None:
        """Begin anew in a child process; what was held is the parent's to send."""
        if self._socket is not None:
            self._socket.close()
        self.census.begin()
        self._begin()

    # --- called by the timer and by the keeper --------------------------------------

    def flush(self, timeout: float = 0.0) -> bool:
        """Push out what is held; whether nothing is held any more."""
        deadline = self._clock() + int(timeout * 1e9)
        while True:
            with self._lock:
                self._push()
                if not (self._outbox or self._batch.count):
                    return True
                waiting = self._socket
            if self._clock() >= deadline:
                return False
            wait_writable(waiting, min(0.05, timeout))

    def _push(self) -> None:
        clock = self._cost_clock
        begun = clock() if clock else 0
        self.timed = False
        self._take_in()
        self._send()
        # Frames stay few: the rest is a new one when the last has gone.
        if self._socket is not None and not self._outbox:
            self._seal()
            self._send()
        if clock:
            self._spent += clock() - begun

    def _seal(self) -> None:
        if not (self._batch.count or self._unreported):
            return
        batch, self._batch = self._batch, codec.BatchFrame()
        drops, self._unreported = self._unreported, Counter()
        data = batch.seal(self._selected, drops)
        self._outbox.append(Frame(data, batch.count + drops.total(), lasting=True))
        self._measure()

    def _send(self) -> None:
        if self._socket is not None:
            self._outbox.send(self._socket)
            self._measure()

    def _measure(self) -> None:
        """Take note of how much the batch may hold beside what is outgoing."""
        self._room = self._max_bytes - self._outbox.size
        self._places = self._max_count - self._outbox.count

    # --- called by the keeper ----------------------------------------------------------

    def attach(self, connection: socket.socket, hello: codec.Hello) -> None:
        """Speak to a new agent from now on, beginning with `hello`."""
        connection.setblocking(False)
        with self._lock:
            self._take_in()
            handed = self._outbox.handed
            known = {"selected": self._selected, "handed": handed, "lives": self._lives}
            self._lives = (*self._lives[1 - LIVES :], handed)
            data = codec.frame(codec.HELLO, msgspec.structs.replace(hello, **known))
            self._outbox.prepend(Frame(data, 0, lasting=False))
            self._socket = connection
            self.agents += 1
            self._push()

    def detach(self, connection: socket.socket) -> None:
        """Stop speaking to an agent that is gone. Its unfinished frame goes to the next."""
        with self._lock:
            connection.close()
            if connection is self._socket:  # else there is another agent by now
                self._socket = None
                self._outbox.rewind()
                self._measure()

    def rest(self, resting: bool) -> None:
        """Have nothing captured, or begin again; said anew it is made sure of."""
        self.resting = resting
        if resting:
            self.paused_until = FOR_EVER
        elif self.paused_until == FOR_EVER:
            self.paused_until = 0

    def tell(self, kind: int, payload: object) -> None:
        """Send a frame that is about this connection only."""
        with self._lock:
            self._seal()
            self._outbox.append(Frame(codec.frame(kind, payload), 0, lasting=False))
            self._send()

    def tell_cost(self) -> None:
        """Tell what was spent since the last time, if anything was and it is measured."""
        if self._cost_clock is None:
            return
        with self._lock:
            spent, number = self._spent, self._selected - self._paid_for
            self._spent, self._paid_for = 0, self._selected
        if number:
            self.tell(codec.COST, codec.Cost(spent, number))

    def _part(self) -> None:
        """Say nothing more to an agent that may go on for a while, and let it know."""
        with self._lock:
            parted, self._socket = self._socket, None
        if parted is not None:
            with suppress(OSError):  # it has gone already
                parted.shutdown(socket.SHUT_WR)

    def _give_up(self, reason: str) -> int:
        """Count all that is held as dropped; nobody will take it any more."""
        with self._lock:
            self._take_in()
            held = self._batch.count + self._outbox.clear()
            self._batch = codec.BatchFrame()
            self._measure()
            self._dropped[reason] += held
        return held

    @property
    def state(self) -> HandoffState:
        """The figures of now."""
        with self._lock:
            self._take_in()
            return HandoffState(
                session=self.session,
                selected=self._selected,
                handed=self._outbox.handed,
                dropped=dict(self._dropped),
                held=self._batch.count + self._outbox.count,
                held_bytes=len(self._batch.data) + self._outbox.size,
                ended=self.ended,
                agents=self.agents,
                connected=self._socket is not None,
            )

    @property
    def selected(self) -> int:
        """How many exchanges were selected so far, but for those that wait in `add`."""
        return self._selected

    @property
    def stuck(self) -> bool:
        """Whether the socket takes no more; the rest goes when it is writable again."""
        return bool(self._outbox)

    @property
    def waiting(self) -> bool:
        """Whether anything is held that is to be sent."""
        return bool(
            self._added or self._outbox or self._batch.count or self._unreported
        )


def _key(record: Record) -> str | None:
    """Return what keeps order, if the exchange has one."""
    odd: Any = record[-1]
    return odd.get("key") if odd else None
