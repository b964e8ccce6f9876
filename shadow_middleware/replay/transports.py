"""Which transport a target is reached by: one of ours, or one that the user names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shadow_middleware.addresses import is_app
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.replay.aiohttp_transport import AiohttpTransport
from shadow_middleware.replay.app_transport import app_transport, imported
from shadow_middleware.replay.client import httpx
from shadow_middleware.replay.httpx_transport import SlotTransport
from shadow_middleware.settings import Settings, Target

__all__ = ["OURS", "transport_for"]


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
    if name in OURS:
        return OURS[name](target, settings, origin)
    if ":" in name:
        return _of_the_user(name)
    raise ConfigurationError(
        f"transport: {name!r} is not one of {', '.join(OURS)}; "
        "a transport of your own is named 'module:factory'"
    )


def _aiohttp(target: Target, settings: Settings, origin: str) -> AiohttpTransport:
    context = _ssl_context(origin)
    total = target.total_timeout or settings.total_timeout
    limit = target.concurrency or settings.concurrency
    return AiohttpTransport(
        origin,
        connect_timeout=settings.connect_timeout,
        # A timer that the one for the whole replay always precedes is not worth it.
        read_timeout=settings.read_timeout if settings.read_timeout < total else None,
        limit=limit,
        ssl_context=context,
        fallback=SlotTransport(limit=limit, ssl_context=context),
    )


def _httpx(target: Target, settings: Settings, origin: str) -> SlotTransport:
    limit = target.concurrency or settings.concurrency
    return SlotTransport(limit=limit, ssl_context=_ssl_context(origin))


OURS: dict[str, Callable[[Target, Settings, str], httpx.AsyncBaseTransport]] = {
    "auto": _aiohttp,
    "aiohttp": _aiohttp,
    "httpx": _httpx,
}
"""Transports by the name that the setting `transport` calls them. `auto` is the
fastest that sends what was captured byte for byte."""


def _ssl_context(origin: str) -> Any:
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
