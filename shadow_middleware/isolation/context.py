"""Whether the code that runs now serves a copy; known to all tasks and threads of it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["ShadowRequest", "current", "entered", "is_shadow"]

logger = logging.getLogger("shadow_middleware.isolation")


@dataclass(frozen=True, slots=True)
class _Closer:
    sync: Callable[[], None] | None = None
    awaited: Callable[[], Awaitable[None]] | None = None


class ShadowRequest:
    """One copy that is being served: whose it is, and what is undone when it ends."""

    def __init__(self, exchange_id: str, hop: int = 1) -> None:
        self.id = exchange_id
        """The id of the exchange that this request is a copy of."""
        self.hop = hop
        """How many times it has been copied."""
        self.refused = ""
        """Why a write was refused, in a word; the live side is told so."""
        self.ended = False
        """True from when everything is undone: what runs on must not write."""
        self.kept: dict[object, object] = {}
        """What stubs keep for this request alone: cached values, written files."""
        self._closers: list[_Closer] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"ShadowRequest({self.id!r}, hop={self.hop})"

    def refuse(self, reason: str) -> None:
        """Take note that a write was refused; the first reason stays."""
        self.refused = self.refused or reason

    def at_end(
        self,
        closer: Callable[[], None] | None = None,
        *,
        awaited: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Have something undone at the end, the last first."""
        with self._lock:
            self._closers.append(_Closer(closer, awaited))

    def end(self) -> None:
        """
        Undo everything, from code that is not asynchronous.

        Raises:
            Exception: the first that undoing raised; all the rest was undone first.
        """
        failures: list[BaseException] = []
        for closer in self._taken():
            try:
                if closer.sync is not None:
                    closer.sync()
                elif closer.awaited is not None:
                    asyncio.run(_awaiting(closer.awaited))
            except Exception as error:
                logger.error("a shadow request was not undone", exc_info=error)
                failures.append(error)
        if failures:
            raise failures[0]

    async def aend(self) -> None:
        """Undo everything, as `end` does; what blocks is done in a thread."""
        failures: list[BaseException] = []
        for closer in self._taken():
            try:
                if closer.awaited is not None:
                    await closer.awaited()
                elif closer.sync is not None:
                    await asyncio.to_thread(closer.sync)
            except Exception as error:
                logger.error("a shadow request was not undone", exc_info=error)
                failures.append(error)
        if failures:
            raise failures[0]

    def _taken(self) -> list[_Closer]:
        with self._lock:
            self.ended = True
            closers, self._closers = self._closers[::-1], []
        return closers


async def _awaiting(closer: Callable[[], Awaitable[None]]) -> None:
    await closer()


_current: ContextVar[ShadowRequest | None] = ContextVar("shadow_request", default=None)


def is_shadow() -> bool:
    """
    Whether this code serves a copy of a live request, which a signed marker proves.

    True in the request's view, in tasks and `asyncio.to_thread` calls that it starts,
    while its response streams, and in what goes on after it has ended.
    """
    return _current.get() is not None


def current() -> ShadowRequest | None:
    """Return the copy that is being served, or None in an ordinary request."""
    return _current.get()


@contextmanager
def entered(request: ShadowRequest | None) -> Iterator[None]:
    """Serve the copy within the block; None is an ordinary request."""
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)
