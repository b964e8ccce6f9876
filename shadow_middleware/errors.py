"""
Every exception of the package, in one tree, grouped by who can mend it.

    ShadowMiddlewareError
      x ConfigurationError       the settings are wrong: you
      x MissingExtraError        a package is not installed: you
      x StoreError               the database cannot be used: you or the world
        x RefusedByStoreError    it refuses these rows; others may pass
        x FencedError            another worker has the partition: nothing is written
      x BrokerError              the broker cannot be used: you or the world
      · ReplayError              the shadow could not be asked: the world
        x ReplayTimeout
        x ReplayConnectError
        x ReplayProtocolError
        x ReplayRefused          our own limits said no
      x DecodeError              bytes from the wall or from disk are not ours
      x ApiError                 a dashboard's API is away, or refuses: the world or you
      · IsolationError           a shadow must not do this: the shadow's own app
        x NotIsolatedError       what it does could not be undone
        x ReadOnlyError          it may only read
        x OutgoingRefusedError   it may not speak to others

None of them ever reaches the live application while it serves a request; the last
four are for the shadow's application, while it serves a copy.
"""

from __future__ import annotations

__all__ = [
    "ApiError",
    "BrokerError",
    "ConfigurationError",
    "DecodeError",
    "FencedError",
    "IsolationError",
    "MissingExtraError",
    "NotIsolatedError",
    "OutgoingRefusedError",
    "ReadOnlyError",
    "RefusedByStoreError",
    "ReplayConnectError",
    "ReplayError",
    "ReplayProtocolError",
    "ReplayRefused",
    "ReplayTimeout",
    "ShadowMiddlewareError",
    "StoreError",
]


class ShadowMiddlewareError(Exception):
    """The base of every exception that this package raises."""

    exit_code = 2
    """What the command line exits with when this error ends a command."""


class ConfigurationError(ShadowMiddlewareError):
    """
    The settings are wrong; raised at start-up, never at a request.

    The message names the key, the value, and the nearest right one.
    """


class MissingExtraError(ShadowMiddlewareError):
    """An optional dependency is missing; the message holds its install line."""

    def __init__(self, extra: str, needed_for: str) -> None:
        super().__init__(
            f"{needed_for} needs the {extra!r} extra: "
            f"pip install 'shadow-middleware[{extra}]'"
        )
        self.extra = extra


class StoreError(ShadowMiddlewareError):
    """The store cannot be opened, read or written."""


class RefusedByStoreError(StoreError):
    """The store refuses these rows for what they hold; trying again changes nothing."""


class FencedError(StoreError):
    """Another worker has a partition of these rows by now; nothing was written."""


class BrokerError(ShadowMiddlewareError):
    """The broker cannot be reached, or refuses what it is asked."""


class ReplayError(ShadowMiddlewareError):
    """
    A replay got no usable answer from the shadow.

    `reason` is the short word that outcomes are counted under.
    """

    reason = "error"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class ReplayTimeout(ReplayError):
    """The shadow did not connect, answer or finish in time."""

    reason = "total"


class ReplayConnectError(ReplayError):
    """No connection to the shadow could be made."""

    reason = "connect"


class ReplayProtocolError(ReplayError):
    """The shadow reset the connection or did not speak HTTP."""

    reason = "protocol"


class ReplayRefused(ReplayError):
    """The request cannot be sent faithfully and safely, so it was not sent."""

    reason = "refused"


class DecodeError(ShadowMiddlewareError):
    """Bytes that should hold a record of ours do not."""


class IsolationError(ShadowMiddlewareError):
    """
    A shadow request wanted what it must not do, and it was not done.

    `reason` is the short word that the live side counts the exchange under.
    """

    reason = "not_isolated"


class NotIsolatedError(IsolationError):
    """What a shadow request wanted to do could not be rolled back."""


class ReadOnlyError(IsolationError):
    """A shadow request wanted to write where it may only read."""

    reason = "read_only"


class OutgoingRefusedError(IsolationError):
    """A shadow request wanted to speak to somebody else."""

    reason = "outgoing_refused"


class ApiError(ShadowMiddlewareError):
    """The API of a dashboard cannot be reached, or does not answer what was asked."""
