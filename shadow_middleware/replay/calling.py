"""
Runs the functions of users' own steps, which may raise, hang, or be slow.

Each runs on a daemon thread, for so long and no longer: a thread that hangs is left to
itself, and when too many do, nothing is called any more.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Final

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.replay.importing import imported

__all__ = ["Caller", "function_at"]

MAX_HUNG: Final = 8
"""Threads that may hang before no function is called any more."""

Job = tuple[
    Callable[..., Any], tuple[Any, ...], Callable[[Any, BaseException | None], None]
]


def function_at(path: str) -> Callable[..., Any]:
    """
    Return the function of an import path.

    Raises:
        ConfigurationError: there is no such function.
    """
    found = imported(path, "transform")
    if not callable(found):
        raise ConfigurationError(f"transform: {path!r} is no function")
    function: Callable[..., Any] = found
    return function


class Caller:
    """Calls functions on one thread after the other, each within a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._jobs: queue.SimpleQueue[Job] | None = None
        self._hung = 0

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """
        Return what the function returns.

        Raises:
            TimeoutError: it took too long, or too many have.
            Exception: whatever it raised.
        """
        if self._hung >= MAX_HUNG:
            raise TimeoutError("too many functions hang; none is called any more")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()

        def done(value: Any, error: BaseException | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, answer, value, error)

        jobs = self._worker()
        jobs.put((function, arguments, done))
        try:
            async with asyncio.timeout(self._seconds):
                return await answer
        except TimeoutError:
            if answer.cancelled() and self._jobs is jobs:
                # What waits behind it times out as well; what comes goes elsewhere.
                self._hung += 1
                self._jobs = None
            raise

    def _worker(self) -> queue.SimpleQueue[Job]:
        if self._jobs is None:
            self._jobs = queue.SimpleQueue()
            threading.Thread(
                target=_work,
                args=(self._jobs,),
                name="shadow-middleware-steps",
                daemon=True,
            ).start()
        return self._jobs


def _work(jobs: queue.SimpleQueue[Job]) -> None:
    while True:
        function, arguments, done = jobs.get()
        try:
            value = function(*arguments)
        except BaseException as error:  # noqa: BLE001 -- the fence of a user's function
            done(None, error)
        else:
            done(value, None)


def _settle(
    answer: asyncio.Future[Any], value: Any, error: BaseException | None
) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(value)
    else:
        answer.set_exception(_carried(error))


def _carried(error: BaseException) -> Exception:
    """Return what can travel in a future: neither an exit nor a StopIteration may."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")
