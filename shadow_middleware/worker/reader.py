"""
One partition as it is read: in order, without a gap, from what is not settled yet.

The consumer is made anew by each owner: the broker then hands out at once, and in
order, all that the last owner has not confirmed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from shadow_middleware.broker.envelope import MSG_ID, PART
from shadow_middleware.broker.stream import Stream
from shadow_middleware.errors import BrokerError

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

__all__ = ["Message", "Reader"]

NEVER: Final = 6 * 3600.0
"""Seconds until the broker hands a message out again by itself: whoever has the lease
reads again when it wants to."""
MOST_UNCONFIRMED: Final = 20_000
_PATIENCE: Final = 2.0
"""Seconds for which the broker holds a request on to what is published meanwhile."""
_LATE: Final = 1.0
"""Seconds after that until the broker's own word that nothing came is not waited for."""
_GATHER: Final = 0.005
"""Seconds after a first message in which others are waited for: what is taken together
costs one transaction in the store."""
_AT_ONCE: Final = 16 * 1024 * 1024
"""Bytes that are asked for together, beside a message that is larger."""
_NOBODY: Final = "503"
"""What a client answers itself where nobody listens to what it asks."""
_OVER: Final = re.compile("404|408|409 .*(batch completed|maxbytes)")
"""What the broker answers where there is nothing, or nothing more to a request."""


class Message(NamedTuple):
    """A message where it stands."""

    place: int
    """Its number in the stream."""
    at: float
    """When the broker took it, in seconds since the epoch."""
    id: str
    part: str
    data: bytes
    reply: str
    """Where it is confirmed."""
    again: bool
    """Whether it was handed out before."""


class Reader:
    """
    Reads a partition over one connection.

    Args:
        client: Connected.
        stream: Where the partition is.
        partition: Which it is.
        epoch: Of our lease: readers of former owners go by other names, so what they
            still ask for is not answered.
    """

    def __init__(
        self, client: Client, stream: Stream, partition: int, epoch: int
    ) -> None:
        self._client = client
        self._stream = stream
        self._partition = partition
        self._name = f"p{partition}-{epoch}"
        self._subscription: Any = None
        self._inbox = ""
        self._came: deque[Msg] = deque()
        self._asked = 0
        self._trouble = ""
        self._changed = asyncio.Event()
        self._next = 1

    async def open(self) -> None:
        """
        Begin with what is not confirmed, and end every other reader of the partition.

        Raises:
            BrokerError: the broker is away, or refuses.
        """
        from nats.errors import Error
        from nats.js import api

        context = self._client.jetstream()
        stream = self._stream.name
        try:
            await self._end_others(context)
            await context.add_consumer(
                stream,
                api.ConsumerConfig(
                    durable_name=self._name,
                    filter_subject=self._stream.within(self._partition),
                    ack_policy=api.AckPolicy.EXPLICIT,
                    ack_wait=NEVER,
                    max_ack_pending=MOST_UNCONFIRMED,
                ),
            )
            self._inbox = self._client.new_inbox()
            self._subscription = await self._client.subscribe(
                self._inbox, cb=self._arrived
            )
        except (Error, TimeoutError, OSError) as error:
            raise self._broken(error) from None

    async def _end_others(self, context: JetStreamContext) -> None:
        """Remove every consumer of the partition, ours of before too."""
        from nats.js.errors import NotFoundError

        offset, found = 0, []
        while page := await context.consumers_info(self._stream.name, offset):
            found += page
            offset += len(page)
        for name in [one.name for one in found]:
            if name.partition("-")[0] == f"p{self._partition}":
                with contextlib.suppress(NotFoundError):
                    await context.delete_consumer(self._stream.name, name)

    async def fetch(self, most: int) -> list[Message]:
        """
        Return the next messages, at most so many; none where none come soon.

        Raises:
            BrokerError: the connection broke, the consumer is gone, or a message got
                lost on the way: open it again.
        """
        if not self._came and self._asked <= 0:
            await self._ask(most)
        if not await self._until(lambda: bool(self._came), _PATIENCE + _LATE):
            self._asked = 0
        await self._until(lambda: len(self._came) >= most, _GATHER)
        if self._client.is_closed:
            raise BrokerError("the connection to the broker broke")
        if self._trouble:
            raise BrokerError(f"partition {self._partition}: {self._trouble}")
        found = list(islice(self._came, most))
        for _ in found:
            self._came.popleft()
        return [self._message(one) for one in found]

    async def _ask(self, most: int) -> None:
        # nats-py's own way makes a task, a timer and a random id for each message.
        from nats.errors import Error

        largest = max(_AT_ONCE, 2 * self._stream.largest)
        wanted = {"batch": most, "expires": int(_PATIENCE * 1e9), "max_bytes": largest}
        where = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream.name}.{self._name}"
        self._asked = most
        try:
            await self._client.publish(where, json.dumps(wanted).encode(), self._inbox)
        except (Error, OSError) as error:
            raise self._broken(error) from None

    async def _until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds or nothing more is to come; whether it was told."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (holds() or self._asked <= 0 or self._trouble):
                    self._changed.clear()
                    await self._changed.wait()
                return True
        return False

    async def _arrived(self, message: Msg) -> None:
        """Take a message, or what the broker says of a request."""
        if message.reply:
            self._came.append(message)
            self._asked -= 1
        else:
            headers = message.headers or {}
            status, words = headers.get("Status", ""), headers.get("Description", "")
            said = words.lower()
            if _OVER.match(f"{status} {said}"):
                self._asked = 0
            elif status == _NOBODY:
                self._trouble = "its reader at the broker is gone"
            elif status != "100":
                self._trouble = said or f"the broker answers {status}"
        self._changed.set()

    def _broken(self, error: Exception) -> BrokerError:
        return BrokerError(f"partition {self._partition}: {_words(error)}")

    def _message(self, message: Msg) -> Message:
        # $JS.ACK.[domain.account.]stream.consumer.delivered.place.number.at.pending
        told = message.reply.split(".")
        from_end = told[4:9] if len(told) == 9 else told[6:11]
        delivered, place, number, at, _ = map(int, from_end)
        if number != self._next:
            raise BrokerError(
                f"partition {self._partition}: message {number} came in place of "
                f"{self._next}"
            )
        self._next += 1
        headers = message.headers or {}
        return Message(
            place,
            at / 1e9,
            headers.get(MSG_ID, ""),
            headers.get(PART, ""),
            message.data,
            message.reply,
            delivered > 1,
        )

    async def confirm(self, replies: list[str]) -> None:
        """Tell the broker that messages are settled; what does not get there comes again."""
        with contextlib.suppress(Exception):
            for reply in replies:
                await self._client.publish(reply, b"+ACK")

    async def close(self) -> None:
        """Read no more."""
        if self._subscription is not None:
            with contextlib.suppress(Exception):
                await self._subscription.unsubscribe()


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the broker does not answer in time"
    described = getattr(error, "description", "") or str(error)
    return described.removeprefix("nats: ").strip() or type(error).__name__
