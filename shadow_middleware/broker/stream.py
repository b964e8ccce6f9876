"""The stream and its bounds: made where it is missing, compared where it is there."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from shadow_middleware.broker.link import shown
from shadow_middleware.errors import BrokerError, ConfigurationError
from shadow_middleware.settings import Settings

if TYPE_CHECKING:
    from nats.js import JetStreamContext

__all__ = ["DUPLICATES", "Stream", "ensure_stream", "look"]

DUPLICATES: Final = 120.0
"""Seconds for which the broker knows a message again that is published twice."""
_ROOM: Final = 4096
"""Bytes of a message that headers and seals may take."""
_IDENTITY: Final = "shadow-middleware"
_NAME_IN_USE: Final = 10058
"""JetStream's error code for a stream of that name that is configured otherwise."""


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """The stream as it is."""

    name: str
    identity: str
    """Another one whenever the stream is made anew: then its numbers begin anew too."""
    partitions: int
    largest: int
    """Bytes that one message may hold beside its headers."""
    messages: int = 0
    size: int = 0
    """Bytes that messages take at the broker now."""
    bound: int = 0
    """Bytes that they may take."""

    @property
    def key(self) -> str:
        """Return the name under which places in the stream are kept."""
        return f"{self.name}:{self.identity}"

    def subject(self, token: str) -> str:
        """Return where an exchange is published."""
        return f"{self.name}.in.{token}"

    def within(self, partition: int, token: str = "*") -> str:
        """Return where what is published lies."""
        return f"{self.name}.p.{partition}.{token}"


async def ensure_stream(context: JetStreamContext, settings: Settings) -> Stream:
    """
    Return the stream, which is made with the settings' bounds where it is missing.

    A message leaves it when a worker has settled it. When it is full it refuses what
    comes, so that nothing goes silently. Bounds that were changed are applied to a
    stream of ours; its partitions cannot be changed.

    Raises:
        BrokerError: the broker has no JetStream, no room, or does not allow it.
        ConfigurationError: there is a stream, and it has other partitions.
    """
    from nats.errors import Error
    from nats.js.errors import NotFoundError

    name = settings.broker_stream
    try:
        try:
            info = await context.stream_info(name)
        except NotFoundError:
            info = await _made(context, settings)
        else:
            info = await _kept_up(context, settings, info)
    except ConfigurationError:
        raise
    except (Error, TimeoutError, OSError) as error:
        raise BrokerError(
            f"the stream {name!r} at {shown(settings.broker_url)} cannot be used: "
            f"{_in_words(error)}"
        ) from None
    return _stream(context, info, settings)


async def _made(context: JetStreamContext, settings: Settings) -> Any:
    """Return the new stream, or the one that another has made in this very moment."""
    from nats.js.errors import BadRequestError

    try:
        return await context.add_stream(_config(settings, uuid.uuid4().hex[:12]))
    except BadRequestError as error:
        if error.err_code != _NAME_IN_USE:
            raise
        found = await context.stream_info(settings.broker_stream)
        return await _kept_up(context, settings, found)


async def look(context: JetStreamContext, stream: Stream) -> Stream:
    """
    Return the stream with the figures of now.

    Raises:
        BrokerError: it cannot be asked.
    """
    from nats.errors import Error

    try:
        info = await context.stream_info(stream.name)
    except (Error, TimeoutError, OSError) as error:
        raise BrokerError(f"the stream cannot be seen: {_in_words(error)}") from None
    return msgspec.structs.replace(
        stream,
        messages=info.state.messages,
        size=info.state.bytes,
        bound=info.config.max_bytes or 0,
    )


def _stream(context: JetStreamContext, info: Any, settings: Settings) -> Stream:
    payload = context._nc.max_payload
    return Stream(
        name=settings.broker_stream,
        identity=(info.config.metadata or {}).get(_IDENTITY, "")
        or (info.created.isoformat() if info.created else ""),
        partitions=settings.broker_partitions,
        largest=max(payload - _ROOM, payload // 2),
        messages=info.state.messages,
        size=info.state.bytes,
        bound=info.config.max_bytes or 0,
    )


async def _kept_up(context: JetStreamContext, settings: Settings, info: Any) -> Any:
    """Refuse a stream that divides otherwise; apply bounds that are others by now."""
    identity = (info.config.metadata or {}).get(_IDENTITY, "")
    wanted = _config(settings, identity)
    divides = info.config.subject_transform
    if divides is None or divides.dest != wanted.subject_transform.dest:
        raise ConfigurationError(
            f"broker_partitions: the stream {settings.broker_stream!r} is there and "
            f"{_says(divides)}, where {settings.broker_partitions} partitions are asked "
            "for; name another broker_stream, or remove that one once it is empty"
        )
    same = (
        info.config.max_bytes == wanted.max_bytes
        and info.config.num_replicas == wanted.num_replicas
    )
    return info if same else await context.update_stream(wanted)


def _says(divides: Any) -> str:
    found = "" if divides is None else str(divides.dest)
    _, _, rest = found.partition("{{partition(")
    number = rest.partition(",")[0]
    return f"has {number} partitions" if number.isdigit() else "does not divide by keys"


def _config(settings: Settings, identity: str) -> Any:
    from nats.js import api

    name, number = settings.broker_stream, settings.broker_partitions
    return api.StreamConfig(
        name=name,
        description="Exchanges on their way to workers of shadow_middleware",
        subjects=[f"{name}.in.*", f"{name}.p.*.*"],
        subject_transform=api.SubjectTransform(
            src=f"{name}.in.*",
            dest=f"{name}.p.{{{{partition({number},1)}}}}.{{{{wildcard(1)}}}}",
        ),
        retention=api.RetentionPolicy.WORK_QUEUE,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.NEW,
        max_bytes=settings.broker_bytes,
        num_replicas=settings.broker_replicas,
        duplicate_window=DUPLICATES,
        metadata={_IDENTITY: identity} if identity else None,
    )


def _in_words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    described = getattr(error, "description", "") or str(error)
    return described.removeprefix("nats: ").strip() or type(error).__name__
