"""
A stored request as a `curl` command that a person can run.

Everything of the outside stands in quotes that no shell looks into, and nothing of it
can become an option, a file name or a pattern of curl's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from shlex import quote

import msgspec

from shadow_middleware.evidence import DivergenceRecord

__all__ = ["MASK", "Command", "Part", "command_of"]

MASK = "[redacted]"
"""What stands in place of a secret that was taken out before it was stored."""

_LEFT_OUT = frozenset(
    {
        "accept-encoding",  # --compressed says it
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "transfer-encoding",
    }
)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Part(msgspec.Struct, frozen=True):
    """A part of the command."""

    text: str
    masked: bool = False
    """Whether it stands for a secret, which has to be put in before it is run."""


class Command(msgspec.Struct, frozen=True):
    """A command line, and what is to be known of it."""

    parts: tuple[Part, ...]
    masked: bool
    """Whether a secret has to be put in."""
    whole: bool
    """Whether it is the request that was sent: nothing masked, nothing cut."""


def command_of(record: DivergenceRecord, address: str) -> Command:
    """
    Return the request of a divergence as a command.

    Args:
        record: As it is stored.
        address: Where to send it, as `http://127.0.0.1:8000`.
    """
    text = " \\\n  ".join(_words(record, address.rstrip("/")))
    parts = tuple(_parts(text))
    masked = any(part.masked for part in parts)
    # No shell can hand a NUL on.
    whole = record.replayable and not masked and "\\x00" not in text
    return Command(parts, masked, whole)


def _words(record: DivergenceRecord, address: str) -> Iterator[str]:
    path = record.path if record.path.startswith("/") else f"/{record.path}"
    yield f"curl --globoff --path-as-is {_quoted(address + path)}"
    if record.method == "HEAD":
        yield "--head"
    elif record.method != "GET" or record.request_body:
        yield f"--request {_quoted(record.method)}"
    yield from _headers(record.request_headers)
    if record.request_body:
        yield f"--data-raw {_quoted(record.request_body)}"


def _headers(fields: Iterable[tuple[str, str]]) -> Iterator[str]:
    compressed = False
    for name, value in fields:
        compressed = compressed or name.lower() == "accept-encoding"
        # A name that is none could be `@file`, which curl would read.
        if name.lower() not in _LEFT_OUT and _NAME.match(name):
            yield f"--header {_quoted(f'{name}: {value}' if value else f'{name};')}"
    if compressed:
        yield "--compressed"


def _quoted(text: str) -> str:
    """Return the text as one word of a shell, whatever is in it."""
    if text.isprintable():
        return quote(text)
    return f"$'{''.join(map(_escaped, text))}'"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    data = character.encode("utf-8", "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in data)


def _parts(text: str) -> Iterator[Part]:
    pieces: Sequence[str] = text.split(MASK)
    for at, piece in enumerate(pieces):
        if at:
            yield Part(MASK, masked=True)
        if piece:
            yield Part(piece)
