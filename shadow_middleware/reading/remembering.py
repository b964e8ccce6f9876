"""
What was read and worked out before, for as long as nothing was written to the store.

Pages are looked at again and again, by several people, and each asks for much of the
same. A store says in a millisecond which state it is in, so nothing here is ever older
than what is stored: not by a batch of an agent, not by a decision of anybody.

Agents write twice a second, though. So a face that is looked at all day may `relax` its
store: what agents wrote then shows some seconds later, and is worked out anew on a thread
of its own. What somebody decided shows at once all the same. `looking` tells how far
behind the store one look was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from shadow_middleware.evidence import Revision
from shadow_middleware.store.base import Reader

__all__ = [
    "LAG",
    "MOST",
    "OVERLOADED",
    "WATCHED",
    "Look",
    "forget",
    "looking",
    "pause_after",
    "refresh",
    "relax",
    "remembered",
    "renew",
]

MOST: Final = 64
"""Answers that are remembered of one store: those that were asked for last."""
LAG: Final = 5.0
"""Seconds that a face may be behind what agents write."""
OVERLOADED: Final = 30.0
"""The same, while it is worked out anew: so that nobody waits twice for one thing."""
WATCHED: Final = 8.0
"""Seconds for which an answer is kept fresh after a look: pages ask every five."""
PACE: Final = 20
"""Of so much time, one part may go into making anew what is looked at."""
LONGEST_PAUSE: Final = 20.0
"""Seconds from one making anew to the next at most, however much it takes."""

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


class Look:
    """
    One look of somebody at a store, all of it at the state that the store is in first.

    Args:
        reader: The store.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.behind = 0.0
        """Seconds that the oldest thing seen is behind the store; 0 where none is."""
        self._state: Revision | None = None
        self._asked = 0.0

    def state(self, clock: _Clock) -> Revision:
        """Return the state of the store, which is asked for once."""
        if self._state is None:
            self._state = self.reader.revision()
            self._asked = clock()
        return self._state

    def knows(self, one: _Answer) -> bool:
        """Return whether it is of that state, or was read later."""
        return one.state == self._state or one.at >= self._asked

    def sees(self, one: _Answer, now: float) -> None:
        """Note what is shown."""
        if not self.knows(one):
            self.behind = max(self.behind, now - one.at)


class _Making(threading.local):
    """What this thread makes, if anything, and for which look."""

    work: _Work | None = None
    look: Look | None = None

    def look_at(self, reader: Reader) -> Look | None:
        """Return the look that asks, unless it is something that is being made."""
        look = self.look
        return look if self.work is None and look and look.reader is reader else None


_making = _Making()


class _Answers:
    """What is remembered of one store."""

    def __init__(self) -> None:
        self.lag = 0.0
        self.beside = True
        self.resting = 0.0
        self._pause = 0.0
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
            look = _making.look_at(reader)
            state, now = look.state(clock) if look else reader.revision(), clock()
            with self._changed:
                self._look(reader, key, watch._replace(looked=now), clock)
                found = self._usable(key, state, now, watch.seconds, look)
                if found is not None:
                    break
                if key not in self._under_way:
                    self._under_way.add(key)
                    break
                self._changed.wait_for(lambda: key not in self._under_way)
        if found is None:
            outer = _making.work
            floor = now - self.lag / 2 if outer is None else outer.floor
            found = self._make(key, watch.make, state, floor, clock)
        if look is not None:
            look.sees(found, now)
        return found

    def _look(
        self, reader: Reader, key: Hashable, watch: _Watch, clock: _Clock
    ) -> None:
        """Take note that somebody looks, and see to it that it stays fresh."""
        if not self.lag or _making.work is not None:
            return
        self._watched[key] = watch
        # In the child of a fork there is no such thread any more.
        if self.beside and (self._worker is None or not self._worker.is_alive()):
            self._pause = self.lag / 8
            self._worker = threading.Thread(
                target=self._work, args=(reader, clock), name="refresh", daemon=True
            )
            self._worker.start()

    def _usable(
        self,
        key: Hashable,
        state: Revision,
        now: float,
        seconds: float,
        look: Look | None,
    ) -> _Answer | None:
        found = self._known.pop(key, None)
        if found is None:
            return None
        self._known[key] = found
        if self.lag and _making.work is None:
            seconds = max(seconds, self._allowed())
        if now - found.at >= seconds:
            return None
        if found.state == state or (look is not None and look.knows(found)):
            return found
        if not self.lag or found.state.decided != state.decided:
            return None
        if _making.work is None:
            return found if now - found.ready < self._allowed() else None
        if found.at < _making.work.floor:
            return None
        _making.work.takes(found)
        return found

    def _allowed(self) -> float:
        """Return the seconds that an answer may be behind."""
        if self._refreshing:
            return OVERLOADED
        return max(self.lag, self.resting, self._pause + self.lag / 2)

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
                self._changed.wait_for(lambda: not self.lag, self._pause)
                if not self.lag or not self._watched:
                    self._worker = None
                    return
            used = time.thread_time()
            self.refresh(reader, clock)
            with self._changed:
                self._pause = pause_after(time.thread_time() - used, self.lag)

    def renew(self, make: Callable[[], object], clock: _Clock) -> None:
        """Have it made of nothing older than this, unless somebody looks anyway."""
        with self._changed:
            if not self.lag or self._watched:
                return
        start, outer = clock(), _making.work
        _making.work = _Work(start, start)
        try:
            make()
        finally:
            _making.work = outer

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


def pause_after(used: float, lag: float) -> float:
    """Return the seconds to wait after so many of a processor were used."""
    return max(lag / 8, min(LONGEST_PAUSE, PACE * used))


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


def relax(
    reader: Reader, lag: float = LAG, *, beside: bool = True, resting: float = 0.0
) -> None:
    """
    Let answers be so many seconds behind what agents write.

    Where working them out takes longer than that, they are behind for as long as it
    takes, up to half a minute; who looks then is not kept waiting. Where it takes more
    than a twentieth of the time, it is done less often.
    A decision, of whatever process, is never looked past. What is looked at is made
    anew beside, on one thread that ends once nobody looks; `forget` ends it at once.

    Args:
        reader: The store.
        lag: Seconds.
        beside: Whether there is such a thread; without one, `refresh` is called.
        resting: Seconds that they may be behind where nobody has looked for a while:
            for who calls `renew` as often.
    """
    answers = _answers_of(reader)
    answers.lag, answers.beside, answers.resting = lag, beside, resting


@contextmanager
def looking(reader: Reader) -> Iterator[Look]:
    """
    Have all that this thread asks of a store be of one look.

    The store is asked once for its state. So nothing is to be written in between that
    is to be seen, and `behind` says afterwards how old the oldest thing seen is.
    """
    before = _making.look
    _making.look = look = Look(reader)
    try:
        yield look
    finally:
        _making.look = before


def renew(
    reader: Reader,
    make: Callable[[], object],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """
    Call what asks for answers, and have none of them be older than the call.

    It is not called while somebody looks: what they look at is kept fresh anyway.
    """
    _answers_of(reader).renew(make, clock)


def refresh(reader: Reader, clock: Callable[[], float] = time.monotonic) -> None:
    """Make anew what is looked at, as the thread of a relaxed store does by itself."""
    _answers_of(reader).refresh(reader, clock)


def forget(reader: Reader) -> None:
    """Forget all of a store, and have nothing read it in the background any more."""
    with _lock:
        answers = _of_readers.pop(reader, None)
    if answers is not None:
        answers.close()
