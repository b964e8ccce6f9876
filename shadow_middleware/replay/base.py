"""The port that a replay goes out through."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shadow_middleware.exchange import Request, Response, Timing

__all__ = ["Answer", "Sender"]


class Answer(msgspec.Struct, frozen=True):
    """What a shadow said and how long it took, on the sender's monotonic clock."""

    response: Response
    timing: Timing


class Sender(Protocol):
    """
    Sends one request to one target and returns the whole answer.

    Implementations follow no redirect, keep no cookie, read no proxy from the
    environment, cap what they read, and never run longer than the total timeout.
    """

    async def send(self, request: Request) -> Answer:
        """
        Return the shadow's answer.

        Args:
            request: Final as it is: `path` and `query` hold the target's base path,
                `headers` are those to send, framing headers excepted.

        Raises:
            ReplayTimeout: in connecting, reading or in all.
            ReplayConnectError: no connection could be made.
            ReplayProtocolError: the shadow reset, lied about its length, or did not
                speak HTTP.
            ReplayRefused: the request cannot be sent as it is.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection. Calling it twice is harmless."""
        ...
