"""
What becomes of a request on its way to one target, and of the answer on its way back.

It is marked and addressed. Then the session puts its own cookies and names in, and last
the steps of `transform` run, so that a signature is made over what is really sent; where
neither is asked for, it goes out as it is.
"""

from __future__ import annotations

import logging
import time
from typing import Final

import msgspec

from shadow_middleware.errors import ReplayRefused
from shadow_middleware.exchange import Exchange, Request
from shadow_middleware.replay.base import Sender
from shadow_middleware.replay.calling import Caller, function_at
from shadow_middleware.replay.sessions import Prepared, Sessions
from shadow_middleware.replay.twin import Twin
from shadow_middleware.settings import Settings, Target
from shadow_middleware.transform.marker import make as make_marker
from shadow_middleware.transform.outgoing import Outgoing, checked
from shadow_middleware.transform.steps import (
    Call,
    Occasion,
    occasion_of,
    planted_in,
    steps_of,
)

__all__ = ["FAILED", "Way"]

logger = logging.getLogger("shadow_middleware.sessions")

FAILED: Final = "transform_failed"
"""Why a replay is skipped whose steps could not be run."""
LOG_INTERVAL: Final = 60.0
"""Seconds between two lines about steps that fail."""


class Way:
    """
    The way to one target.

    Args:
        target: Where it leads.
        settings: Whose credentials, sessions and steps go with it.

    Raises:
        ConfigurationError: a step's function cannot be imported.
    """

    def __init__(self, target: Target, settings: Settings) -> None:
        self._name = target.name
        self._outgoing = Outgoing(target, settings)
        self._secret = settings.secret
        self._sessions: Sessions | None = None
        if settings.sessions != "off":
            self._sessions = Sessions(target, settings)
        self._steps = steps_of(target, settings, function_at)
        self._caller = Caller(settings.transform_timeout)
        self._logged_at = float("-inf")
        self._unlogged = 0

    @property
    def keeps_sessions(self) -> bool:
        """Whether what is sent depends on what its session was answered before."""
        return self._sessions is not None

    async def send(self, exchange: Exchange, sender: Sender) -> Twin:
        """
        Send a copy of the exchange's request, and return what was answered.

        Raises:
            ReplayError: as the sender does, or the request cannot be made.
        """
        at = time.time()
        marker = make_marker(exchange.id, secret=self._secret, at=at)
        request = self._outgoing(exchange, marker)
        host = self._outgoing.host_for(exchange.request)
        if self._sessions is None and not self._steps:
            answer = await sender.send(request)
            return Twin(answer.response, answer.timing, at, host)
        return await self._send_changed(exchange, request, sender, at, host)

    async def _send_changed(
        self, exchange: Exchange, request: Request, sender: Sender, at: float, host: str
    ) -> Twin:
        """Send the request as the exchange's session would, and learn from the answer."""
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
        now = time.monotonic()
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
