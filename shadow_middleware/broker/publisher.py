"""
Gets what waits to the broker: in order, a window at a time, each confirmed.

A connection that breaks is not mended: a new one is made, and what was not confirmed
is published again, first. The broker knows it again by its id. What is refused (the
stream is full, or just being elected a leader) is tried again too, but not past what
came after it with the same key: then it is counted as lost, as order is strict.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from shadow_middleware.broker.envelope import MSG_ID, PART
from shadow_middleware.broker.item import Item
from shadow_middleware.broker.link import connect, part, shown
from shadow_middleware.broker.outgoing import Outgoing
from shadow_middleware.broker.stream import DUPLICATES, Stream, ensure_stream
from shadow_middleware.errors import BrokerError, ShadowMiddlewareError
from shadow_middleware.settings import Settings

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

__all__ = ["Publisher"]

logger = logging.getLogger("shadow_middleware.broker")

UNCONFIRMED: Final = 10.0
"""Seconds after which a broker that confirms nothing is given up."""
FIRST_REST: Final = 0.25
LONGEST_REST: Final = 10.0
_MOST_BYTES: Final = 16 * 1024 * 1024
"""Bytes of messages that may be unconfirmed, beside one that is larger."""
_FULL: Final = (10047, 10077, 10023, 10028)
"""JetStream has no room: memory, store, resources of the account or of the server."""
_TOO_LARGE: Final = 10054


class _Ack(msgspec.Struct):
    """What JetStream answers to what was published."""

    error: dict[str, int | str] | None = None
    duplicate: bool = False


_decoder: Final = msgspec.json.Decoder(_Ack)


class _Flight:
    """One message that is not confirmed yet."""

    __slots__ = ("at", "item", "parts")

    def __init__(self, item: Item, parts: int, at: float) -> None:
        self.item, self.parts, self.at = item, parts, at


class Publisher:
    """
    Publishes on the loop it was started on.

    Args:
        settings: Where the broker is, and how much may be unconfirmed.
        outgoing: What waits.
        lost: Called with each item that will never get there, and why.
    """

    def __init__(
        self, settings: Settings, outgoing: Outgoing, lost: Callable[[Item, str], None]
    ) -> None:
        self._settings = settings
        self._outgoing = outgoing
        self._lost = lost
        self._flights: dict[int, _Flight] = {}
        self._first_sent: dict[str, float] = {}
        self._number = self._size = 0
        self._refused: list[tuple[int, Item]] = []
        self._accepted: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._rest = FIRST_REST
        self.stream: Stream | None = None
        """As it was found last."""
        self.trouble = "connecting"
        """Why nothing gets there now; '' while all is well."""
        self.counted: Counter[str] = Counter()
        """Exchanges confirmed, known already, refused; fates unknown; connections."""

    @property
    def why(self) -> str:
        """Return the reason under which what does not fit is counted."""
        if self.stream is not None and self.trouble == "full":
            return "broker_full"
        return "broker_away" if self.trouble else "broker_behind"

    def start(self) -> None:
        """Begin; called again it does nothing."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def notice(self) -> None:
        """Take note that there is something to publish."""
        self._wake.set()

    async def drain(self, seconds: float) -> bool:
        """Publish for up to `seconds`; whether everything is confirmed."""
        deadline = time.monotonic() + seconds
        while len(self._outgoing) and time.monotonic() < deadline:
            self._wake.set()
            await asyncio.sleep(0.02)
        return not len(self._outgoing)

    async def close(self) -> None:
        """Stop at once."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self._connected()
            except ShadowMiddlewareError as error:
                self._note_trouble(str(error))
            except Exception as error:  # noqa: BLE001 -- whatever the client does, it goes on
                self._note_trouble(f"{type(error).__name__}: {error}")
            await asyncio.sleep(self._rest * (0.5 + random.random()))
            self._rest = min(LONGEST_REST, 2 * self._rest)

    def _note_trouble(self, trouble: str) -> None:
        if not self.trouble or self.trouble == "connecting":
            logger.warning("%s; exchanges wait for the broker", trouble)
        self.trouble = trouble

    async def _connected(self) -> None:
        """Publish over one connection for as long as it stands."""
        client = await connect(self._settings, "shadow-middleware agent")
        try:
            self.stream = await ensure_stream(client.jetstream(), self._settings)
            inbox = client.new_inbox()
            await client.subscribe(f"{inbox}.*", cb=self._answered)
            if self.trouble not in ("", "connecting"):
                where = shown(self._settings.broker_url)
                logger.warning(
                    "the broker at %s is back; what waited goes there", where
                )
            self.trouble, self._rest = "", FIRST_REST
            self.counted["connections"] += 1
            self._begin_again()
            while not client.is_closed:
                await self._turn(client, inbox)
            raise BrokerError("the connection to the broker broke")
        finally:
            self._flights.clear()
            await part(client)

    def _begin_again(self) -> None:
        """Take back what was not confirmed, unless nobody would know it again."""
        self._flights.clear()
        self._refused.clear()
        self._accepted.clear()
        self._size = 0
        self._outgoing.take_back()
        oldest = time.monotonic() - (DUPLICATES - 2 * UNCONFIRMED)
        stale = [one for one, at in self._first_sent.items() if at < oldest]
        for _ in range(len(self._first_sent)):
            if not stale or (item := self._outgoing.next()) is None:
                break
            if item.id not in stale:
                self._outgoing.take_back([item])
                break
            # It may be there. To send it twice would be worse than to settle it late.
            self._outgoing.done(item)
            self._first_sent.pop(item.id, None)
            self.counted["unknown"] += 1

    async def _turn(self, client: Client, inbox: str) -> None:
        """Publish what there is room for, then wait for something to happen."""
        self._wake.clear()
        if self._refused:
            await self._after_refusal()
        while self._has_room() and not self._refused:
            item = self._outgoing.next()
            if item is None:
                break
            await self._publish(client, inbox, item)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await self._wake.wait()
        self._check_overdue()

    def _has_room(self) -> bool:
        if not self._flights:
            return True
        fits = self._size < _MOST_BYTES
        return fits and len(self._flights) < self._settings.broker_window

    def _check_overdue(self) -> None:
        oldest = next(iter(self._flights.values()), None)
        if oldest is not None and time.monotonic() - oldest.at > UNCONFIRMED:
            raise BrokerError("the broker confirms nothing")

    async def _publish(self, client: Client, inbox: str, item: Item) -> None:
        stream = self.stream
        assert stream is not None
        if stream.bound > 0 and len(item.data) * 2 > stream.bound:
            self._give_up(item, "too_large")
            return
        number = self._number = self._number + 1
        now = time.monotonic()
        self._first_sent.setdefault(item.id, now)
        largest = stream.largest
        pieces = -(-len(item.data) // largest) or 1
        self._flights[number] = _Flight(item, pieces, now)
        self._size += len(item.data)
        # An ending goes where it belongs; only what has a token is divided.
        where = (
            stream.subject(item.token)
            if item.partition < 0
            else stream.within(item.partition, item.token)
        )
        reply = f"{inbox}.{number}"
        if pieces == 1:
            await client.publish(where, item.data, reply, {MSG_ID: item.id})
            return
        for piece in range(pieces):
            headers = {
                MSG_ID: f"{item.name}/{piece + 1}",
                PART: f"{piece + 1}/{pieces}",
            }
            data = item.data[piece * largest : (piece + 1) * largest]
            await client.publish(where, data, reply, headers)

    async def _answered(self, message: Msg) -> None:
        """Take what JetStream says of one message."""
        number = int(message.subject.rpartition(".")[2])
        flight = self._flights.get(number)
        if flight is None:
            return
        problem = _problem(message)
        if problem is not None:
            self._end_flight(number)
            self._refuse(number, flight.item, *problem)
        else:
            flight.parts -= 1
            if not flight.parts:
                self._end_flight(number)
                self._confirmed(number, flight.item)
        if self._refused or len(self._flights) <= self._settings.broker_window // 2:
            self._wake.set()

    def _end_flight(self, number: int) -> None:
        self._size -= len(self._flights.pop(number).item.data)

    def _confirmed(self, number: int, item: Item) -> None:
        self._outgoing.done(item)
        self._first_sent.pop(item.id, None)
        self.counted["published"] += item.partition < 0
        if item.key is not None:
            self._accepted[item.key] = number
        if not self._flights:
            self._accepted.clear()
        if self.trouble == "full":
            self.trouble, self._rest = "", FIRST_REST
            logger.warning("the stream has room again; what waited goes there")

    def _refuse(self, number: int, item: Item, code: int, words: str) -> None:
        self.counted["refused"] += 1
        if code == _TOO_LARGE:
            self._give_up(item, "too_large")
            return
        trouble = "full" if code in _FULL else words
        if self.trouble != trouble:
            logger.warning("the stream refuses exchanges (%s); they wait", words)
        self.trouble = trouble
        item.tries += 1
        self._refused.append((number, item))

    async def _after_refusal(self) -> None:
        """Wait until all is answered, then try again what may be without harm."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNCONFIRMED):
                while self._flights:
                    self._wake.clear()
                    await self._wake.wait()
        refused, self._refused = sorted(self._refused, key=lambda one: one[0]), []
        for number, flight in self._flights.items():
            if flight.item.key is not None:  # it may be there: nothing goes behind it
                self._accepted[flight.item.key] = number
        again = []
        for number, item in refused:
            if item.key is not None and self._accepted.get(item.key, -1) > number:
                self._give_up(item, "broker_order")
            else:
                again.append(item)
        self._outgoing.take_back(again)
        self._accepted.clear()
        await asyncio.sleep(self._rest)
        self._rest = min(LONGEST_REST / 4, 2 * self._rest)

    def _give_up(self, item: Item, reason: str) -> None:
        self._outgoing.done(item)
        self._first_sent.pop(item.id, None)
        self._lost(item, reason)


def _problem(message: Msg) -> tuple[int, str] | None:
    """Return the number and the words of a refusal; None where it was stored."""
    if not message.data:
        return 503, "nobody there stores it now"
    try:
        ack = _decoder.decode(message.data)
    except msgspec.MsgspecError:
        return 0, "an answer that is not understood"
    if ack.error is None:
        return None
    code = ack.error.get("err_code", 0)
    return int(code), str(ack.error.get("description", "no reason"))
