"""What commands share that serve until Ctrl-C: where they listen, and who may reach it."""

from __future__ import annotations

import socket

from shadow_middleware.errors import ConfigurationError

__all__ = ["address_of", "check_reach", "listening"]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def check_reach(host: str, token: str, variable: str) -> None:
    """
    Refuse an address beyond this machine without a token of one's own.

    Raises:
        ConfigurationError: naming the environment variable that it is taken from.
    """
    if not token and host not in _LOOPBACK:
        raise ConfigurationError(
            f"{host} can be reached from elsewhere: set {variable} to a token of your own"
        )


def listening(host: str, port: int) -> socket.socket:
    """
    Return a socket that listens; port 0 is any that is free.

    Raises:
        ConfigurationError: somebody else listens there, or it is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; "
            "another one: --port 0"
        ) from None


def address_of(host: str, port: int) -> str:
    """Return where it is, as a URL."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
