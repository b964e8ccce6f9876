"""One sampled call: control's end is known, the candidate's is to come, exactly once."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import inspect
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from shadow_middleware.exchange import Body, Given, Outcome, Response, Timing
from shadow_middleware.experiment.values import (
    Uncapturable,
    captured,
    captured_error,
)

__all__ = ["JSON", "RAISED", "RETURNED", "Call", "cut"]

RETURNED: Final = 200
RAISED: Final = 400
"""How an exception is shown, on either side: 5xx would say that nobody is to blame."""
JSON: Final = ((b"content-type", b"application/json"),)


class Call:
    """
    The candidate's run. Implements `crew.Job`.

    Args:
        candidate: What to call, without arguments.
        timeout: Seconds that it may take.
        cap: Bytes of its answer that are kept.
        context: Entered around it, on its thread; None enters nothing.
        ended: Told once of its end. Never raises.
    """

    def __init__(
        self,
        candidate: Callable[[], Any],
        timeout: float,
        cap: int,
        context: Callable[[], AbstractContextManager[Any]] | None,
        ended: Callable[[Given], None],
    ) -> None:
        self.timeout = timeout
        self._candidate = candidate
        self._cap = cap
        self._context = context
        self._ended = ended
        self._variables = contextvars.copy_context()
        self._open = threading.Lock()

    def run(self) -> None:
        """Call the candidate here, and tell how it ended. Never raises."""
        self._variables.run(self._run)

    async def run_here(self) -> None:
        """Call a candidate that is a coroutine function, on this loop."""
        started = time.monotonic_ns()
        try:
            async with asyncio.timeout(self.timeout):
                with self._entered():
                    result = await self._candidate()
            self._returned(result, started)
        except TimeoutError as error:
            if time.monotonic_ns() - started >= self.timeout * 1e9:
                self.late()
            else:
                self._raised(error, started)
        except asyncio.CancelledError:
            self.refused("shutdown")
            raise
        except Exception as error:  # noqa: BLE001 -- what a candidate raises is its answer
            self._raised(error, started)

    def late(self) -> None:
        """Tell that its time is over, unless it has ended."""
        self._end(Given(Outcome.TIMEOUT, "candidate"))

    def refused(self, reason: str) -> None:
        """Tell that it never ran, or was given up, unless it has ended."""
        self._end(Given(Outcome.DROPPED, reason))

    def _run(self) -> None:
        started = time.monotonic_ns()
        try:
            with self._entered():
                result = self._candidate()
                if inspect.iscoroutine(result):
                    result = asyncio.run(result)
            self._returned(result, started)
        except BaseException as error:  # noqa: BLE001 -- its answer, SystemExit included
            self._raised(error, started)

    def _entered(self) -> AbstractContextManager[Any]:
        return self._context() if self._context else nullcontext()

    def _returned(self, result: Any, started: int) -> None:
        ended = time.monotonic_ns()
        try:
            self._answered(RETURNED, captured(result), started, ended)
        except Uncapturable as error:
            self._end(Given(Outcome.SKIPPED, str(error)))

    def _raised(self, error: BaseException, started: int) -> None:
        ended = time.monotonic_ns()
        self._answered(RAISED, captured_error(error), started, ended)

    def _answered(self, status: int, data: bytes, started: int, ended: int) -> None:
        response = Response(status, JSON, cut(data, self._cap))
        self._end(Given(response=response, timing=Timing(started, ended, ended)))

    def _end(self, given: Given) -> None:
        # Whoever comes first holds it for ever.
        if self._open.acquire(blocking=False):
            self._ended(given)


def cut(data: bytes, cap: int) -> Body:
    """Return the bytes as a body of which no more than `cap` are kept."""
    if len(data) <= cap:
        return Body(data, len(data))
    return Body(data[:cap], len(data), hashlib.sha256(data).digest())
