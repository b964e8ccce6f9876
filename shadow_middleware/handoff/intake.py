"""
The agent's end of the wall: bytes become exchanges, events become bytes.

One `Intake` for each connection. It knows frames and nothing of what is done with
what they hold; that is its `Host`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from typing import Any, Final, Protocol, cast

import msgspec

from shadow_middleware.errors import ConfigurationError, DecodeError
from shadow_middleware.exchange import Exchange
from shadow_middleware.handoff import codec

__all__ = ["Host", "Intake", "Sink"]

logger = logging.getLogger("shadow_middleware")

MOST_READS: Final = 1_000
"""Pieces that are read of what a live process left; more than a socket holds."""
MAX_UNSENT: Final = 1024 * 1024
"""Bytes of events that may wait for a live process that does not read them."""


class Sink(Protocol):
    """Where the exchanges of one connection go."""

    def account(self, session: str, selected: int, drops: dict[str, int]) -> None:
        """Take note of what the live side selected in all and dropped since."""
        ...

    def accept(self, exchange: Exchange, size: int) -> None:
        """Take one exchange; neither block nor raise."""
        ...

    def listed(self, routes: list[str]) -> None:
        """Take note of the routes that the app's router lists."""
        ...

    def used(self, uses: list[codec.Use]) -> None:
        """Take note of live requests that were not mirrored."""
        ...

    def paid(self, cost: codec.Cost) -> None:
        """Take note of what the live process spent on handing over."""
        ...


class Host(Protocol):
    """What stands behind every connection of an agent."""

    def welcome(self, hello: codec.Hello, intake: Intake) -> Sink:
        """
        Return where this connection's exchanges go.

        Raises:
            ConfigurationError: its settings cannot be used.
        """
        ...

    def farewell(self, intake: Intake) -> None:
        """Take note that a connection is gone."""
        ...


class Intake(asyncio.Protocol):
    """Reads what one live process sends, and tells it what it wants to hear."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._frames = codec.Frames()
        self._transport: asyncio.Transport | None = None
        self._sink: Sink | None = None
        self._rest: socket.socket | None = None
        self.hello: codec.Hello | None = None
        self.wants: frozenset[str] = frozenset()
        self._unheard = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        ours = transport.get_extra_info("socket")
        if ours is not None:
            self._rest = socket.socket(fileno=os.dup(ours.fileno()))

    def data_received(self, data: bytes) -> None:
        """Take in whatever part of whatever frames has come."""
        try:
            for kind, payload in self._frames.feed(data):
                self._take(kind, payload)
        except (DecodeError, ConfigurationError, msgspec.MsgspecError) as error:
            logger.error("a live process is not understood: %s", error)
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        """End; the live process has gone or said goodbye."""
        self._transport = None
        if self._unheard:
            logger.warning(
                "%d events of signals were lost: the live process was too slow to take "
                "them",
                self._unheard,
            )
        rest, self._rest = self._rest, None
        if rest is not None:
            with rest:
                if error is not None:
                    self._take_rest(rest)
        self._host.farewell(self)

    def _take_rest(self, rest: socket.socket) -> None:
        """
        Read what a live process had sent before it went.

        Where it left something of ours unread, or we wrote to it too late, the
        transport fails at once, and lets go of all that was still to be read.
        """
        for _ in range(MOST_READS):
            try:
                data = rest.recv(256 * 1024)
            except ConnectionError:
                continue  # told once; what was sent before can be read all the same
            except OSError:
                return
            if not data:
                return
            self.data_received(data)

    def close(self) -> None:
        """Part from the live process."""
        if self._transport is not None:
            self._transport.close()

    def pause(self) -> None:
        """Read no more; what the live process sends waits on its side."""
        if self._transport is not None:
            self._transport.pause_reading()

    def finish(self) -> None:
        """Take what the live process has sent by now, and read no more."""
        self.pause()
        if self._rest is not None:
            self._take_rest(self._rest)

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == codec.BATCH:
            self._take_batch(payload)
        elif kind == codec.HELLO:
            self._greet(msgspec.msgpack.decode(payload, type=codec.Hello))
        elif kind == codec.WANTS:
            self.wants = msgspec.msgpack.decode(payload, type=frozenset[str])
        elif kind == codec.BYE:
            self.close()
        elif kind == codec.ROUTES:
            self._ready().listed(msgspec.msgpack.decode(payload, type=list[str]))
        elif kind == codec.USES:
            self._ready().used(msgspec.msgpack.decode(payload, type=list[codec.Use]))
        elif kind == codec.COST:
            self._ready().paid(msgspec.msgpack.decode(payload, type=codec.Cost))

    def _greet(self, hello: codec.Hello) -> None:
        if hello.version != codec.PROTOCOL:
            raise DecodeError(
                f"it speaks version {hello.version} of what crosses the wall, and this "
                f"agent {codec.PROTOCOL}: install the same shadow-middleware in both"
            )
        self.hello = hello
        self.wants = frozenset(hello.wants)
        self._sink = self._host.welcome(hello, self)

    def _ready(self) -> Sink:
        if self._sink is None:
            raise DecodeError("a frame came before its hello")
        return self._sink

    def _take_batch(self, payload: bytes) -> None:
        hello, sink = self.hello, self._ready()
        assert hello is not None
        batch = codec.decode_batch(payload)
        drops = dict(batch.drops)
        for raw in batch.records:
            try:
                exchange = codec.exchange_of(raw, hello.session, hello.clock_offset)
            except DecodeError as error:
                drops["undecodable"] = drops.get("undecodable", 0) + 1
                logger.warning("%s", error)
            else:
                sink.accept(exchange, len(raw))
        sink.account(hello.session, batch.selected, drops)

    def send_status(self, status: codec.Status) -> None:
        """Tell the live process how far its exchanges have come."""
        self._send(codec.STATUS, status)

    def send_event(self, name: str, payload: dict[str, Any]) -> None:
        """Tell the live process of an event, if somebody there listens to it."""
        if name in self.wants:
            self._send(codec.EVENT, codec.Event(name, payload))

    def _send(self, kind: int, payload: object) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            self._unheard += kind == codec.EVENT
            return
        self._transport.write(codec.frame(kind, payload))
