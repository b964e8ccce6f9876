"""What copies would have sent, kept for whoever wants to look at it: bounded."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

from shadow_middleware.isolation.context import current

__all__ = ["Recorded", "clear", "counts", "note", "recorded"]

_MOST: Final = 1000
_MAX_TEXT: Final = 2000


@dataclass(frozen=True, slots=True)
class Recorded:
    """One thing that a copy would have done to the world, and has not."""

    kind: str
    """`http`, `mail`, `task`, `file`, `cache` or `redis`."""
    what: str
    """What it was: `POST https://pay.test/v1/charges`, the recipients, a task's name."""
    detail: str = ""
    """The start of what was sent. It may hold secrets: it stays in this process."""
    exchange: str = ""
    """The id of the exchange that the copy is of."""


_kept: deque[Recorded] = deque(maxlen=_MOST)
_counts: Counter[str] = Counter()
_lock = threading.Lock()


def note(kind: str, what: str, detail: object = "") -> None:
    """Keep what a copy would have done."""
    request = current()
    text = detail if isinstance(detail, str) else repr(detail) if detail else ""
    exchange = request.id if request is not None else ""
    entry = Recorded(kind, what[:_MAX_TEXT], text[:_MAX_TEXT], exchange)
    with _lock:
        _kept.append(entry)
        _counts[kind] += 1


def recorded(kind: str = "") -> tuple[Recorded, ...]:
    """Return the last 1,000 of what this process's copies would have done, or one kind's."""
    with _lock:
        return tuple(entry for entry in _kept if not kind or entry.kind == kind)


def counts() -> dict[str, int]:
    """Return how many there were of each kind, those no longer kept included."""
    with _lock:
        return dict(_counts)


def clear() -> None:
    """Forget what was kept and counted."""
    with _lock:
        _kept.clear()
        _counts.clear()
