"""The worker's connection to the broker: one at a time, made anew when it breaks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import TYPE_CHECKING, Final

from shadow_middleware.broker.link import connect, part, shown
from shadow_middleware.broker.stream import Stream, ensure_stream, look
from shadow_middleware.errors import BrokerError
from shadow_middleware.settings import Settings

if TYPE_CHECKING:
    from nats.aio.client import Client

__all__ = ["Broker"]

logger = logging.getLogger("shadow_middleware.worker")

FIRST_REST: Final = 0.25
LONGEST_REST: Final = 10.0


class Broker:
    """
    Gives a connection that stands, however often it has to be made.

    Args:
        settings: Where the broker is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._stream: Stream | None = None
        self._connecting = asyncio.Lock()
        self.connections = 0

    @property
    def is_there(self) -> bool:
        """Whether the connection stands, as far as one knows."""
        return self._client is not None and not self._client.is_closed

    async def begin(self) -> Stream:
        """
        Return the stream over a first connection.

        Raises:
            BrokerError: there is none to be had.
            ConfigurationError: the stream is not as the settings say.
        """
        self._client = await connect(self._settings, "shadow-middleware worker")
        self.connections += 1
        context = self._client.jetstream()
        self._stream = await ensure_stream(context, self._settings)
        return self._stream

    async def client(self) -> Client:
        """
        Return a connection, waiting for the broker to come back.

        Raises:
            ConfigurationError: the stream is not as the settings say.
        """
        async with self._connecting:
            rest = FIRST_REST
            while not self.is_there:
                try:
                    await self.begin()
                except BrokerError as error:
                    if rest == FIRST_REST:
                        logger.warning("%s; it is tried again", error)
                    await asyncio.sleep(rest * (0.5 + random.random()))
                    rest = min(LONGEST_REST, 2 * rest)
                else:
                    if self.connections > 1:
                        where = shown(self._settings.broker_url)
                        logger.warning("the broker at %s is back", where)
            assert self._client is not None
            return self._client

    async def stream(self, *, anew: bool = False) -> Stream:
        """
        Return the stream as it is by now, waiting for the broker to come back.

        Args:
            anew: Over a new connection in any case.

        Raises:
            ConfigurationError: it is there, and not as the settings say.
        """
        if anew:
            await self.close()
        await self.client()
        assert self._stream is not None
        return self._stream

    async def found(self) -> Stream:
        """
        Return the stream as the broker has it: another one, where it was removed since.

        Raises:
            BrokerError: it cannot be asked.
            ConfigurationError: it is there, and not as the settings say.
        """
        client = await self.client()
        self._stream = await ensure_stream(client.jetstream(), self._settings)
        return self._stream

    async def backlog(self) -> Stream | None:
        """Return the stream with what waits in it; None while it cannot be asked."""
        if self._client is None or self._stream is None or not self.is_there:
            return None
        with contextlib.suppress(BrokerError):
            return await look(self._client.jetstream(), self._stream)
        return None

    async def close(self) -> None:
        """Part from the broker."""
        if self._client is not None:
            await part(self._client)
