"""
What was read and worked out before, for as long as nothing was written to the store.

Pages are looked at again and again, by several people, and each asks for much of the
same. A store says in a millisecond which state it is in, so nothing here is ever older
than what is stored: not by a batch of an agent, not by a decision of anybody.

Agents write twice a second, though. So a face that is looked at all day may `relax` its
store: what agents wrote then shows some seconds later, and is worked out anew on a thread
of its own. What somebody decided shows at once all the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from shadow_middleware.evidence import Revision
from shadow_middleware.store.base import Reader

__all__ = [
    "LAG",
    "MOST",
    "OVERLOADED",
    "WATCHED",
    "forget",
    "refresh",
    "relax",
    "remembered",
]

MOST: Final = 64
"""Answers that are remembered of one store: those that were asked for last."""
LAG: Final = 5.0
"""Seconds that a face may be behind what agents write."""
OVERLOADED: Final = 30.0
"""The same, while it is worked out anew: so that nobody waits twice for one thing."""
WATCHED: Final = 8.0
"""Seconds for which an answer is kept fresh after a look: pages ask every five."""

T = TypeVar("T")
_Clock = Callable[[], float]


class _Answer(NamedTuple):
    """What was made, and of which state of the store."""

    state: Revision
    at: float
    """When the oldest thing in it was read."""
    ready: float
    """When it was made, less what it was behind by then."""
    made: Any


class _Watch(NamedTuple):
    """Something that somebody looks at."""

    looked: float
    make: Callable[[], Any]
    seconds: float


class _Work:
    """Something that is being made."""

    def __init__(self, floor: float, start: float) -> None:
        self.floor = floor
        """What is made of older things than this would be too old itself."""
        self.oldest = start
        self.behind: Revision | None = None
        """The older state that something in it is of."""

    def takes(self, one: _Answer) -> None:
        """Note that something of an older state is part of it."""
        self.oldest, self.behind = min(self.oldest, one.at), one.state


class _Making(threading.local):
    """What this thread makes, if anything."""

    work: _Work | None = None


_making = _Making()


class _Answers:
    """What is remembered of one store."""

    def __init__(self) -> None:
        self.lag = 0.0
        self.beside = True
        self._refreshing = False
        self._known: dict[Hashable, _Answer] = {}
        self._watched: dict[Hashable, _Watch] = {}
        self._under_way: set[Hashable] = set()
        self._changed = threading.Condition()
        self._worker: threading.Thread | None = None

    def ask(
        self, reader: Reader, key: Hashable, watch: _Watch, clock: _Clock
    ) -> _Answer:
        """Return what is known, or make it; never twice at a time."""
        while True:
            # Asked for first: what is written while it is made makes it old.
            state, now = reader.revision(), clock()
            with self._changed:
                self._look(reader, key, watch._replace(looked=now), clock)
                found = self._usable(key, state, now, watch.seconds)
                if found is not None:
                    return found
                if key not in self._under_way:
                    self._under_way.add(key)
                    break
                self._changed.wait_for(lambda: key not in self._under_way)
        outer = _making.work
        floor = now - self.lag / 2 if outer is None else outer.floor
        return self._make(key, watch.make, state, floor, clock)

    def _look(
        self, reader: Reader, key: Hashable, watch: _Watch, clock: _Clock
    ) -> None:
        """Take note that somebody looks, and see to it that it stays fresh."""
        if not self.lag or _making.work is not None:
            return
        self._watched[key] = watch
        # In the child of a fork there is no such thread any more.
        if self.beside and (self._worker is None or not self._worker.is_alive()):
            self._worker = threading.Thread(
                target=self._work, args=(reader, clock), name="refresh", daemon=True
            )
            self._worker.start()

    def _usable(
        self, key: Hashable, state: Revision, now: float, seconds: float
    ) -> _Answer | None:
        found = self._known.pop(key, None)
        if found is None:
            return None
        self._known[key] = found
        if now - found.at >= seconds:
            return None
        if found.state == state:
            return found
        if not self.lag or found.state.decided != state.decided:
            return None
        if _making.work is None:
            lag = OVERLOADED if self._refreshing else self.lag
            return found if now - found.ready < lag else None
        if found.at < _making.work.floor:
            return None
        _making.work.takes(found)
        return found

    def _make(
        self,
        key: Hashable,
        make: Callable[[], Any],
        state: Revision,
        floor: float,
        clock: _Clock,
    ) -> _Answer:
        """Make it, as old as the oldest thing that it is made of."""
        start, outer = clock(), _making.work
        _making.work = work = _Work(floor, start)
        try:
            made = make()
            ready = clock() - (start - work.oldest)
            answer = _Answer(work.behind or state, work.oldest, ready, made)
            with self._changed:
                self._known.pop(key, None)
                self._known[key] = answer
                while len(self._known) > MOST:
                    del self._known[next(iter(self._known))]
        finally:
            _making.work = outer
            with self._changed:
                self._under_way.discard(key)
                self._changed.notify_all()
        if outer is not None and work.behind is not None:
            outer.takes(answer)
        return answer

    def _work(self, reader: Reader, clock: _Clock) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self.lag, self.lag / 8)
                if not self.lag or not self._watched:
                    self._worker = None
                    return
            self.refresh(reader, clock)

    def refresh(self, reader: Reader, clock: _Clock) -> None:
        """Make anew what somebody looks at and will soon be too old."""
        start = clock()
        with self._changed:
            self._refreshing = True
            gone = [
                key
                for key, one in self._watched.items()
                if start - one.looked > WATCHED
            ]
            for key in gone:
                del self._watched[key]
            watched = list(self._watched.items())
        for key, watch in watched:
            try:
                self._made_anew(reader, key, watch, start, clock)
            except Exception:  # noqa: BLE001 -- who looks next meets it, and is told
                with self._changed:
                    self._known.pop(key, None)
                    self._watched.pop(key, None)
        with self._changed:
            self._refreshing = False

    def _made_anew(
        self, reader: Reader, key: Hashable, watch: _Watch, start: float, clock: _Clock
    ) -> None:
        state, now = reader.revision(), clock()
        with self._changed:
            known = self._known.get(key)
            if not self.lag or known is None or key in self._under_way:
                return
            moved = known.state != state and now - known.ready >= self.lag / 2
            if not moved and now - known.at < watch.seconds / 2:
                return
            self._under_way.add(key)
        self._make(key, watch.make, state, start, clock)

    def close(self) -> None:
        """Forget everything; return once nothing reads the store for it any more."""
        with self._changed:
            self.lag = 0.0
            self._known.clear()
            self._watched.clear()
            self._changed.notify_all()
            worker = self._worker
        if worker is not None:
            worker.join()


_of_readers: WeakKeyDictionary[Reader, _Answers] = WeakKeyDictionary()
_lock = threading.Lock()


def _answers_of(reader: Reader) -> _Answers:
    with _lock:
        found = _of_readers.get(reader)
        if found is None:
            found = _of_readers[reader] = _Answers()
        return found


def remembered(
    reader: Reader,
    key: Hashable,
    make: Callable[[], T],
    seconds: float = float("inf"),
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """
    Return what `make` made of the same state of the store before, or makes now.

    Args:
        reader: The store.
        key: Names what is made, with all that it depends on besides the store.
        make: Reads and works it out.
        seconds: How long it holds where the time of day is in it.
        clock: Monotonic seconds.
    """
    answers = _answers_of(reader)
    found: T = answers.ask(reader, key, _Watch(0.0, make, seconds), clock).made
    return found


def relax(reader: Reader, lag: float = LAG, *, beside: bool = True) -> None:
    """
    Let answers be so many seconds behind what agents write.

    Where working them out takes longer than that, they are behind for as long as it
    takes, up to half a minute; who looks then is not kept waiting.
    A decision, of whatever process, is never looked past. What is looked at is made
    anew beside, on one thread that ends once nobody looks; `forget` ends it at once.

    Args:
        reader: The store.
        lag: Seconds.
        beside: Whether there is such a thread; without one, `refresh` is called.
    """
    answers = _answers_of(reader)
    answers.lag, answers.beside = lag, beside


def refresh(reader: Reader, clock: Callable[[], float] = time.monotonic) -> None:
    """Make anew what is looked at, as the thread of a relaxed store does by itself."""
    _answers_of(reader).refresh(reader, clock)


def forget(reader: Reader) -> None:
    """Forget all of a store, and have nothing read it in the background any more."""
    with _lock:
        answers = _of_readers.pop(reader, None)
    if answers is not None:
        answers.close()
