"""From what a transport raises to our own errors and the words they count under."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from shadow_middleware.errors import (
    ReplayConnectError,
    ReplayError,
    ReplayProtocolError,
    ReplayRefused,
    ReplayTimeout,
)
from shadow_middleware.replay.client import httpx

__all__ = ["replay_error", "timed_out", "why_not_connected"]

_MAX_CAUSES = 20


def timed_out(what: str, seconds: float) -> ReplayTimeout:
    """Return the error for a timer of ours that ran out."""
    return ReplayTimeout(f"no {what} answer within {seconds:g} s", reason=what)


def replay_error(error: Exception) -> ReplayError:
    """
    Return our error for one that a transport raised.

    Reasons: `connect` and `read` (timeouts), `refused`, `dns`, `tls`, `connect`,
    `reset`, `protocol`, `refused`, and `transport` for what no HTTP client raises.
    """
    text = f"{type(error).__name__}: {error}"[:300]
    if isinstance(error, ReplayError):
        return error
    if isinstance(error, httpx.ConnectTimeout):
        return ReplayTimeout(text, reason="connect")
    if isinstance(error, httpx.TimeoutException):
        return ReplayTimeout(text, reason="read")
    if isinstance(error, httpx.ConnectError):
        return ReplayConnectError(text, reason=why_not_connected(error))
    if isinstance(error, (httpx.LocalProtocolError, httpx.UnsupportedProtocol)):
        return ReplayRefused(text)
    if isinstance(error, (httpx.TransportError, OSError)):
        return ReplayProtocolError(text, reason=_why_broken(error))
    return ReplayProtocolError(text, reason="transport")


def why_not_connected(error: Exception) -> str:
    """Return the reason that a connection which could not be made counts under."""
    for cause in _causes(error):
        if isinstance(cause, ConnectionRefusedError):
            return "refused"
        if isinstance(cause, (socket.gaierror, UnicodeError)):
            return "dns"
        if isinstance(cause, ssl.SSLError):
            return "tls"
    return "connect"


def _why_broken(error: Exception) -> str:
    for cause in _causes(error):
        if isinstance(cause, (ConnectionResetError, BrokenPipeError)):
            return "reset"
        if isinstance(cause, ssl.SSLError):
            return "tls"
    return "protocol"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what led to it, groups included, each once."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < _MAX_CAUSES:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        led = [
            current.__cause__,
            current.__context__,
            *getattr(current, "exceptions", ()),
        ]
        waiting.extend(each for each in led if each is not None)
