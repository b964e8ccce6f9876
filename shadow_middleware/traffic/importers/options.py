"""What an importer is told besides the bytes: whence they are, and how to read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, tzinfo
from typing import Final

import msgspec

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = ["Options", "Read", "Session", "Unreadable", "session_of"]

_KINDS: Final = ("auto", "none", "client", "user", "file")
_NAMED: Final = ("header", "cookie")


class Unreadable(Exception):
    """A piece of the source is no exchange; the message says why, for people."""


class Session(msgspec.Struct, frozen=True):
    """What tells one session from another."""

    kind: str = "auto"
    """`auto`, `none`, `client`, `user`, `file`, `header` or `cookie`."""
    name: str = ""
    """Of the header or cookie."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The same for all formats; each reads what it needs."""

    source: str = "input"
    """The name of the file, for messages: `access.log`."""
    process: str = "0"
    """The first part of the exchanges' ids, in hexadecimal: another for each file."""
    session: Session = Session()
    """What the exchanges' keys are made of."""
    salt: bytes = b""
    """What pseudonyms are made with, at most 64 bytes. Equal salts, equal pseudonyms."""
    zone: tzinfo = UTC
    """The zone of times that name none."""
    host: str = ""
    """The host of requests that name none."""
    log_format: str = ""
    """The server's own format, for `nginx` and `apache`."""
    request_headers: tuple[str, ...] = ()
    """Names of the request headers that HAProxy captures, in order."""
    response_headers: tuple[str, ...] = ()
    """Names of the response headers that HAProxy captures, in order."""
    replayed: bool = False
    """Whether GoReplay's replayed responses are taken instead of the original ones."""
    max_record: int = 64 * 1024 * 1024
    """Bytes of one line or entry; a longer one is a bad record and held nowhere."""


Read = Callable[[Iterable[bytes], Options], Iterator[Recorded | BadRecord]]
"""An importer: pieces of bytes, cut anywhere, become records."""


def session_of(text: str) -> Session:
    """
    Return the session that `client` or `cookie:sid` means.

    Raises:
        ConfigurationError: it means none; the message says what there is.
    """
    kind, colon, name = text.partition(":")
    if (kind in _KINDS and not colon) or (kind in _NAMED and name):
        return Session(kind, name)
    raise ConfigurationError(
        f"{text!r} tells no sessions apart; there are: {', '.join(_KINDS)}, "
        "header:NAME and cookie:NAME"
    )
