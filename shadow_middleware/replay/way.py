"""
What becomes of a request on its way to one target, and of the answer on its way back.

First the session puts its own cookies and names in, then the steps of `transform` run,
so that a signature is made over what is really sent. Only where one of them is asked
for: a lane without them sends what `Outgoing` makes, and has none of this.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

import msgspec

from shadow_middleware.errors import ReplayRefused
from shadow_middleware.exchange import Exchange, Request
from shadow_middleware.replay.base import Sender
from shadow_middleware.replay.calling import Caller, function_at
from shadow_middleware.replay.sessions import Prepared, Sessions
from shadow_middleware.replay.twin import Twin
from shadow_middleware.settings import Settings, Target
from shadow_middleware.transform.outgoing import checked
from shadow_middleware.transform.steps import (
    Call,
    Occasion,
    Steps,
    occasion_of,
    planted_in,
    steps_of,
)

__all__ = ["FAILED", "Way", "way_to"]

logger = logging.getLogger("shadow_middleware.sessions")

FAILED: Final = "transform_failed"
"""Why a replay is skipped whose steps could not be run."""
LOG_INTERVAL: Final = 60.0
"""Seconds between two lines about steps that fail."""


def way_to(target: Target, settings: Settings) -> Way | None:
    """
    Return the way to a target; None where requests go out as they were captured.

    Raises:
        ConfigurationError: a step's function cannot be imported.
    """
    steps = steps_of(target, settings, function_at)
    if settings.sessions == "off" and not steps:
        return None
    sessions = None if settings.sessions == "off" else Sessions(target, settings)
    return Way(target.name, sessions, steps, settings.transform_timeout)


class Way:
    """The sessions and the steps of one target."""

    def __init__(
        self,
        name: str,
        sessions: Sessions | None,
        steps: Steps,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._sessions = sessions
        self._steps = steps
        self._caller = Caller(seconds)
        self._clock = clock
        self._logged_at = float("-inf")
        self._unlogged = 0

    async def send(
        self, exchange: Exchange, request: Request, sender: Sender, at: float, host: str
    ) -> Twin:
        """
        Send the request as the exchange's session would, and learn from the answer.

        Raises:
            ReplayError: as the sender does, or the request cannot be made.
        """
        sent = Prepared(request)
        if self._sessions is not None:
            sent = self._sessions.prepare(exchange, request)
        planted = sent.planted
        request = sent.request
        if self._steps:
            occasion = occasion_of(exchange, self._name, at)
            request = await self._stepped(exchange, request, occasion)
            planted = (*planted, *planted_in(sent.request, request))
        answer = await sender.send(request)
        told = None
        if self._sessions is not None:
            told = await self._sessions.heard(exchange, sent, answer.response)
        self._explain(exchange, sent)
        return msgspec.structs.replace(
            Twin(answer.response, answer.timing, at, host),
            told=told,
            rebound=sent.uses,
            ambiguous=sent.ambiguous,
            planted=planted,
        )

    def is_stale(self, key: str | None) -> bool:
        """Whether the session has missed a request that may have changed it."""
        return self._sessions is not None and self._sessions.is_stale(key)

    def missed(self, exchange: Exchange) -> None:
        """Take note that an exchange did not reach the target, or nobody knows."""
        if self._sessions is not None:
            self._sessions.missed(exchange)

    # --- steps ------------------------------------------------------------------------

    async def _stepped(
        self, exchange: Exchange, request: Request, occasion: Occasion
    ) -> Request:
        """Return the request after every step that is for its route."""
        changed, number = request, 0
        try:
            steps = self._steps.for_route(request.method, exchange.route)
            for number, step in enumerate(steps):  # noqa: B007 -- told of a failure
                made = step(changed, occasion)
                if isinstance(made, Call):
                    made = made.finish(
                        await self._caller.call(made.function, *made.arguments)
                    )
                changed = made
            return changed if changed is request else checked(changed, request)
        except Exception as error:  # noqa: BLE001 -- the fence: one replay is skipped
            self._log_failure(exchange, number, error)
            raise ReplayRefused(
                f"step {number + 1} of transform failed: {type(error).__name__}",
                reason=FAILED,
            ) from None

    def _log_failure(self, exchange: Exchange, number: int, error: Exception) -> None:
        """Log a failure, at most one a minute; what it says of values is left out."""
        now = self._clock()
        if now - self._logged_at < LOG_INTERVAL:
            self._unlogged += 1
            return
        more = f" ({self._unlogged} more since the last line)" if self._unlogged else ""
        self._logged_at, self._unlogged = now, 0
        logger.warning(
            "%s to %s is not replayed: step %d of transform failed: %s%s%s",
            *(exchange.id, self._name, number + 1, type(error).__name__),
            f" at {_last_place(error)}" if error.__traceback__ else "",
            more,
        )

    def _explain(self, exchange: Exchange, sent: Prepared) -> None:
        if not logger.isEnabledFor(logging.DEBUG):
            return
        for use in sent.uses:
            logger.debug(
                "%s to %s, %s: %s became %s, learned in %s",
                *(
                    exchange.id,
                    self._name,
                    use.where,
                    use.live,
                    use.shadow,
                    use.learned,
                ),
            )
        for where in sent.ambiguous:
            logger.debug("%s to %s, left alone: %s", exchange.id, self._name, where)


def _last_place(error: BaseException) -> str:
    """Return file and line where an error was raised; its text may hold a secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
    return f"{file}:{trace.tb_lineno}"
