"""A connection to the broker. The only file that knows how nats-py connects."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from shadow_middleware.errors import BrokerError, ConfigurationError, MissingExtraError
from shadow_middleware.settings import Settings

if TYPE_CHECKING:
    from nats.aio.client import Client

__all__ = ["connect", "linked", "options_of", "part", "shown"]

logger = logging.getLogger("shadow_middleware.broker")

PATIENCE: Final = 10
"""Seconds until a connection stands."""
PARTING: Final = 2.0
"""Seconds that the end of one may take."""
_JWT: Final = "NATS USER JWT"


def shown(url: str) -> str:
    """Return the address as it may be logged: without user, password and token."""
    return re.sub(r"(\w+://)[^/,]*@", r"\1", url)


async def connect(settings: Settings, name: str) -> Client:
    """
    Return a connection that ends for good when it is lost: then a new one is made.

    What was under way is then of unknown fate, and who asked for it knows best what to
    do about that: the client's own way to reconnect would send it in another order.

    Args:
        settings: Where the broker is, and who we are to it.
        name: What the broker shows the connection as.

    Raises:
        BrokerError: nobody answers there, or it does not let us in.
        ConfigurationError: a file that the settings name cannot be used.
        MissingExtraError: nats-py is not installed.
    """
    try:
        from nats.aio.client import Client
    except ImportError:
        raise MissingExtraError("nats", "A broker") from None
    client = Client()
    try:
        # The client bounds each step but that of TLS, where it waits for ever.
        async with asyncio.timeout(3 * PATIENCE):
            await client.connect(**options_of(settings), name=name, error_cb=_heard)
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever nats-py makes of a dead host
        await part(client, 1.0)
        where = shown(settings.broker_url)
        raise BrokerError(f"no broker at {where}: {_in_words(error)}") from None
    return client


@contextlib.asynccontextmanager
async def linked(settings: Settings, name: str) -> AsyncIterator[Client]:
    """Give a connection, and close it."""
    client = await connect(settings, name)
    try:
        yield client
    finally:
        await part(client)


async def part(client: Client, seconds: float = PARTING) -> None:
    """
    Close a connection, for so long at the most.

    The client waits for what it has not sent, without an end where the broker takes
    nothing any more: an agent that would not end, with nobody left to end it.
    """
    with contextlib.suppress(Exception):
        async with asyncio.timeout(seconds):
            await client.close()


def options_of(settings: Settings) -> dict[str, Any]:
    """
    Return what nats-py is told.

    Raises:
        ConfigurationError: a file cannot be read.
    """
    options: dict[str, Any] = {
        "servers": [one.strip() for one in settings.broker_url.split(",")],
        "allow_reconnect": False,
        "connect_timeout": PATIENCE,
        "reconnect_time_wait": 0.1,
        "max_reconnect_attempts": 2,
        "ping_interval": 10,
        "max_outstanding_pings": 2,
    }
    if settings.broker_credentials:
        options |= _credentials(settings.broker_credentials)
    if settings.broker_ca or settings.broker_certificate:
        options["tls"] = _tls(settings)
    elif "tls://" in settings.broker_url:
        options["tls"] = ssl.create_default_context()
    return options


def _credentials(path: str) -> dict[str, str]:
    """Tell a file with a token of a user from one with a bare seed."""
    try:
        text = Path(path).read_text("utf-8", "replace")
    except OSError as error:
        raise ConfigurationError(
            f"broker_credentials: {path}: {error.strerror}"
        ) from None
    if _JWT in text:
        return {"user_credentials": path}
    if not text.strip().startswith("SU"):
        raise ConfigurationError(
            f"broker_credentials: {path} holds neither a NATS user token (.creds) nor "
            "the seed of a user's nkey, which begins with SU"
        )
    return {"nkeys_seed_str": text.strip()}


def _tls(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.broker_ca or None)
        if settings.broker_certificate:
            context.load_cert_chain(
                settings.broker_certificate, settings.broker_certificate_key or None
            )
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"broker_ca or broker_certificate cannot be used: {error}"
        ) from None
    return context


async def _heard(error: Exception) -> None:
    """Take note of what the client says; who waits for the broker sees it as well."""
    logger.debug("the broker's connection: %s", type(error).__name__)


def _in_words(error: Exception) -> str:
    """Return what went wrong, without what it may quote."""
    text = shown(str(error)).removeprefix("nats: ").strip(" '\"")
    if "authorization" in text.lower():
        return "it does not let us in: see broker_url and broker_credentials"
    return text or type(error).__name__
