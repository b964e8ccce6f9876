"""Which transport a target is reached by: one of ours, or one that the user names."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from shadow_middleware.addresses import is_app
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.replay.app_transport import app_transport
from shadow_middleware.replay.client import httpx
from shadow_middleware.replay.httpx_transport import SlotTransport
from shadow_middleware.replay.importing import imported
from shadow_middleware.settings import Settings, Target

__all__ = ["AUTO", "OWN", "origin_of", "ssl_context_for", "transport_for"]

AUTO: Final = "auto"
"""What `transport` says where our own sender is meant, which needs no client."""
OWN: Final = "httpx"
"""What it says where the client's own transport is meant."""


def origin_of(target: Target) -> str:
    """Return where connections to the target go: `http://host:port`."""
    url = urlsplit(target.address)
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}"


def transport_for(
    target: Target, settings: Settings, origin: str
) -> httpx.AsyncBaseTransport:
    """
    Return a new transport for the target.

    Raises:
        ConfigurationError: `transport` is neither a name of ours nor names something
            that makes a transport, or the target is an app that cannot be imported.
    """
    if is_app(target.url):
        return app_transport(target.url)
    name = target.transport or settings.transport
    if name == OWN:
        limit = target.concurrency or settings.concurrency
        return SlotTransport(limit=limit, ssl_context=ssl_context_for(origin))
    if ":" in name:
        return _of_the_user(name)
    raise ConfigurationError(
        f"transport: {name!r} is not one of {AUTO}, {OWN}; "
        "a transport of your own is named 'module:factory'"
    )


def ssl_context_for(origin: str) -> Any:
    """Return whom to trust, as the client does; None for plain http."""
    return httpx.create_ssl_context() if origin.startswith("https:") else None


def _of_the_user(name: str) -> httpx.AsyncBaseTransport:
    made = imported(name, "transport")
    transport = (
        made if isinstance(made, httpx.AsyncBaseTransport) else _call(made, name)
    )
    if not hasattr(transport, "handle_async_request"):
        raise ConfigurationError(
            f"transport: {name!r} gave {type(transport).__name__}, which is not an "
            f"{httpx.__name__}.AsyncBaseTransport"
        )
    checked: httpx.AsyncBaseTransport = transport
    return checked


def _call(factory: Any, name: str) -> Any:
    try:
        return factory()
    except Exception as error:
        raise ConfigurationError(
            f"transport: {name!r} raised {type(error).__name__}: {error}"
        ) from error
