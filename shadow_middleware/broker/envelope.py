"""
What a message holds: one exchange, or the end of an agent's life. Pure but for chance.

    message = how it is closed (1 byte: see `seal`) + MessagePack of an `Envelope`
    subject = STREAM.in.TOKEN, which the stream turns into STREAM.p.PARTITION.TOKEN
    headers = Nats-Msg-Id; for one that takes several messages Shadow-Part: 2/5
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from shadow_middleware.errors import DecodeError
from shadow_middleware.exchange import Exchange

__all__ = [
    "MSG_ID",
    "PART",
    "VERSION",
    "Ending",
    "Envelope",
    "decode",
    "encode",
    "number_of",
    "token_of",
]

VERSION: Final = 1
MSG_ID: Final = "Nats-Msg-Id"
PART: Final = "Shadow-Part"
"""Which part of how many a message is."""


class Ending(msgspec.Struct, frozen=True, array_like=True):
    """
    Says that an agent's life is over: whatever it published is before this.

    There is one in each partition. When all of them were come to, what of `handed` has
    not ended never will: it was lost with the agent, or at the broker.
    """

    session: str
    """The life, as exchanges of it are named."""
    handed: int
    """How many exchanges the agent was given in it."""
    targets: tuple[str, ...]
    partition: int
    added: tuple[str, ...] = ()
    """Those of the targets that the settings do not name."""


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """What one message holds, once it is whole."""

    version: int
    exchange: Exchange | None
    targets: tuple[str, ...] = ()
    """For which targets the agent has counted it as selected."""
    ending: Ending | None = None


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Envelope)


def encode(envelope: Envelope) -> bytes:
    """Return the envelope as bytes."""
    return _encoder.encode(envelope)


def decode(data: bytes) -> Envelope:
    """
    Return the envelope of a message that was opened.

    Raises:
        DecodeError: it is none, or one of a version that is not known here.
    """
    try:
        envelope = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise DecodeError(f"a message does not decode: {error}") from None
    if envelope.version != VERSION:
        raise DecodeError(f"a message is of version {envelope.version}, not {VERSION}")
    return envelope


def token_of(exchange: Exchange) -> str:
    """
    Return what the stream divides by: the same for one key, in every process.

    What has no key is spread evenly, as it may be replayed in any order.
    """
    key = exchange.id if exchange.key is None else f"k{exchange.key}"
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8)
    return digest.hexdigest()


def number_of(exchange: Exchange) -> int:
    """Return which of its session it is: it grows in the order of capture."""
    try:
        return int(exchange.id.rpartition("-")[2].partition(".")[0], 16)
    except ValueError:
        return -1
