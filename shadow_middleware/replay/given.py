"""Answers that are there already: a candidate's, which ran beside the code it may replace."""

from __future__ import annotations

from shadow_middleware.errors import ReplayRefused
from shadow_middleware.exchange import Exchange, Request
from shadow_middleware.replay.base import Answer
from shadow_middleware.replay.twin import Twin

__all__ = ["NoSender", "given_twin"]


class NoSender:
    """The `Sender` of a target that is no place: what it is to answer comes along."""

    async def send(self, request: Request) -> Answer:
        """Refuse."""
        raise ReplayRefused(
            f"no answer came along with {request.method} {request.path!r}",
            reason="no_answer",
        )

    async def aclose(self) -> None:
        """Do nothing."""


def given_twin(exchange: Exchange) -> Twin:
    """
    Return the answer that came along with the exchange.

    Raises:
        ReplayRefused: there is none.
    """
    given = exchange.given
    if given is None or given.response is None or given.timing is None:
        raise ReplayRefused("no answer came along", reason="no_answer")
    delay = (given.timing.started - exchange.timing.started) / 1e9
    return Twin(given.response, given.timing, exchange.at + delay)
