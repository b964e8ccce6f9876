"""
What was read and worked out before, for as long as nothing was written to the store.

Pages are looked at again and again, by several people, and each asks for much of the
same. A store says in a millisecond which state it is in, so nothing here is ever older
than what is stored: not by a batch of an agent, not by a decision of anybody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from shadow_middleware.evidence import Revision
from shadow_middleware.store.base import Reader

__all__ = ["MOST", "remembered"]

MOST: Final = 64
"""Answers that are remembered of one store: those that were asked for last."""

T = TypeVar("T")
_Known = dict[Hashable, tuple[Revision, float, Any]]

_of_readers: WeakKeyDictionary[Reader, _Known] = WeakKeyDictionary()
_lock = threading.Lock()


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
    # Asked for first: what is written while it is made makes it old.
    state, now = reader.revision(), clock()
    with _lock:
        known = _of_readers.setdefault(reader, {})
        before = known.pop(key, None)
        if before is not None and before[0] == state and now - before[1] < seconds:
            known[key] = before
            found: T = before[2]
            return found
    made = make()
    with _lock:
        known[key] = (state, now, made)
        while len(known) > MOST:
            del known[next(iter(known))]
    return made
