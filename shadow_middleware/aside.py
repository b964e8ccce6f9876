"""Work beside the loop, on threads that nobody waits for at exit."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar, cast

__all__ = ["Opened", "aside"]

LET_GO: Final = 1.0
"""Seconds that work may take to end when nobody wants it any more."""


class Closes(Protocol):
    """What is closed when it is of no more use."""

    def close(self) -> None:
        """Release every connection."""
        ...


T = TypeVar("T")
Source = TypeVar("Source", bound=Closes)


def aside(work: Callable[[], T], name: str) -> asyncio.Future[T]:
    """
    Do the work on a thread of that name, and return what the running loop may await.

    The loop's own threads would be joined at exit, also one that hangs in a database.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(cast("T", result))

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 -- raised again on the loop
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop has gone meanwhile
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


class Opened(Generic[Source]):
    """
    A source that is opened, used and closed beside the loop. For one thing at a time.

    Args:
        open_one: Opens it, when it is first used, and again where that has failed.
        name: Of the threads.
    """

    def __init__(self, open_one: Callable[[], Source], name: str) -> None:
        self._open = open_one
        self._name = name
        self._source: Source | None = None
        self._under_way: asyncio.Future[Any] | None = None

    def use(self, work: Callable[[Source], T]) -> asyncio.Future[T]:
        """Do the work with it; who is cancelled in awaiting it leaves it to itself."""
        self._under_way = done = aside(lambda: work(self._opened()), self._name)
        return asyncio.shield(done)

    def _opened(self) -> Source:
        if self._source is None:
            self._source = self._open()
        return self._source

    async def aclose(self) -> None:
        """Close it, unless work that hangs still has it a moment later."""
        under_way = self._under_way
        if under_way is not None and not under_way.done():
            await asyncio.wait({under_way}, timeout=LET_GO)
        if self._source is not None and (under_way is None or under_way.done()):
            source, self._source = self._source, None
            await aside(source.close, self._name)
