"""
One partition at work: from messages to exchanges that are under way, and to places.

A place is settled when its exchange has ended everywhere. It is written with the
outcomes, and confirmed to the broker after that; so a worker that is killed at any time
leaves behind only what its successor does over, or what it knows not to.
"""

from __future__ import annotations

import asyncio
import logging
import time
from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import msgspec

from shadow_middleware.broker.envelope import Ending, Envelope, decode
from shadow_middleware.broker.seal import Seal
from shadow_middleware.broker.stream import Stream
from shadow_middleware.errors import BrokerError, DecodeError
from shadow_middleware.evidence import Mark, Passed, Place
from shadow_middleware.exchange import Exchange
from shadow_middleware.offline.ledger import Ledger
from shadow_middleware.offline.making import FATE_UNKNOWN
from shadow_middleware.settings import SAFE_METHODS
from shadow_middleware.store.partitions import Tenure
from shadow_middleware.worker.assembly import Assembly, Whole
from shadow_middleware.worker.reader import Message, Reader

__all__ = ["Crew", "Going", "Partition"]

logger = logging.getLogger("shadow_middleware.worker")

AT_ONCE: Final = 128
"""Messages that are fetched together; so many writes at most have an unknown fate."""
REMEMBERED: Final = 20_000
"""Exchanges by which one that was published twice is known again."""
MOST_KEYS: Final = 10_000
_REST: Final = 0.5
EXPIRED: Final = "expired"


class Crew(Protocol):
    """What a partition needs of the shift that it belongs to."""

    stream: Stream
    seal: Seal
    counted: Counter[str]

    async def reader(self, tenure: Tenure) -> Reader:
        """Return a reader over a connection that stands, once the leases are ours."""
        ...

    async def room(self, partition: Partition, weight: int) -> bool:
        """Wait until one more may be under way; False where the shift is over."""
        ...

    def begin(self, partition: Partition, work: Work) -> None:
        """Replay an exchange; `Partition.ended` is called once it has ended."""
        ...

    def expire(self, exchange: Exchange, targets: Sequence[str]) -> None:
        """Count an exchange that has waited for too long."""
        ...

    async def claim(self, tenure: Tenure, place: int) -> None:
        """Note that writes below a place may have been sent."""
        ...


class Work(msgspec.Struct, frozen=True):
    """An exchange that is to be replayed, and where it stands."""

    exchange: Exchange
    targets: tuple[str, ...]
    places: tuple[int, ...]
    weight: int


class Partition:
    """
    Works at one partition until it is stopped.

    Args:
        tenure: Our lease of it, and how far it had come.
        crew: Who replays, and who else is at work.
        oldest: Seconds after which what has waited is not replayed.
    """

    def __init__(self, tenure: Tenure, crew: Crew, oldest: float) -> None:
        self.tenure = tenure
        self._crew = crew
        self._oldest = oldest
        self._ledger = Ledger(tenure.mark)
        self._assembly = Assembly()
        self._reader: Reader | None = None
        self._replies: dict[int, str] = {}
        self._endings: list[tuple[int, Ending]] = []
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._dropped_keys: OrderedDict[str, None] = OrderedDict()
        self._written = tenure.mark
        self._told = Mark(-1)
        self.under_way = 0
        """Exchanges that have not ended."""
        self._stopping = False

    # --- reading ------------------------------------------------------------------------

    async def run(self) -> None:
        """Read and begin until stopped; a connection that breaks is another one then."""
        trouble = ""
        while not self._stopping:
            try:
                self._reader = await self._crew.reader(self.tenure)
                while not self._stopping:
                    await self._take(await self._reader.fetch(AT_ONCE))
                    trouble = ""
            except BrokerError as error:
                if str(error) != trouble and not self._stopping:
                    trouble = str(error)
                    logger.warning("%s; it is opened again", error)
                await self.close()
                await asyncio.sleep(_REST)

    def stop(self) -> None:
        """Read no more; what is under way goes on."""
        self._stopping = True

    async def _take(self, messages: list[Message]) -> None:
        works = []
        for message in messages:
            whole = self._place(message)
            work = self._open(whole, message) if whole is not None else None
            if work is not None:
                works.append(work)
        await self._claim(works)
        for work in works:
            if not await self._crew.room(self, work.weight):
                return
            self._begin(work)

    def _place(self, message: Message) -> Whole | None:
        """Note where a message stands; return the exchange that is whole by it."""
        ledger, place = self._ledger, message.place
        self._crew.counted["redelivered"] += message.again
        self._replies[place] = message.reply
        if place < ledger.next:  # we have it; only where it is confirmed is new
            return None
        if ledger.is_settled(place):
            ledger.passed(place)
            return None
        ledger.begin(place)
        whole, over = self._assembly.add(message.id, message.part, message.data, place)
        for one in over:
            ledger.settle(one)
        return whole

    def _open(self, whole: Whole, message: Message) -> Work | None:
        """Return what is to be replayed, if there is anything."""
        try:
            data = self._crew.seal.open(whole.data, whole.id.encode())
            envelope = decode(data)
        except DecodeError as error:
            self._crew.counted["undecodable"] += 1
            if self._crew.counted["undecodable"] == 1:
                logger.error("%s; such messages are not replayed", error)
            self.settle(whole.places)
            return None
        if envelope.ending is not None:
            self._endings.append((whole.places[0], envelope.ending))
            return None
        return self._work(envelope, whole, message)

    def _work(self, envelope: Envelope, whole: Whole, message: Message) -> Work | None:
        exchange = envelope.exchange
        if exchange is None or whole.id in self._recent:
            self._crew.counted["twice"] += 1
            self.settle(whole.places)
            return None
        self._recent[whole.id] = None
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        if time.time() - message.at > self._oldest:
            self._crew.expire(exchange, envelope.targets)
            self._remember_drop(exchange.key)
            self.settle(whole.places)
            return None
        return Work(exchange, envelope.targets, whole.places, len(whole.data))

    def _remember_drop(self, key: str | None) -> None:
        if key is not None:
            self._dropped_keys[key] = None
            if len(self._dropped_keys) > MOST_KEYS:
                self._dropped_keys.popitem(last=False)

    async def _claim(self, works: list[Work]) -> None:
        """See that the store knows of writes before they can be sent."""
        places = [one.places[-1] for one in works if _writes(one.exchange)]
        if places and places[-1] >= self._ledger.claimed:
            await self._crew.claim(self.tenure, places[-1] + 1)
            self._ledger.claimed = places[-1] + 1

    def _begin(self, work: Work) -> None:
        exchange, place = work.exchange, work.places[-1]
        if exchange.key is not None and exchange.key in self._dropped_keys:
            del self._dropped_keys[exchange.key]
            exchange = msgspec.structs.replace(exchange, after_drop=True)
        if _writes(exchange) and self._ledger.is_uncertain(place):
            self._crew.counted["fate_unknown"] += 1
            exchange = msgspec.structs.replace(exchange, skip=FATE_UNKNOWN)
        self.under_way += 1
        self._crew.begin(self, msgspec.structs.replace(work, exchange=exchange))

    # --- ending -------------------------------------------------------------------------

    def ended(self, work: Work) -> None:
        """Take note that an exchange has ended everywhere."""
        self.under_way -= 1
        self.settle(work.places)

    def settle(self, places: Sequence[int]) -> None:
        """Take note that nothing more comes of messages."""
        for place in places:
            self._ledger.settle(place)

    def passed(self) -> Iterator[Passed]:
        """Yield the ends of lives that the partition has come to, with all before them."""
        stream = self._crew.stream
        while self._endings:
            place, ending = self._endings[0]
            if not self._ledger.is_first(place):
                return
            self._endings.pop(0)
            self._ledger.settle(place)
            yield Passed(
                stream.key,
                ending.session,
                ending.handed,
                ending.targets,
                self.tenure.partition,
                stream.partitions,
                ending.added,
            )

    def place(self) -> Place | None:
        """Return how far it has come, if that is more than was told before."""
        mark = self._ledger.mark()
        if mark == self._told:
            return None
        self._told = mark
        tenure = self.tenure
        return Place(self._crew.stream.key, tenure.partition, tenure.epoch, mark)

    async def written(self, mark: Mark | None = None) -> None:
        """Confirm to the broker what the store has."""
        self._written = mark = mark or self._written
        # Between the first and the second edge, the third and the fourth, and so on.
        done = [
            place
            for place in self._replies
            if place < mark.settled or bisect_right(mark.beyond, place) % 2
        ]
        replies = [self._replies.pop(place) for place in done]
        if replies and self._reader is not None:
            await self._reader.confirm(replies)

    async def close(self) -> None:
        """Part from the broker; what it has of us it gives to the next."""
        if self._reader is not None:
            await self._reader.close()

    @property
    def unclaimed(self) -> int | None:
        """From where on no write was sent, if all that was is settled; else None."""
        # What earlier owners may have sent stays so, where we have not come to it.
        least = max(self._ledger.next, self.tenure.mark.claimed)
        over = not self.under_way and self._ledger.claimed > least
        return least if over else None


def _writes(exchange: Exchange) -> bool:
    return exchange.request.method not in SAFE_METHODS


class Going:
    """An exchange under way, and in how many lanes it has not ended."""

    __slots__ = ("left", "partition", "work")

    def __init__(self, partition: Partition, work: Work) -> None:
        self.partition, self.work, self.left = partition, work, 0
